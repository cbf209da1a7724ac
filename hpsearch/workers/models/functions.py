"""Functions to optimise: `objective(params, seed)`, or `objective(trial)` as Optuna has it. May import spec.

A function is called with a trial's parameters and seed. Nothing of a call can be saved, so that one that goes on after
a rung is made again up to there, with the same results. Nor does a call wait for others in between: one that draws
from a global generator, which it seeded itself, would get other numbers.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from hpsearch.errors import ModelError, nearest
from hpsearch.spec import HERE

NAME = "objective"
"""The name of the function in its file."""

PRUNED_AT_ONCE = "it raised TrialPruned before it had reported a value"
"""Why a trial without a value failed, which Optuna calls pruned."""

T = TypeVar("T")
Function = Callable[..., Any]
Step = Callable[[Any], bool]
"""Takes what a function returns or reports at a step; False: no more is wanted."""

_here: dict[str, Function] = {}
"""Functions that only this process has, by their names in a study."""


class Ended(Exception):  # noqa: N818 - an event
    """A function has ended, perhaps before its last step was asked for; `str(error)` says how."""


class _Enough(BaseException):
    """Leaves an objective whose trial is not asked for more. Objectives catch exceptions of `Exception`, not this."""


def keep_here(name: str, function: Function) -> str:
    """Keep a function that no other process can read; its name in a study."""
    _here[key := f"{HERE}{name}"] = function
    return key


def is_here(name: str) -> bool:
    """Is it the name of such a function?"""
    return name.startswith(HERE)


def here(name: str) -> Function:
    """The function of this name. Raises ModelError in another process."""
    if name not in _here:
        rule = "was a function of the Python process that launched the study, and cannot be called without it"
        raise ModelError(f"{name}: {rule}; a function in a file can")
    return _here[name]


def text_of(function: Function) -> str:
    """What tells a function from another one: its source or, without any, its code and constants."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        said = repr((function, None) if code is None else (code.co_code, code.co_consts, code.co_names))
        return f"# a function without source, {hashlib.sha256(said.encode()).hexdigest()}\n"


def takes_trial(function: Function) -> bool:
    """Is it one of Optuna's, with a parameter named `trial`, or does it take (params, seed)?"""
    return _names(function)[:1] == ["trial"]


@lru_cache(maxsize=64)
def _names(function: Function) -> list[str]:
    """The names of the parameters that have to be given."""
    try:
        declared = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a builtin
        return ["params", "seed"]
    required = [each for each in declared if each.default is each.empty and each.kind != each.KEYWORD_ONLY]
    return [each.name for each in required if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def check_signature(place: Path | str, function: Function) -> None:
    """Raise ModelError for parameters that nothing is given for."""
    names = _names(function)
    if names and (names == ["trial"] or (names[0] != "trial" and len(names) <= 2)):
        return
    rule = "must take (params, seed), (params) or (trial)"
    raise ModelError(f"{place}: {getattr(function, '__name__', NAME)} {rule}, got ({', '.join(names)})")


def call(function: Function, trial: "Trial", step: Step, last: int, whole: bool) -> None:
    """Call a function; `step` takes its value at each step, in their order, and tells whether more are wanted.

    At most `last` steps are. whole: is that the end of the trial? What an objective of a trial returns is then its last
    step, in place of a report. Raises Ended where it has ended, and what the function raises.
    """
    if takes_trial(function):
        _call_with_trial(function, trial, step, last, whole)
        return
    params = dict(trial.params)
    returned = function(params, trial.seed) if len(_names(function)) == 2 else function(params)
    if not isinstance(returned, Iterator):
        step(returned)
        raise Ended("the function returned one value")
    value, steps = None, 0
    for value in returned:
        steps += 1
        if not step(value):
            if callable(close := getattr(returned, "close", None)):
                close()
            return
    if not steps:
        raise ValueError("it yielded nothing")
    step(value)  # whether it goes on shows only now, when its last step may be stored
    raise Ended(f"the function ended after {steps} steps")


def _call_with_trial(function: Function, trial: "Trial", step: Step, last: int, whole: bool) -> None:
    def reported(value: float) -> None:
        if whole and len(trial.values) >= last:
            return  # what it returns is the last step
        if not step(value):
            raise _Enough

    trial.reported = reported
    try:
        returned = function(trial)
    except _Enough:
        return
    except Exception as error:
        if type(error).__name__ != "TrialPruned":  # of Optuna, which is not imported for it
            raise
        if not trial.values:
            raise ValueError(PRUNED_AT_ONCE) from None
        step(trial.values[-1])
        raise Ended(f"the function raised TrialPruned after {len(trial.values)} steps") from None
    step(returned)
    raise Ended(f"the function ended after {len(trial.values)} steps")


class Trial:
    """What an objective of Optuna's gets: the trial's parameters by name, and where it reports to.

    `should_prune` is always False: whether a trial goes on is decided between its steps, at the rungs of the pruner.
    """

    def __init__(self, params: Mapping[str, Any], seed: int, number: int) -> None:
        self.params, self.seed, self.number = dict(params), seed, number
        self.values: list[Any] = []
        self.suggested: dict[str, Any] = {}  # what this call came to, with None where that is the choice
        self.user_attrs: dict[str, Any] = {}
        self.reported: Callable[[float], None] = lambda value: None

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """The trial's value of a hyperparameter."""
        return self._suggest(name, float(self._value(name, low, high)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """The trial's value of a hyperparameter that is a whole number."""
        return self._suggest(name, int(self._value(name, low, high)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """The trial's value of a hyperparameter that is a choice."""
        value = self._known(name)
        found = [each for each in choices if each == value or (each is None and value == "none")]
        if not found:
            raise ValueError(f"{name} is {value!r}, none of its choices: its range may not depend on other values")
        return self._suggest(name, found[0])

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """The former `suggest_float`."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """The former `suggest_float` with `log`."""
        return self.suggest_float(name, low, high, log=True)

    def _suggest(self, name: str, value: T) -> T:
        self.suggested[name] = value
        return value

    def _value(self, name: str, low: float, high: float) -> Any:
        value = self._known(name)
        if not low <= value <= high:
            rule = f"must be from {low!r} to {high!r}, as it is suggested, got {value!r}"
            raise ValueError(f"{name} {rule}: its range may not depend on other values")
        return value

    def _known(self, name: str) -> Any:
        if name not in self.params:
            rule = "is not in the space; a suggestion that the first call did not come to is given by `space`"
            raise ValueError(f"{name} {rule}{nearest(name, self.params)}")
        return self.params[name]

    def report(self, value: Any, step: int) -> None:
        """Take the value at a step; steps count in the order in which they are reported."""
        self.values.append(number := float(value))
        self.reported(number)

    def should_prune(self) -> bool:
        """No: a trial that is pruned is not asked for more."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keep a value with the trial; numbers are recorded with it."""
        self.user_attrs[key] = value
