"""Named arrays in an .npz file. May import NumPy; objects, which would be pickles, are never read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Dataset
from hpsearch.data.sources.common import Part, Shape, assemble, numbers, part_with_targets
from hpsearch.data.sources.targets import refuse_values
from hpsearch.errors import DataError, nearest
from hpsearch.platform import memory

LARGEST_WHOLE = 2**53
"""Up to here floats are exact whole numbers."""

_MOST_CHANNELS = 4
_CHANNELS = {"last": -1, "first": 1}
_USUAL_NAMES = {
    "samples": ("x_train", "samples", "images"),
    "labels": ("y_train", "labels"),
    "test_samples": ("x_test", "test_samples", "test_images"),
    "test_labels": ("y_test", "test_labels"),
}
"""What an array is called where the study file does not say: the first of these that the file has."""


def read_npz(path: Path, table: Mapping[str, Any], task: str | None = None) -> Dataset:
    """Read the arrays that `table` names: samples, labels, test_samples, test_labels, or hold out `test` samples.

    Samples are rows (n, features), or images (n, height, width), (n, height, width, channels) or (n, channels, height,
    width): `channels` = "last" or "first" says which where both could be meant; "last" if not given. The labels of a
    regression are numbers (n,), or (n, T) for several targets. Raises `DataError` for arrays that are missing or do not
    fit.
    """
    with path.open("rb") as file:
        arrays = _open(path, file)
        train = _read_part(path, arrays, table, ("samples", "labels"), task)
        if "test" in table:
            return assemble(path.name, train, table["test"])
        return assemble(path.name, train, _read_part(path, arrays, table, ("test_samples", "test_labels"), task))


def _open(path: Path, file: BinaryIO) -> Any:
    try:
        arrays = np.load(file, allow_pickle=False)
    except Exception as error:  # NumPy and zipfile raise nearly every type of exception on damaged files
        raise DataError(f"{path}: not a complete .npz file, as np.savez writes it") from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: must be an .npz file, which np.savez writes, is a single array")
    return arrays


def _read_part(path: Path, arrays: Any, table: Mapping[str, Any], keys: tuple[str, str], task: str | None) -> Part:
    """Read the arrays of samples and labels that these two keys of `table` name."""
    samples_key, labels_key = keys
    name, labels_name = (
        table.get(key) or next((usual for usual in _USUAL_NAMES[key] if usual in arrays.files), _USUAL_NAMES[key][0])
        for key in (samples_key, labels_key)
    )
    place = f"{path}: {name!r}"
    samples = numbers(place, _array(path, arrays, samples_key, name))
    samples, image_shape = channels_first(place, samples, table.get("channels"))
    labels = _array(path, arrays, labels_key, labels_name)
    flat = samples.reshape(len(samples), -1)
    if task == "regression":
        return part_with_targets(place, flat, image_shape, f"{path}: {labels_name!r}", labels)
    classes = labels_of(f"{path}: {labels_name!r}", labels, len(samples), task)
    return Part(place, flat, classes, image_shape, said=task is not None)


def _array(path: Path, arrays: Any, key: str, name: str) -> npt.NDArray[Any]:
    if name not in arrays.files:
        remedy = ", or hold some out with test = n" if key.startswith("test") else ""
        hint = nearest(name, arrays.files)
        raise DataError(f"{path}: no array {name!r}, which data.dataset.{key} names{remedy}{hint}")
    _check_memory(f"{path}: {name!r}", arrays, name)
    try:
        return np.asarray(arrays[name])
    except Exception as error:
        rule = "must be an array of numbers or text, is truncated, corrupt or has objects"
        raise DataError(f"{path}: {name!r} {rule}") from error


def _check_memory(place: str, arrays: Any, name: str) -> None:
    """Refuse an array larger than this machine's memory before it is unpacked: packed zeros are a thousandth of it."""
    there = memory()
    needed = max(part.file_size for part in arrays.zip.infolist() if part.filename in (name, f"{name}.npy"))
    if there is not None and needed > there:
        raise DataError(f"{place} needs {needed:,} bytes of memory; this machine has {there:,}")


def channels_first(place: str, samples: Any, channels: str | None) -> tuple[Any, Shape]:
    """Return samples as (n, features), (n, height, width) or (n, channels, height, width), and their image shape."""
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


def labels_of(place: str, labels: npt.NDArray[Any], samples: int, task: str | None = None) -> list[str]:
    """Return labels (n,) or (n, 1), whole numbers or text, as text; fractions too where the task was given.

    Labels (n, classes) in which each row has a single 1, and else 0, are one-hot: the class is the column of the 1.
    """
    if labels.shape[:1] == (samples,) and _is_one_hot(labels):
        labels = labels.argmax(axis=1)
    if labels.dtype.kind == "f" and labels.size and task is None:
        if np.isfinite(labels).all() and (labels == np.round(labels)).all() and np.abs(labels).max() < LARGEST_WHOLE:
            labels = labels.astype(np.int64)  # as pandas and many files have classes
        refuse_values(place, [str(value) for value in labels.ravel().tolist()])
    if labels.shape not in ((samples,), (samples, 1)):
        raise DataError(f"{place}: must have one label for each of the {samples:,} samples, is {labels.shape}")
    values = labels.reshape(-1)
    if values.dtype.kind in "iub":
        return [str(int(value)) for value in values]
    if values.dtype.kind == "U" or (values.dtype.kind == "f" and task is not None and np.isfinite(values).all()):
        return [str(value) for value in values.tolist()]
    if values.dtype.kind == "f" and (gaps := int(np.isnan(values).sum())):
        raise DataError(f"{place}: {gaps:,} of {samples:,} labels are NaN; remove these samples")
    raise DataError(f"{place}: labels must be whole numbers or text, are {values.dtype}")


def _is_one_hot(labels: npt.NDArray[Any]) -> bool:
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "biuf":
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())
