"""Metrics of one's own: a Python file with a function and a direction. May import NumPy and `hpsearch.data.modules`.

direction = "maximize"  # or "minimize"
needs = "classes"       # or "probabilities" or "scores"; in a regression always "values"; may be left out

def metric(labels, predictions):  # or (labels, predictions, sample_weights)
    return ...  # a finite number
"""

import hashlib
import inspect
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt

from hpsearch.data.modules import module_of, readable
from hpsearch.errors import nearest, raised
from hpsearch.metrics.kinds import MOST, Direction, Needs, Task
from hpsearch.metrics.metric import Metric, MetricError, MetricFile, Source, shown
from hpsearch.metrics.quiet import quiet

Array = npt.NDArray[Any]

_WEIGHTS = ("sample_weights", "sample_weight")
_NEEDS: dict[Task, tuple[Needs, ...]] = {
    "classification": ("classes", "probabilities", "scores"),
    "regression": ("values",),
}
"""What a metric of one's own may need in each task, the default first."""


@dataclass(frozen=True)
class _Own:
    """What a file defines: the function, the name of its parameter for sample weights, direction, needs."""

    function: Callable[..., Any]
    weights: str | None
    direction: Direction
    needs: object


def load(given: MetricFile, folder: Path, task: Task) -> Metric:
    """Read and run the file of a metric of one's own; its path is relative to `folder`.

    Raises MetricError if it is missing, fails, defines no metric, or contradicts the study file's direction.
    """
    text = _text(given.path, folder / given.path)
    own = _import(given.path, text)
    if given.direction not in (None, own.direction):
        rule = f'must be "{own.direction}", as {given.path} says, got "{given.direction}"'
        raise MetricError(rule, "direction")
    allowed = _NEEDS[task]
    needs = allowed[0] if own.needs is None else own.needs
    if needs not in allowed:
        rule = " or ".join(f'"{one}"' for one in allowed)
        raise MetricError(f"{given.path}: needs must be {rule} in a {task}, got {shown(needs)}")
    source = Source(given.path, text, _hash(text))
    return Metric(given.name, "file", own.direction, (task,), needs, source=source)


def hash_of(path: str, folder: Path) -> str:
    """The hash of a metric's file, which is not run. Raises MetricError if it is missing or cannot be read."""
    return _hash(_text(path, folder / path))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(shown_path: str, path: Path) -> str:
    try:
        return readable(path).read_text("utf-8")
    except FileNotFoundError:
        there = [other.name for other in path.parent.glob("*.py")]
        raise MetricError(f"{shown_path}: the metric's file does not exist{nearest(path.name, there)}") from None
    except IsADirectoryError:
        raise MetricError(f"{shown_path}: must be a metric's file, but is a folder") from None
    except (OSError, ValueError) as error:  # not UTF-8, or a path with a NUL
        raise MetricError(f"{shown_path}: the metric's file cannot be read ({raised(error)})") from error


@lru_cache(maxsize=64)
def _import(path: str, text: str) -> _Own:
    name = f"hpsearch_metric_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    try:
        module = module_of(Path(path), text, name)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise MetricError(f"{path}: the metric's file cannot be imported ({raised(error)})") from error
    return _own(path, module)


def _own(path: str, module: ModuleType) -> _Own:
    function = getattr(module, "metric", None)
    if not callable(function):
        found = "none" if function is None else shown(function)
        raise MetricError(f"{path}: must define the function metric(labels, predictions), found {found}")
    direction = getattr(module, "direction", None)
    if not isinstance(direction, str) or direction not in get_args(Direction):
        found = "none" if direction is None else shown(direction)
        raise MetricError(f'{path}: must define direction = "maximize" or "minimize", found {found}')
    return _Own(function, _weights(path, function), cast(Direction, direction), getattr(module, "needs", None))


def _weights(path: str, function: Callable[..., Any]) -> str | None:
    """The name of the function's parameter for sample weights, None if it has none."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return None
    name = next((name for name in _WEIGHTS if name in signature.parameters), None)
    try:
        signature.bind(None, None, **({name: None} if name else {}))
    except TypeError:
        rule = "metric must be metric(labels, predictions) or metric(labels, predictions, sample_weights)"
        raise MetricError(f"{path}: {rule}, got metric{signature}") from None
    return name


def call(metric: Metric, labels: Array, predictions: Array, sample_weight: Array | None) -> float:
    """Call a metric of one's own with copies of labels and finite predictions.

    Values of one target are (n,). Raises MetricError if it raises, returns anything but one finite number, or does not
    take the weights that there are.
    """
    assert metric.source is not None
    path = metric.source.path
    own = _import(path, metric.source.text)
    more = {}
    if own.weights is not None:
        more[own.weights] = np.ones(len(labels)) if sample_weight is None else np.array(sample_weight, np.float64)
    elif sample_weight is not None:
        raise MetricError(f"{path}: metric must take sample_weights, which this study has")
    try:
        with quiet():
            found = own.function(np.array(labels), np.array(predictions), **more)
    except (Exception, SystemExit) as error:
        raise MetricError(f"{path}: metric raised {raised(error)}") from error
    value = _number(found)
    if value is None:
        raise MetricError(f"{path}: metric must return a number, returned {_described(found)}")
    if not abs(value) <= MOST:
        rule = "must return a finite number for finite predictions"
        rule += f", none beyond {MOST:g}" if np.isfinite(value) else ""
        raise MetricError(f"{path}: metric {rule}, returned {value}")
    return value


def _number(found: object) -> float | None:
    """The number that is found, also in an array without dimensions, such as a tensor; None if it is none."""
    if isinstance(found, bool | np.bool_):
        return None
    try:
        if isinstance(found, numbers.Real):
            return float(found)
        array = np.asarray(found)
        return float(array) if array.ndim == 0 and array.dtype.kind in "iuf" else None
    except Exception:  # an int beyond all floats, lists of unequal length, a foreign class
        return None


def _described(found: object) -> str:
    return f"an array {found.dtype} {found.shape}" if isinstance(found, np.ndarray) else shown(found)


def try_out(metric: Metric, truth: Array, classes: int, sample_weight: Array | None) -> None:
    """Call a metric of one's own with the labels in reverse order as predictions; raises what `call` raises.

    Probabilities are 0.9 of that class and equal for the others, never 0, of which a logarithm would be infinite.
    """
    predictions = truth[::-1]
    if metric.needs in ("probabilities", "scores"):
        others = 0.1 / max(1, classes - 1)
        predictions = np.where(predictions[:, None] == np.arange(classes), 0.9, others)
    call(metric, truth, predictions, sample_weight)
