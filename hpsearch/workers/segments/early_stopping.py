"""When a trial has stopped getting better. May import spec."""

from collections.abc import Sequence

from hpsearch.spec import Stop


def stops(values: Sequence[float], stop: Stop) -> str | None:
    """Why a trial with these validation values, one an epoch, is to stop now; None where it goes on.

    It stops once `patience` epochs in a row have brought nothing better, by more than min_delta, than the best before.
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
