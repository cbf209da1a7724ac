"""CIFAR-10 in its three published layouts. May import NumPy; SciPy only for MATLAB files.

Every layout gives the same arrays: rows of 3,072 uint8, 1,024 each of red, green and blue.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hpsearch.data.dataset import Dataset, Labels, Samples, make_dataset
from hpsearch.data.sources.restricted_pickle import PickledArray, RefusedError, printable, unpickle
from hpsearch.errors import DataError

IMAGES_PER_FILE = 10_000
PIXELS = 3 * 32 * 32
CLASSES = 10
PUBLISHED_AT = "https://www.cs.toronto.edu/~kriz"
_MOST_BYTES = 128 * 2**20  # of a file whose size is not fixed: about four times what was published

Batch = tuple[Samples, Labels]
Content = TypeVar("Content")


@dataclass(frozen=True)
class Layout:
    """One published way to store CIFAR-10: its archive, the folder inside that, and how its files are read."""

    name: str
    archive: str
    md5: str
    folder: str
    suffix: str
    meta: str
    read_batch: Callable[[Path], Batch]
    read_classes: Callable[[Path], list[str]]

    @property
    def batches(self) -> tuple[str, ...]:
        """The files of images: five to train on, then the one to test on."""
        return (*(f"data_batch_{i}{self.suffix}" for i in range(1, 6)), f"test_batch{self.suffix}")

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.batches, self.meta)


def read_cifar10(directory: Path) -> Dataset:
    """Read CIFAR-10 from `directory`, which holds the folder of a layout or is one; a complete layout is preferred.

    Raises `DataError` if there is none, none is complete, or a file is not valid.
    """
    present = [
        (layout, folder)
        for layout in LAYOUTS.values()
        for folder in (directory / layout.folder, directory)
        if (folder.name == layout.folder and folder.is_dir()) or any((folder / name).exists() for name in layout.files)
    ]
    if not present:
        folders = ", ".join(layout.folder for layout in LAYOUTS.values())
        raise DataError(
            f"{directory}: no CIFAR-10 here (looked for {folders}); get it with `hpsearch data fetch cifar10`,"
            " or name the directory that has it with --data-dir or HPSEARCH_DATA"
        )
    problems = [_problem(layout, folder) for layout, folder in present]
    if None not in problems:
        raise DataError(problems[0])
    return read_layout(*present[problems.index(None)])


def read_layout(layout: Layout, folder: Path) -> Dataset:
    """Read one layout from its own folder. Raises `DataError` if a file is missing or not valid."""
    problem = _problem(layout, folder)
    if problem:
        raise DataError(problem)
    batches = [_read(layout, folder / name, layout.read_batch) for name in layout.batches]
    classes = _read(layout, folder / layout.meta, layout.read_classes)
    for name, (images, labels) in zip(layout.batches, batches, strict=True):
        if images.shape != (IMAGES_PER_FILE, PIXELS) or labels.shape != (IMAGES_PER_FILE,):
            rule = f"must have {IMAGES_PER_FILE:,} images of {PIXELS:,} bytes and their labels"
            raise DataError(f"{folder / name}: {rule}, has {images.shape} and {labels.shape}{_remedy(layout)}")
        if labels.min() < 0 or labels.max() >= CLASSES:
            rule = f"labels must be from 0 to {CLASSES - 1}"
            raise DataError(f"{folder / name}: {rule}, got {labels.min()} to {labels.max()}{_remedy(layout)}")
    if len(classes) != CLASSES or not all(name.isalpha() for name in classes):
        rule = f"must name {CLASSES} classes in letters"
        raise DataError(f"{folder / layout.meta}: {rule}, has {len(classes)} names{_remedy(layout)}")
    images = np.concatenate([images for images, _ in batches[:-1]])
    labels = np.concatenate([labels for _, labels in batches[:-1]])
    return make_dataset("cifar10", (images, labels), batches[-1], tuple(classes), (3, 32, 32))


def _problem(layout: Layout, folder: Path) -> str | None:
    """Return the message about a file that is missing or has an impossible size; None if there is none."""
    for name in layout.files:
        path = folder / name
        if not path.is_file():
            return f"{path}: missing from the {layout.name} layout of CIFAR-10{_remedy(layout)}"
        least, most = _size_limits(layout, name)
        size = path.stat().st_size
        if not least <= size <= most:
            rule = f"{least:,}" if least == most else f"at least {least:,}" if size < least else f"at most {most:,}"
            return f"{path}: must have {rule} bytes, has {size:,}{_remedy(layout)}"
    return None


def _size_limits(layout: Layout, name: str) -> tuple[int, int]:
    pixels = IMAGES_PER_FILE * PIXELS
    if name == layout.meta or layout.suffix == ".mat":  # MATLAB's files are compressed
        return 1, _MOST_BYTES
    if layout.suffix == ".bin":
        return pixels + IMAGES_PER_FILE, pixels + IMAGES_PER_FILE
    return pixels, _MOST_BYTES


def _remedy(layout: Layout) -> str:
    option = "" if layout.name == "python" else f" --layout {layout.name}"
    return f"; `hpsearch data fetch cifar10{option}` gets a complete copy"


def _read(layout: Layout, path: Path, read: Callable[[Path], Content]) -> Content:
    """Apply a layout's reader; any error that a damaged file causes becomes a `DataError`."""
    try:
        return read(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except RefusedError as error:
        rule = "it may hold NumPy arrays, bytes, strings, numbers, lists and dicts and nothing else"
        raise DataError(f"{path}: {error}; {rule}{_remedy(layout)}") from error
    except Exception as error:  # SciPy and NumPy raise nearly every type of exception on damaged files
        raise DataError(f"{path}: not a file of the {layout.name} layout of CIFAR-10{_remedy(layout)}") from error


def _read_binary(path: Path) -> Batch:
    records = np.fromfile(path, np.uint8).reshape(-1, 1 + PIXELS)
    return records[:, 1:], records[:, 0].astype(np.int64)


def _read_binary_classes(path: Path) -> list[str]:
    return path.read_text("ascii").split()


def _read_pickle(path: Path) -> Batch:
    held = _unpickled_dict(path)
    data, labels = held.get("data"), held.get("labels")
    if not (isinstance(data, PickledArray) and data.values is not None and data.values.dtype == np.uint8):
        raise RefusedError("'data' is not an array of uint8")
    if isinstance(labels, PickledArray) and labels.values is not None and labels.values.dtype.kind in "iu":
        labels = labels.values.tolist()
    if not (isinstance(labels, list) and all(type(label) is int for label in labels)):
        raise RefusedError("'labels' is not a list of whole numbers")
    return data.values, np.array(labels, np.int64)


def _read_pickled_classes(path: Path) -> list[str]:
    names = _unpickled_dict(path).get("label_names")
    if not (isinstance(names, list) and all(isinstance(name, bytes | str) for name in names)):
        raise RefusedError("'label_names' is not a list of strings")
    return [name.decode("ascii") if isinstance(name, bytes) else name for name in names]


def _unpickled_dict(path: Path) -> dict[str, Any]:
    """Return the file's dict with its keys, bytes (Python 2) or strings, as strings."""
    held = unpickle(path.read_bytes())
    if not isinstance(held, dict):
        raise RefusedError(f"a pickle of {printable(type(held).__name__)}, not of a dict")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in held.items()}


