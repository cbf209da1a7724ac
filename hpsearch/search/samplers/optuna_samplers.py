"""Optuna's samplers: the options of a study file, checked before anything is changed, and spaces as distributions.

May import spec and Optuna.
"""

import inspect
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpsearch.search.samplers.points import Space
from hpsearch.spec import Choices, Stage, did_you_mean
from hpsearch.spec.messages import fail, show

optuna.logging.set_verbosity(optuna.logging.WARNING)

CLASSES = {
    "qmc": "QMCSampler",
    "tpe": "TPESampler",
    "cmaes": "CmaEsSampler",
    "gp": "GPSampler",
    "nsga2": "NSGAIISampler",
}
"""Optuna's class for each kind of sampler."""

PACKAGES = {"cmaes": ("cmaes",), "gp": ("torch", "greenlet")}
"""The packages that a kind needs beside Optuna (its extra has its name). Without greenlet, GP samples other values."""

FIXED = {
    "seed": "the study's seed decides it",
    "x0": "name the configurations to try in first",
    "source_trials": "name the study to start from in from",
    "independent_sampler": "it is a program, not a value",
    "constraints_func": "it is a program, not a value",
    "gamma": "it is a program, not a value",
    "weights": "it is a program, not a value",
    "restart_strategy": "it has no effect in Optuna any more",
    "inc_popsize": "it has no effect in Optuna any more",
}
"""Options of Optuna that a study file cannot set, and why."""

LARGEST = 10_000
"""The upper limit of options that are whole numbers, as the number of random configurations at the start."""

_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": (f"a whole number from 0 to {LARGEST:_}", lambda value: type(value) is int and 0 <= value <= LARGEST),
    "float": ("a number from 0 on", lambda value: type(value) in (int, float) and 0 <= value <= 1e100),
    "str": ("text", lambda value: isinstance(value, str)),
}


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Optuna's distributions of a space, in its order; choices, and ranges with a step, are sampled by their index."""
    found: dict[str, BaseDistribution] = {}
    for key, entry in space.items():
        if isinstance(entry, Choices):
            last = len(entry.choices) - 1
            found[key] = IntDistribution(0, last) if entry.ordered else CategoricalDistribution(range(last + 1))
        elif entry.size is not None:
            found[key] = IntDistribution(0, entry.size - 1)
        elif entry.integer:
            found[key] = IntDistribution(int(entry.low), int(entry.high), log=entry.log)
        else:
            found[key] = FloatDistribution(entry.low, entry.high, log=entry.log)
    return found


def options_of(stage: Stage) -> dict[str, Any]:
    """The arguments of Optuna's sampler of this stage, without its seed."""
    options: dict[str, Any] = getattr(stage.sampler, "options", {})
    quiet = {"warn_independent_sampling": False} if stage.kind in ("cmaes", "gp") else {}
    return quiet | options


def check_options(stage: Stage, place: str, i: int) -> None:
    """Raise StudyFileError if a sampler's package is missing or its options are not what Optuna's sampler has.

    `place` is where the study file came from, `i` the stage's position.
    """
    if stage.kind not in CLASSES:
        return
    where: list[str | int] = ["stage", i, "sampler"]
    if missing := [package for package in PACKAGES.get(stage.kind, ()) if find_spec(package) is None]:
        rule = f"{stage.kind!r} needs {' and '.join(missing)}, not installed here: pip install 'hpsearch[{stage.kind}]'"
        raise fail(place, [*where, "kind"], rule)
    if stage.kind == "cmaes" and all(
        isinstance(entry, Choices) and not entry.ordered for entry in stage.space.values()
    ):
        rule = (
            "'cmaes' needs at least one range in the space, got only unordered choices; 'tpe' learns about these, too"
        )
        raise fail(place, [*where, "kind"], rule)
    known = _known(stage.kind)
    for name, value in getattr(stage.sampler, "options", {}).items():
        if name in FIXED:
            raise fail(place, [*where, name], f"must not be given: {FIXED[name]}")
        if name not in known:
            hint = did_you_mean(name, [*known, "trials", "batch"])
            raise fail(place, [*where, name], f"is not an option of Optuna's {CLASSES[stage.kind]}{hint}")
        if not any(_KINDS[kind][1](value) for kind in known[name]):
            rule = " or ".join(_KINDS[kind][0] for kind in known[name])
            raise fail(place, [*where, name], f"must be {rule}, got {show(value)}")


def deprecated(stage: Stage) -> list[str]:
    """What Optuna says of the options of a stage's sampler that it has deprecated, a line each."""
    options = options_of(stage)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(optuna.samplers, CLASSES[stage.kind])(seed=0, **options)
    texts = (" ".join(str(each.message).split()) for each in caught if issubclass(each.category, FutureWarning))
    # the first sentence has the versions, and what is left is about GitHub and `optuna.logging`
    first = (text.partition(". ")[0] for text in texts if "deprecated" in text)
    said = ((text, next((name for name in options if f"`{name}`" in text), None)) for text in first)
    return [f"option {name!r} of Optuna's {CLASSES[stage.kind]}: {text}" for text, name in said if name]


def _known(kind: str) -> dict[str, list[str]]:
    """The options of a kind's sampler that a study file can give: {name: kinds of value}."""
    parameters = inspect.signature(getattr(optuna.samplers, CLASSES[kind])).parameters
    found = {}
    for name, parameter in parameters.items():
        kinds = [part for part in str(parameter.annotation).split(" | ") if part != "None"]
        if name not in FIXED and not name.startswith("warn_") and set(kinds) <= _KINDS.keys():
            found[name] = kinds
    return found
