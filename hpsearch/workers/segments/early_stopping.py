"""Early stopping. May import spec and metrics."""

from collections.abc import Sequence

from hpsearch.metrics import Metric
from hpsearch.spec import Stop


def stops(values: Sequence[float], stop: Stop, objective: Metric) -> str | None:
    """Why a trial with these validation values, one per epoch, stops now; None where it continues.

    It stops after `patience` epochs in a row that do not improve the best value before them by more than min_delta.
    """
    name = objective.name if stop.metric == "objective" else stop.metric
    sign = objective.sign if stop.metric == "objective" else -1 if stop.metric == "loss" else 1
    best, since = -float("inf"), 0
    for value in values:
        if sign * value > best + stop.min_delta:
            best, since = sign * value, 0
        else:
            since += 1
    if since < stop.patience:
        return None
    return f"stopped early: no better validation {name} for {since} epochs"
