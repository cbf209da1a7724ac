"""A stage's configurations sampled as by the run loop, with artificial outcomes, with kills where a test asks."""

import importlib.util
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import Point
from hpsearch.spec import Stage
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING

SPACE = {
    "lambda": {"low": 1e-5, "high": 1e-1, "log": True},
    "eta": {"low": 0.1, "high": 1.0},
    "batch_size": {"low": 20, "high": 200, "integer": True},
    "hidden": [[50], [100], [50, 50]],
}


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skip a test where a package is missing."""
    missing = [name for name in packages if not importlib.util.find_spec(name)]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}, not installed here")


LEARNERS = [
    "tpe",
    pytest.param("cmaes", marks=needs("cmaes")),
    pytest.param("gp", marks=[needs("torch", "greenlet"), pytest.mark.slow]),
]


def made_stage(kind: str, trials: int = 24, space: Mapping[str, Any] = SPACE, **given: Any) -> Stage:
    """A stage with this sampler; its options are given beside those keys of a stage that have their own names."""
    whole = {key: given.pop(key) for key in ("first", "configurations", "constraints") if key in given}
    sampler = {"kind": kind, "trials": trials, **given}
    return Stage.model_validate({"name": "coarse", "sampler": sampler, "space": space, **whole})


def outcome(number: int, params: Mapping[str, Any], attributes: Mapping[str, Any] | None) -> Point:
    """The outcome of a configuration: most are complete, some are pruned, some fail."""
    value = 1 - math.log10(params["lambda"] / 1e-3) ** 2 / 10 - abs(params.get("eta", 0.5) - 0.5)
    if number % 11 == 3:
        return Point(number, params, FAILED, None, (), attributes)
    if number % 7 == 5:
        return Point(number, params, PRUNED, value, ((1, value / 2), (3, value)), attributes)
    return Point(number, params, COMPLETE, value, (), attributes)


def ask_all(
    stage: Stage, cuts: Collection[int] = (), seed: int = 0, known: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """All configurations of a stage and their sampler attributes; the run is killed before those in `cuts`."""
    found: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
    sampler, told = sampler_of(stage, stage.space, seed, known), 0
    for number in range(sampler.points):
        if number in cuts:
            sampler, told = sampler_of(stage, stage.space, seed, known), 0
            for i, (params, attributes) in enumerate(found):
                sampler.recall(Point(i, params, RUNNING, None, (), attributes))
        for i in range(told, seen(stage, number)):
            sampler.tell(outcome(i, *found[i]))
        told = seen(stage, number)
        found.append(sampler.ask(number))
    return found


def seen(stage: Stage, number: int) -> int:
    """How many of the first configurations are settled when this one is sampled."""
    if stage.window is not None:
        return max(0, number - stage.window + 1)
    size = stage.batch_size_of_points or number + 1
    return number // size * size
