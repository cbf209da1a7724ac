"""MNIST's format: a folder of four IDX files, gzipped or not. May import NumPy."""

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import Part, assemble
from hpsearch.errors import DataError

_UBYTE = 8
_PIECE = 2**20


def read_idx(folder: Path, names: Sequence[str] | None = None) -> Dataset:
    """Read the four files as MNIST and Fashion-MNIST have them; `names` names the classes in the labels' order.

    Raises `DataError` if one is missing, truncated or not valid.
    """
    return assemble(folder.name, _read_part(folder, "train"), _read_part(folder, "t10k"), names=names)


def _read_part(folder: Path, prefix: str) -> Part:
    path = _find(folder, f"{prefix}-images", 3)
    images = _read(path, 3)
    labels_path = _find(folder, f"{prefix}-labels", 1)
    labels = _read(labels_path, 1)
    if len(labels) != len(images):
        raise DataError(f"{labels_path}: must have a label for each of the {len(images):,} images, has {len(labels):,}")
    count, height, width = images.shape
    return Part(
        str(labels_path), images.reshape(count, -1), [str(n) for n in labels.tolist()], (1, height, width), said=True
    )


def _find(folder: Path, stem: str, dimensions: int) -> Path:
    name = f"{stem}-idx{dimensions}-ubyte"
    spellings = [f"{stem}{mark}idx{dimensions}-ubyte{end}" for end in ("", ".gz") for mark in "-."]
    for spelling in spellings:
        if (folder / spelling).is_file():
            return folder / spelling
    raise DataError(f"{folder / name}: no such file, nor {', '.join(spellings[1:])}; an IDX dataset has it")


def _read(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _parse(path, file, dimensions)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a complete .gz file: truncated or corrupt") from error


def _parse(path: Path, file: BinaryIO | Any, dimensions: int) -> npt.NDArray[np.uint8]:
    header = file.read(4 + 4 * dimensions)
    magic = bytes((0, 0, _UBYTE, dimensions))
    if len(header) < 4 + 4 * dimensions or header[:4] != magic:
        rule = f"must begin with {magic.hex()}: bytes in {dimensions} dimensions"
        raise DataError(f"{path}: {rule}, begins with {header[:4].hex() or 'nothing'}")
    shape = [int(n) for n in np.frombuffer(header, ">u4", offset=4)]
    if 0 in shape:
        raise DataError(f"{path}: must have at least 1 image of at least 1 pixel, has {' × '.join(map(str, shape))}")
    expected = math.prod(shape)
    content = bytearray()
    while piece := file.read(_PIECE):  # in pieces, since a damaged header may claim more than there is memory
        content += piece
        if len(content) > expected:
            break
    if len(content) != expected:
        has = f"{len(content):,}" if len(content) < expected else "more"
        raise DataError(f"{path}: must have {expected:,} bytes after its header, as that says, has {has}")
    return np.frombuffer(content, np.uint8).reshape(shape)
