"""The space of an Optuna objective, read by calling it with a trial that records what it suggests.

May import workers.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from hpsearch.errors import InputError, raised
from hpsearch.workers.models.functions import PRUNED_AT_ONCE as PRUNED_AT_ONCE
from hpsearch.workers.models.functions import Trial
from hpsearch.workers.models.functions import takes_trial as takes_trial

MOST_CALLS = 16
"""The most calls for a space: one, and one for each further choice."""


class _Read(BaseException):
    """Leaves an objective at its first report, before which it has suggested its hyperparameters."""


class _Recording(Trial):
    """Records each suggestion, and returns a value of it: a choice, the middle of a range, the most of a count."""

    def __init__(self, chosen: dict[str, Any], whole: bool) -> None:
        super().__init__({}, 0, 0)
        self.space: dict[str, dict[str, Any]] = {}
        self.raw: dict[str, Sequence[Any]] = {}
        self._chosen, self._whole = chosen, whole

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Record a range; its upper end is a whole number of steps above the lower one, as Optuna has it."""
        if step is not None:
            steps = (Fraction(repr(high)) - Fraction(repr(low))) // Fraction(repr(step))
            high = float(Fraction(repr(low)) + steps * Fraction(repr(step)))
        self._range(name, float(low), float(high), step if step is None else float(step), log, integer=False)
        return math.sqrt(low * high) if log else (low + high) / 2 if step is None else low

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Record a range of whole numbers; its upper end comes to most of what a loop suggests."""
        high = low + (high - low) // step * step
        self._range(name, int(low), int(high), int(step) if step != 1 else None, log, integer=True)
        return high

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Record choices."""
        self.raw[name] = choices
        self.space[name] = {"choices": ["none" if each is None else each for each in choices], "ordered": False}
        return choices[self._chosen.get(name, 0)]

    def _range(self, name: str, low: float, high: float, step: float | None, log: bool, *, integer: bool) -> None:
        if low == high:
            self.space[name] = {"choices": [low], "ordered": False}
            return
        found = {"low": low, "high": high, "log": log, "integer": integer, "step": step}
        self.space[name] = {key: value for key, value in found.items() if value is not None}

    def report(self, value: float, step: int) -> None:
        """Count it; or end the call here, if the number of steps is not asked for."""
        self.values.append(float(value))
        if not self._whole:
            raise _Read


def read_space(function: Callable[[Any], Any], *, count: bool) -> tuple[dict[str, dict[str, Any]], int]:
    """The space that an objective suggests from, and how often it reports: 1 if it does not, or `count` is False.

    It is called once, and once more for each further choice, since other suggestions may depend on it. Raises
    InputError if its first call fails.
    """
    first = _Recording({}, count)
    _call(function, first, must=True)
    space, steps = dict(first.space), max(1, len(first.values))
    others = [(name, i) for name, choices in first.raw.items() for i in range(1, len(choices))]
    for name, i in others[: MOST_CALLS - 1]:
        trial = _Recording({name: i}, whole=False)
        _call(function, trial, must=False)
        space = trial.space | space
    if not space:
        raise InputError("objective must suggest at least one hyperparameter, as with trial.suggest_float('x', -5, 5)")
    return {key: space[key] for key in [*first.space, *(space.keys() - first.space.keys())]}, steps


def _call(function: Callable[[Any], Any], trial: _Recording, *, must: bool) -> None:
    try:
        function(trial)
    except _Read:
        return
    except Exception as error:
        if must and type(error).__name__ != "TrialPruned":
            what = "failed when it was called to read its space"
            raise InputError(f"objective {what} ({raised(error)}); correct it, or give its `space`") from error
