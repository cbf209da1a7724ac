"""The names of classes as the labels that they were in the file: text, numbers or truth values. May import NumPy."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_WHOLE, _TRUTH = re.compile(r"[+-]?\d{1,18}"), {"False": False, "True": True}


def labels_of(classes: Sequence[str]) -> Array:
    """Return the labels (C,) that the classes are named by: whole numbers, numbers, truth values, else text.

    A dataset keeps labels as text. Numbers are those that pandas and NumPy read in the same file.

    >>> labels_of(("-1", "1")).tolist(), labels_of(("0.5", "2")).tolist(), labels_of(("a", "1")).tolist()
    ([-1, 1], [0.5, 2.0], ['a', '1'])
    """
    if all(name in _TRUTH for name in classes):
        return np.array([_TRUTH[name] for name in classes])
    kind: Any = int if all(_WHOLE.fullmatch(name) for name in classes) else float
    try:
        numbers = [kind(name) for name in classes]
    except ValueError:
        return np.array(classes)
    distinct = len(set(numbers)) == len(classes) and all(number == number for number in numbers)  # NaN is not itself
    return np.array(numbers) if distinct else np.array(classes)


def _is_truth(label: object) -> bool:
    return isinstance(label, str) and label in ("true", "false", "TRUE", "FALSE")


def numbers_of(labels: Array, known: Array) -> npt.NDArray[np.int64]:
    """Return the class number of each label (n,), -1 of one that is not `known`.

    Numbers are equal to numbers, whatever their type. Raises ValueError where none is known.
    """
    places = {label: number for number, label in enumerate(known.tolist())}
    places |= {_TRUTH[text.title()]: number for text, number in places.items() if _is_truth(text)}  # as pandas reads it
    given = labels.ravel().tolist()
    found = np.array([places.get(label, -1) for label in given], np.int64)
    if len(found) and (found < 0).all():
        names = [repr(label) for label in known.tolist()]
        listed = ", ".join(names) if len(names) <= 10 else f"{', '.join(names[:3])} … {names[-1]}"
        raise ValueError(f"y must have labels of the classes {listed}, got {given[0]!r:.40}")
    return found