def _read_matlab(path: Path) -> Batch:
    held = _matlab_variables(path, "data", "labels")
    data, labels = held["data"], held["labels"]
    if data.dtype != np.uint8 or labels.dtype.kind not in "iu":
        raise ValueError("not whole numbers")
    return data, labels.ravel().astype(np.int64)


def _read_matlab_classes(path: Path) -> list[str]:
    return [str(cell.item()) for cell in _matlab_variables(path, "label_names")["label_names"].ravel()]


def _matlab_variables(path: Path, *names: str) -> dict[str, Any]:
    from scipy.io import loadmat

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # SciPy only warns of some damage
        return dict(loadmat(path, variable_names=names))


# Tried in this order: the binary files are read fastest and hold nothing but pixels and labels.
LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            name="binary",
            archive="cifar-10-binary.tar.gz",
            md5="c32a1d4ab5d03f1284b67883e8d87530",
            folder="cifar-10-batches-bin",
            suffix=".bin",
            meta="batches.meta.txt",
            read_batch=_read_binary,
            read_classes=_read_binary_classes,
        ),
        Layout(
            name="python",
            archive="cifar-10-python.tar.gz",
            md5="c58f30108f718f92721af3b95e74349a",
            folder="cifar-10-batches-py",
            suffix="",
            meta="batches.meta",
            read_batch=_read_pickle,
            read_classes=_read_pickled_classes,
        ),
        Layout(
            name="matlab",
            archive="cifar-10-matlab.tar.gz",
            md5="70270af85842c9e89bb428ec9976c926",
            folder="cifar-10-batches-mat",
            suffix=".mat",
            meta="batches.meta.mat",
            read_batch=_read_matlab,
            read_classes=_read_matlab_classes,
        ),
    )
}
