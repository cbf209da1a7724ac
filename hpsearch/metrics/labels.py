"""Whether a metric can be computed from these labels at all, which is known before a launch. May import NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.metrics.kinds import AVERAGED
from hpsearch.metrics.metric import Metric, MetricError, class_number
from hpsearch.metrics.own import try_out

Array = npt.NDArray[Any]


def check_labels(metric: Metric, truth: Array, classes: Sequence[str] = (), sample_weight: Array | None = None) -> None:
    """Raise MetricError if the metric can never be computed from these labels.

    truth: class numbers (n,), or values (n,) or (n, T) in a regression
    classes: the names of all classes, in the order of their numbers; none in a regression
    sample_weight: (n,), not negative, or None; a sample of weight 0 counts as missing

    A metric of one's own is tried out on them, with the labels in reverse order as predictions.
    """
    truth = np.asarray(truth)
    check_computable(metric, truth, classes, sample_weight)
    if metric.source is not None:
        try_out(metric, truth, len(classes), sample_weight)


def check_computable(metric: Metric, truth: Array, classes: Sequence[str], sample_weight: Array | None) -> None:
    """The same, without trying out a metric of one's own."""
    if sample_weight is not None:
        truth = truth[np.asarray(sample_weight) > 0]
    if not len(truth):
        raise MetricError(f"{metric.name} needs samples, there are none")
    if metric.kind == "r2" and len(truth) < 2:
        raise MetricError("r2 needs at least 2 samples, there is 1")
    if classes and metric.source is None and metric.needs != "nothing":
        _check_classes(metric, truth, tuple(classes))


def _check_classes(metric: Metric, truth: Array, classes: tuple[str, ...]) -> None:
    positive = positive_class(metric, classes)  # also refuses a class that is unknown
    if metric.kind == "accuracy":
        return
    if len(classes) < 2:
        raise MetricError(f"{metric.name} needs at least 2 classes, there is only {classes[0]!r}")
    if metric.k is not None and metric.k >= len(classes):
        raise MetricError(f"must be below the number of classes, {len(classes)}, got {metric.k}", "k")
    counts = np.bincount(truth, minlength=len(classes))
    if metric.kind == "cohen_kappa" and np.count_nonzero(counts) < 2:
        raise MetricError(f"{metric.name} needs samples of 2 classes, all are of {classes[counts.argmax()]!r}")
    if positive is not None and metric.kind in (*AVERAGED, "average_precision"):
        needed, what = [positive], "the positive class"
    elif metric.kind in ("roc_auc", "average_precision"):
        needed, what = list(range(len(classes))), "every class"
    else:
        return
    missing = [classes[number] for number in needed if not counts[number]]
    if missing:
        more = f" and of {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MetricError(f"{metric.name} needs samples of {what}, there is none of {missing[0]!r}{more}")


def positive_class(metric: Metric, classes: tuple[str, ...]) -> int | None:
    """The number of the class that the metric is about, None if it is about all of them.

    It is that of `positive`; without, of two classes the second, as in scikit-learn. Raises MetricError if there is no
    such class.
    """
    if metric.positive is not None:
        return class_number(metric.positive, classes)
    if metric.average == "binary" and len(classes) != 2:
        rule = f'must be given: average = "binary" is of one class, and there are {len(classes)}'
        raise MetricError(rule, "positive")
    of_one_class = (*AVERAGED, "average_precision", "roc_auc", "brier")
    return 1 if metric.kind in of_one_class and metric.average in (None, "binary") and len(classes) == 2 else None
