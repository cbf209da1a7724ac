"""A folder of images with a sub-folder for each class. Imports Pillow, the extra `images`, only when read."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import Part, Shape, assemble, existing, shown
from hpsearch.errors import DataError

_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"))
_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}
MOST_PIXELS = 50_000_000
"""The most pixels of an image: unpacked, they take 150 MB of memory."""
_COLOURS = {1: "greyscale", 3: "RGB"}


def read_folder(path: Path, table: Mapping[str, Any], workspace: Path) -> Dataset:
    """Read the images of all sub-folders of `path`, whose names are the classes.

    `test_path` names another such folder to test on, else `test` images are held out; `size` = (width, height) resizes
    all. Raises `DataError` for a file that is no image, or differs from the first in size or in number of channels.
    """
    train = _read_part(path, table.get("size"))
    if "test_path" not in table:
        return assemble(path.name, train, table["test"])
    return assemble(
        path.name, train, _read_part(existing(workspace, table["test_path"], folder=True), table.get("size"))
    )


def _read_part(folder: Path, size: Sequence[int] | None) -> Part:
    files, labels = [], []
    for each in sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
        found = sorted(f for f in each.iterdir() if f.suffix.lower() in _SUFFIXES and not f.name.startswith("."))
        if not found:
            raise DataError(f"{each}: must have images ({', '.join(sorted(_SUFFIXES))}), as each class has; has none")
        files += found
        labels += [each.name] * len(found)
    if not files:
        raise DataError(f"{folder}: must have a folder of images for each class, has no folders")
    first = _read_image(files[0], size)
    images = np.empty((len(files), first.size), np.uint8)
    for row, file in zip(images, files, strict=True):
        image = _read_image(file, size)
        _check_alike(file, image.shape, files[0], first.shape)
        row[:] = image.reshape(-1)
    return Part(str(folder), images, labels, first.shape, said=True)


def _check_alike(file: Path, shape: Shape, first: Path, expected: Shape) -> None:
    if shape[0] != expected[0]:
        rule = f"must be {_COLOURS[expected[0]]}, as {first} is"
        raise DataError(f"{file}: {rule}, is {_COLOURS[shape[0]]}; convert one of them")
    if shape != expected:
        rule = f"must have the {shown((1, *expected[1:]))} pixels (height × width) of {first}"
        raise DataError(f"{file}: {rule}, has {shown((1, *shape[1:]))}; resize all with data.dataset.size")


def _read_image(file: Path, size: Sequence[int] | None) -> npt.NDArray[np.uint8]:
    """Return an image as (channels, height, width), rotated by its EXIF orientation."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise DataError("folders of images need Pillow: pip install 'hpsearch[images]'") from error

    if not file.is_file():  # of a pipe, say, nothing might ever come
        raise DataError(f"{file}: must be a file, is a folder, a device, a pipe or a socket")
    try:
        with warnings.catch_warnings(), Image.open(file) as image:
            warnings.simplefilter("ignore")  # such as damaged EXIF data, which do not matter here
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow would read on
            width, height = image.size  # of its head: the pixels are not unpacked yet
            if width * height > MOST_PIXELS:
                raise DataError(
                    f"{file}: must have at most {MOST_PIXELS:,} pixels, has {width:,} × {height:,}; make it smaller"
                )
            ImageOps.exif_transpose(image, in_place=True)
            upright: Image.Image = image
            mode = _MODES.get(upright.mode)
            if mode is not None:
                upright = upright if mode == upright.mode else upright.convert(mode)
                pixels = np.asarray(upright.resize((size[0], size[1]), Image.Resampling.BILINEAR) if size else upright)
    except DataError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise DataError(f"{file}: not a complete image: {error}") from error
    except Exception as error:  # Pillow's decoders raise nearly every type of exception on damaged files
        raise DataError(f"{file}: not an image that can be read: {error}") from error
    if mode is None:
        raise DataError(f"{file}: must be greyscale or RGB, is {upright.mode}; convert it")
    return pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
