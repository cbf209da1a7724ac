"""Early stopping. May import spec."""

from collections.abc import Sequence

from hpsearch.spec import Stop


def stops(values: Sequence[float], stop: Stop) -> str | None:
    """Why a trial with these validation values, one per epoch, stops now; None where it continues.

    It stops after `patience` epochs in a row that do not improve the best value before them by more than min_delta.
    """
    sign = 1.0 if stop.metric == "accuracy" else -1.0
    best, since = -float("inf"), 0
    for value in values:
        if sign * value > best + stop.min_delta:
            best, since = sign * value, 0
        else:
            since += 1
    if since < stop.patience:
        return None
    return f"stopped early: no better validation {stop.metric} for {since} epochs"
