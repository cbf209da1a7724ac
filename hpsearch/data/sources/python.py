"""Datasets from a user's Python file: `load(**parameters)` returns the arrays. May import NumPy.

Only the coordinator runs the file, when a study is launched, resumed or verified. What it returns is checked as an
.npz file is, and the SHA-256 of its arrays is stored with the study.
"""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.data.modules import module_of, readable
from hpsearch.data.sources.common import Part, Shape, assemble, numbers, part_with_targets
from hpsearch.data.sources.npz import channels_first, labels_of
from hpsearch.errors import DataError, nearest, raised

_OWN = ("kind", "path", "test")
_KEYS = ("samples", "labels", "test_samples", "test_labels", "classes", "image_shape")
_FORMER_NAMES = {"images": "samples", "test_images": "test_samples"}
"""Of keys of the dict that `load` returns; files written for earlier versions use them."""


def read_python(path: Path, table: Mapping[str, Any], task: str | None = None) -> Dataset:
    """Call `load` of the file at `path` with the table's other keys, and check what it returns.

    It must be a dict: samples (n, features) or as an .npz file may have them; labels (n,), in a `regression` numbers
    (n,) or (n, T); test_samples and test_labels, unless `test` holds some out; optionally classes, names in the order
    of the labels, and image_shape, the (channels, height, width) of a row. Raises `DataError` for anything else.
    """
    given = _call(path, _load(path), {key: value for key, value in table.items() if key not in _OWN})
    train, names = _part(path, given, "samples", "labels", task), _names(path, given.get("classes"))
    if task == "regression" and names is not None:
        raise DataError(f'{path}: load must return no classes where data.task = "regression", returned {len(names)}')
    if "test" in table:
        if there := [key for key in ("test_samples", "test_labels") if key in given]:
            raise DataError(f"data.dataset.test must not be given; load in {path} returns {there[0]}")
        return assemble(path.name, train, table["test"], names=names)
    if "test_samples" not in given:
        rule = "load must return test_samples and test_labels, or data.dataset have test = n, to hold some out"
        raise DataError(f"{path}: {rule}")
    return assemble(path.name, train, _part(path, given, "test_samples", "test_labels", task), names=names)


def _load(path: Path) -> Callable[..., Any]:
    content = readable(path).read_bytes()
    try:
        module = module_of(path, content.decode(), "hpsearch_data")
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise DataError(f"{path}: cannot be imported ({raised(error)})") from error
    load = getattr(module, "load", None)
    if not callable(load):
        raise DataError(f"{path}: must define load(**parameters), found none")
    return load  # type: ignore[no-any-return]


def _call(path: Path, load: Callable[..., Any], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `load` returns, under the present names of its keys. Refuses other keys."""
    try:
        known = inspect.signature(load).parameters
    except (TypeError, ValueError):
        known = None
    if known is not None and not any(each.kind is each.VAR_KEYWORD for each in known.values()):
        for key in parameters:
            if key not in known:
                raise DataError(f"data.dataset.{key} is not a parameter of load in {path}{nearest(key, known)}")
        for key, each in known.items():
            if each.default is each.empty and each.kind is not each.VAR_POSITIONAL and key not in parameters:
                raise DataError(f"data.dataset.{key} is missing; load in {path} needs it")
    try:
        given = load(**parameters)
    except ValueError as error:  # how the file refuses the value of a parameter
        raise DataError(f"{path}: {' '.join(f'{error}'.split())}") from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise DataError(f"{path}: load raised {raised(error)}") from error
    if not isinstance(given, Mapping):
        raise DataError(f"{path}: load must return a dict of {', '.join(_KEYS)}, returned {type(given).__name__}")
    renamed = {}
    for key, value in given.items():
        present = _FORMER_NAMES.get(key, key)
        if present not in _KEYS:
            raise DataError(f"{path}: load must return no key but {', '.join(_KEYS)}, returned {key!r}")
        if present in renamed:
            raise DataError(f"{path}: load must return {present} once, returned it under its former name too")
        renamed[present] = value
    return renamed


def _part(path: Path, given: Mapping[str, Any], samples: str, labels: str, task: str | None) -> Part:
    for key in (samples, labels):
        if key not in given:
            raise DataError(f"{path}: load must return {key}, returned {', '.join(given) or 'nothing'}")
    place = f"{path}: {samples}"
    try:
        pixels, classes = np.asarray(given[samples]), np.asarray(given[labels])
    except Exception as error:  # rows of unequal length, for example
        raise DataError(f"{place} and {labels} must be arrays: {raised(error)}") from error
    pixels, shape = channels_first(place, numbers(place, pixels), None)
    shape = _shape(path, given.get("image_shape"), shape, pixels.size // len(pixels))
    flat = pixels.reshape(len(pixels), -1)
    if task == "regression":
        return part_with_targets(place, flat, shape, f"{path}: {labels}", classes)
    found = labels_of(f"{path}: {labels}", classes, len(pixels), task)
    return Part(place, flat, found, shape, said=task is not None)


def _shape(path: Path, given: Any, found: Shape, features: int) -> Shape:
    """Return (channels, height, width) as the file gives it, which must have as many numbers as a row."""
    if given is None:
        return found
    try:
        channels, height, width = (int(length) for length in given)
    except (TypeError, ValueError, OverflowError):
        channels = height = width = 0
    if min(channels, height, width) < 1 or channels * height * width != features:
        rule = f"image_shape must be (channels, height, width) of the {features:,} features of a sample"
        raise DataError(f"{path}: {rule}, is {_short(given)}")
    return channels, height, width


def _names(path: Path, given: Any) -> list[str] | None:
    if given is None:
        return None
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list | tuple) else []
    if not names or len(names) != len(given) or len({*names}) != len(names):
        raise DataError(f"{path}: classes must be a list of different names, is {_short(given)}")
    return names


def _short(value: Any) -> str:
    return " ".join(f"{value!r:.80}".split())
