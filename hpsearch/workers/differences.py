"""The results of two trainings, compared bit for bit. May import NumPy and segments."""

import math
from typing import Any

from hpsearch.workers.models.npz import unpack
from hpsearch.workers.segments.results import CURVE, Predictions, TaskResult


def facts(result: TaskResult | None) -> dict[str, Any]:
    """All results of a training, by name: its curve, its saved arrays, its evaluation on the test set."""
    assert result is not None
    found: dict[str, Any] = {
        f"{name.replace('_', ' ')} of epoch {int(row[0])}": value
        for row in result.curve
        for name, value in zip(CURVE[1:], row[1:], strict=True)
    }
    found |= {f"saved {name!r}": array for name, array in unpack(result.state).items()}
    if result.best:
        found |= {f"kept {name!r}": array for name, array in unpack(result.best.weights).items()}
    of_test = {"test loss": result.test.loss, "test predictions": result.test.predictions} if result.test else {}
    return found | of_test


def difference(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """The first result that is not equal bit for bit, as a text; None where all are."""
    for name in [*before, *(key for key in now if key not in before)]:
        if name not in before or name not in now:
            return f"{name} is {'new' if name not in before else 'missing'}"
        one, other = before[name], now[name]
        if isinstance(one, float):
            if one != other and not (math.isnan(one) and math.isnan(other)):  # a regression has no accuracy
                return f"the {name} is {other!r}, was {one!r}"
        elif isinstance(one, Predictions):
            if one != other:
                return f"the {name} differ"
        elif (one.dtype, one.shape) != (other.dtype, other.shape):
            return f"{name} is {other.dtype} {other.shape}, was {one.dtype} {one.shape}"
        elif one.tobytes() != other.tobytes():
            return f"{int((one != other).sum()) or 'some'} of the {one.size:,} numbers of {name} differ"
    return None
