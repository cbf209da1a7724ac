"""What a trainable's evaluation returns, checked: classes, probabilities, scores, values, or numbers by name.

May import NumPy, metrics and `hpsearch.nn`.
"""

import numbers
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import nearest
from hpsearch.metrics import Metric
from hpsearch.nn.losses import SoftmaxCrossEntropy

Array = npt.NDArray[Any]

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities below it count as it: the logarithm of 0 is infinite. So they do in scikit-learn's `log_loss` of
float64; of float32 that clips at 1.2e-7, which would make a loss depend on the type that a trainable happens to return.
"""

_ROUNDING = 1e-3
"""The sum of a row of probabilities may be so far from 1; float16 has less."""


class PredictionError(Exception):
    """A method returned something else than predictions; the message follows the name of the method."""


@dataclass(frozen=True)
class Predicted:
    """The predicted classes (n,), and scores (n, C) whose softmax are the probabilities, where there are any."""

    classes: Array
    scores: Array | None = None

    def loss(self, labels: Array) -> float:
        """Mean cross-entropy of the scores; without any, the share of wrong classes."""
        if self.scores is None:
            return float(np.mean(self.classes != labels))
        return float(SoftmaxCrossEntropy().losses(self.scores[None], labels).mean())


def of_probabilities(returned: object, samples: int, classes: int) -> Predicted:
    """Check what `predict_proba` returned. NaN is a training that diverged, and not refused."""
    found = as_array(returned)
    if found.shape != (samples, classes) or found.dtype.kind != "f":
        rule = f" must return probabilities ({samples}, {classes}) as floats"
        raise PredictionError(f"{rule}, returned {found.dtype} {found.shape}")
    wide = found.astype(np.float64)
    if (wide < 0).any():
        raise PredictionError(f" must return probabilities from 0 to 1, returned {wide[wide < 0][0]:.6g}")
    sums = wide.sum(axis=1)
    if (wrong := np.abs(sums - 1) > _ROUNDING).any():
        raise PredictionError(f" must return probabilities that add up to 1, returned a row of {sums[wrong][0]:.6g}")
    return Predicted(found.argmax(axis=1), np.log(np.maximum(wide, SMALLEST)))


def of_classes_or_scores(returned: object, samples: int, classes: int) -> Predicted:
    """Check what `predict` returned in a classification: whole numbers are classes, floats are scores.

    Of two classes, scores may be those of the second alone, (n,), as scikit-learn's `decision_function` returns them.
    """
    found = as_array(returned)
    if found.dtype.kind in "iu":
        return Predicted(checked_classes(found, samples, classes))
    if found.dtype.kind == "f" and classes == 2 and found.shape == (samples,):
        found = np.stack([np.zeros_like(found), found], axis=1)
    if found.dtype.kind != "f" or found.shape != (samples, classes):
        rule = f" must return scores ({samples}, {classes}) as floats or classes ({samples},) as whole numbers"
        raise PredictionError(f"{rule}, returned {found.dtype} {found.shape}")
    return Predicted(found.argmax(axis=1), found.astype(np.float64))


def checked_classes(found: Array, samples: int, classes: int) -> Array:
    """Check classes (n,), whole numbers from 0 to C − 1."""
    if found.shape != (samples,) or found.dtype.kind not in "iu":
        rule = f" must return the classes predicted as whole numbers ({samples},)"
        raise PredictionError(f"{rule}, returned {found.dtype} {found.shape}")
    if found.min() < 0 or found.max() >= classes:
        rule = f" must return classes from 0 to {classes - 1}"
        raise PredictionError(f"{rule}, returned {found.min()} to {found.max()}")
    return found


def of_values(returned: object, samples: int, targets: int) -> npt.NDArray[np.float32]:
    """Check what `predict` returned in a regression: values (n, T), of one target also (n,), as float32 (n, T)."""
    found = as_array(returned)
    shapes = [(samples, targets)] + ([(samples,)] if targets == 1 else [])
    if found.dtype.kind not in "fiu" or found.shape not in shapes:
        rule = f" must return values {' or '.join(map(str, reversed(shapes)))} as floats"
        raise PredictionError(f"{rule}, returned {found.dtype} {found.shape}")
    return found.reshape(samples, targets).astype(np.float32)


ANY = Metric("loss", "any", "minimize", ("classification", "regression"), "nothing")
"""The objective where there is no study, as in `hpsearch check`: the loss, or whichever number a mapping has first."""


def of_numbers(returned: Mapping[Any, Any], metrics: Sequence[Metric]) -> dict[str, float]:
    """Check the mapping of numbers that `evaluate` returned: it must have each metric of the study.

    NaN is a training that diverged, and not refused.
    """
    found = {name: _number(name, value) for name, value in returned.items()}
    if not found:
        raise PredictionError(" must return predictions or numbers, returned an empty mapping")
    for metric in metrics:
        if metric.name == "accuracy":
            rule = "must predict classes for accuracy, which is counted; or give the number another name"
            example = 'as in metric = { returned = "profit" }'
            raise PredictionError(f" {rule}, {example}, returned a mapping of {', '.join(found)}")
        name = "loss" if metric.name == "cost" else metric.name
        if name not in found and metric.kind != ANY.kind:
            rule = f" must return {name!r} in its mapping, which the study asks for"
            raise PredictionError(rule + nearest(name, found).replace("known", "it returned"))
    return found


def _number(name: object, value: object) -> float:
    number = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(name, str) and isinstance(number, numbers.Real) and not isinstance(number, bool):
        with suppress(OverflowError):  # of a whole number that is too large
            return float(number)
    rule = " must return numbers by name where it returns a mapping"
    raise PredictionError(f"{rule}, returned {name!r:.40} = {value!r:.40}")


def loss_of(returned: Mapping[str, float], metrics: Sequence[Metric]) -> float:
    """The returned `loss`; without one the objective, turned so that a lower one is better."""
    objective = metrics[0] if metrics else ANY
    value = returned.get("loss", returned.get(objective.name))
    if value is None:
        value = next(iter(returned.values()))
    return value if "loss" in returned else -objective.sign * value


def as_array(returned: object) -> Array:
    """An array of what is returned; one of objects, without dimensions, where none can be made."""
    try:
        return np.asarray(returned)
    except Exception:  # rows of unequal length, for example
        return np.empty((), object)
