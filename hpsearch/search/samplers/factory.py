"""From a stage to its sampler; a new kind of sampler gets a branch here. May import spec."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, assert_never

from hpsearch.errors import HpsearchError
from hpsearch.search.samplers.grid import GridSampler, ListSampler
from hpsearch.search.samplers.model_based import ModelBasedSampler
from hpsearch.search.samplers.optuna_samplers import CLASSES, check_options, deprecated
from hpsearch.search.samplers.own import OwnSampler, check_own_sampler
from hpsearch.search.samplers.points import Point, Space
from hpsearch.search.samplers.prior_band import PriorBandSampler
from hpsearch.search.samplers.quasi_random import QuasiRandomSampler
from hpsearch.search.samplers.random import RandomSampler
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.search.samplers.sampler_files import Classes
from hpsearch.search.samplers.untried import Untried
from hpsearch.spec import Around, Grid, Learning, PriorBand, PythonSampler, Qmc, Random, Range, Stage
from hpsearch.spec.messages import fail
from hpsearch.storage.records import COMPLETE


def sampler_of(
    stage: Stage,
    space: Space,
    seed: int,
    known: Sequence[Mapping[str, Any]] = (),
    several: int = 0,
    classes: Classes = MappingProxyType({}),
    *,
    distinct: bool = True,
) -> Sampler:
    """The sampler of a stage with this space.

    `seed` is the study's; `known` has {"params", "value"} of an earlier study's configurations, to learn from;
    `several` is the number of objectives, 0 for one; `classes` has those of the workspace, by stage. Without `distinct`
    a configuration may come again, as in stages that began with earlier versions.
    """
    untried = Untried(stage, space, distinct=distinct)
    match stage.sampler:
        case None:
            return ListSampler(stage.configurations or ())
        case Grid():
            return GridSampler(space, stage.constraints)
        case Random():
            return RandomSampler(stage, space, seed, untried)
        case Qmc():
            return QuasiRandomSampler(stage, space, seed, untried)
        case PriorBand():
            return PriorBandSampler(stage, space, seed, known, untried)
        case PythonSampler():
            return OwnSampler(stage, space, seed, classes[stage.name], known, several, untried)
        case Learning():
            return ModelBasedSampler(stage, space, seed, known, several, untried)
        case _:
            assert_never(stage.sampler)


def check_sampler(
    stage: Stage, place: str, i: int, several: int = 0, classes: Classes = MappingProxyType({})
) -> list[str]:
    """Raise StudyFileError if a stage's sampler misses its package, or Optuna does not accept its options.

    `place` is where the study file came from, `i` the stage's position in it. What the options' types do not show is
    found by asking for a few configurations of a space like the stage's. Returns what is to be said of them.
    """
    check_options(stage, place, i)
    space = {
        key: Range(low=1.0, high=2.0) if isinstance(entry, Around) else entry for key, entry in stage.space.items()
    }
    if isinstance(stage.sampler, PythonSampler):
        made_of = classes[stage.name]
        check_own_sampler(stage, space, made_of, place, i, several)
        seeded = "its constructor takes no seed, so NumPy's and Python's global generators are seeded for it"
        return [] if made_of.takes_seed else [f"stage {stage.name}: {made_of.name}: {seeded}"]
    if stage.sampler is None or not getattr(stage.sampler, "options", {}):
        return []
    fewer = {"n_startup_trials": 2} if isinstance(stage.sampler, Learning) and stage.kind != "nsga2" else {}
    free = {"first": (), "default": None, "constraints": ()}
    trial = stage.model_copy(update={"sampler": stage.sampler.model_copy(update=fewer), **free})
    try:
        sampler = sampler_of(trial, space, seed=0, several=several, distinct=False)
        for number in range(4):
            params, attributes = sampler.ask(number)
            sampler.tell(Point(number, params, COMPLETE, number / 10, (), attributes, (number / 10,) * several))
    except Exception as error:  # whatever Optuna raises for options that it does not expect
        cause = error.__cause__ if isinstance(error, HpsearchError) and error.__cause__ else error
        reason = str(cause) or type(cause).__name__
        rule = f"has options that Optuna's {CLASSES[stage.kind]} does not take: {reason}"
        raise fail(place, ["stage", i, "sampler"], rule) from None
    return [f"stage {stage.name}: {text}" for text in deprecated(stage)]
