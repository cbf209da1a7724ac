"""Named arrays in an .npz file. May import NumPy; objects, which would be pickles, are never read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import Part, Shape, assemble, numbers
from hpsearch.errors import DataError, nearest

_MOST_CHANNELS = 4
_CHANNELS = {"last": -1, "first": 1}


def read_npz(path: Path, table: Mapping[str, Any]) -> Dataset:
    """Read the arrays that `table` names: images, labels, test_images, test_labels, or `test` to set some aside.

    Images are (n, features), (n, height, width), or with channels last or first: `channels` says which where both
    could be meant, and is else "last". Raises `DataError` for arrays that are missing or do not fit.
    """
    with path.open("rb") as file:
        held = _open(path, file)
        learn = _read_part(path, held, table, ("images", "x_train"), ("labels", "y_train"))
        if "test" in table:
            return assemble(path.name, learn, table["test"])
        return assemble(
            path.name, learn, _read_part(path, held, table, ("test_images", "x_test"), ("test_labels", "y_test"))
        )


def _open(path: Path, file: BinaryIO) -> Any:
    try:
        held = np.load(file, allow_pickle=False)
    except Exception as error:  # NumPy and zipfile raise nearly every type on bytes that are not what they seem
        raise DataError(f"{path}: not a whole .npz file, which np.savez writes") from error
    if not isinstance(held, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: must be an .npz file, which np.savez writes, is a single array")
    return held


def _read_part(
    path: Path, held: Any, table: Mapping[str, Any], samples: tuple[str, str], labels: tuple[str, str]
) -> Part:
    """Read the arrays under the keys `images` and `labels`, each given with the name that it has by default."""
    name, of_labels = table.get(*samples), table.get(*labels)
    place = f"{path}: {name!r}"
    pixels = numbers(place, _array(path, held, samples[0], name))
    pixels, image_shape = channels_first(place, pixels, table.get("channels"))
    texts = labels_of(f"{path}: {of_labels!r}", _array(path, held, labels[0], of_labels), len(pixels))
    return Part(place, pixels.reshape(len(pixels), -1), texts, image_shape)


def _array(path: Path, held: Any, key: str, name: str) -> npt.NDArray[Any]:
    if name not in held.files:
        remedy = ", or hold some out with test = n" if key.startswith("test") else ""
        raise DataError(f"{path}: no array {name!r}, which data.dataset.{key} names{remedy}{nearest(name, held.files)}")
    try:
        return np.asarray(held[name])
    except Exception as error:
        raise DataError(f"{path}: {name!r} must be an array of numbers or text, is cut, corrupt or objects") from error


def channels_first(place: str, samples: Any, channels: str | None) -> tuple[Any, Shape]:
    """Return the images as (n, channels, height, width) or flatter, and (channels, height, width)."""
    if samples.size == 0 or samples.ndim not in (2, 3, 4):
        rule = "must be (n, features), (n, height, width) or these with channels, none of them 0"
        raise DataError(f"{place}: {rule}, is {samples.shape}")
    if samples.ndim == 2:
        return samples, (1, 1, samples.shape[1])
    if samples.ndim == 3:
        return samples, (1, samples.shape[1], samples.shape[2])
    if channels is None:
        first = samples.shape[1] <= _MOST_CHANNELS < samples.shape[3]
        channels = "first" if first else "last"
    samples = np.moveaxis(samples, _CHANNELS[channels], 1)
    return samples, samples.shape[1:]


def labels_of(place: str, labels: npt.NDArray[Any], samples: int) -> list[str]:
    if labels.shape not in ((samples,), (samples, 1)):
        raise DataError(f"{place}: must have one label for each of the {samples:,} images, is {labels.shape}")
    values = labels.reshape(-1)
    if values.dtype.kind in "iub":
        return [str(int(value)) for value in values]
    if values.dtype.kind == "U":
        return [str(value) for value in values]
    raise DataError(f"{place}: labels must be whole numbers or text, are {values.dtype}")
