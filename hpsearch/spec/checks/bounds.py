"""How many configurations a stage has, and those that bound all of them. May import nothing but this package."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from hpsearch.spec.tables.samplers import Grid
from hpsearch.spec.tables.space import Around, Choices, Range
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study

MAX_PROBES = 10_000
"""The most combinations of coupled keys that are checked in advance; a rule that another breaks fails its trial."""

COUPLED = {
    *("epochs", "cycles", "updates", "batch_size", "eta", "lambda"),
    *("schedule", "schedule.kind", "schedule.eta_end", "schedule.eta_min", "schedule.eta_max"),
    *("schedule.half_cycle_epochs", "schedule.half_cycle_updates"),
    *("schedule.warmup_epochs", "schedule.warmup_updates"),
    *("optimiser", "optimiser.kind"),
}
"""Keys whose values are valid only together."""


def root(study: Study, stage: Stage, key: str) -> Range | Choices:
    """Return what the first stage of a chain of `around` searches for this hyperparameter."""
    entry = stage.space[key]
    while isinstance(entry, Around):
        entry = stage_named(study, entry.around).space[key]
    return entry


def stage_named(study: Study, name: str) -> Stage:
    """Return the stage of that name, which is known to exist."""
    return next(stage for stage in study.stages if stage.name == name)


def trials_at_most(study: Study, stage: Stage) -> int:
    """Return a stage's number of configurations; of a grid around choices, the number with all choices."""
    if stage.configurations is not None:
        return len(stage.configurations)
    if stage.sampler is not None and not isinstance(stage.sampler, Grid):
        return stage.sampler.trials
    sources = {key: root(study, stage, key) for key in stage.space}
    sizes = (
        len(source.choices)
        if isinstance(source, Choices)
        else getattr(stage.space[key], "points", None) or source.size or 1
        for key, source in sources.items()
    )
    return math.prod(sizes)


def probes(study: Study, stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield configurations with all ends and choices: if a trial of the stage breaks a rule, one of these does."""
    if stage.configurations is not None:
        yield from (dict(configuration) for configuration in stage.configurations)
        return
    values = {key: _extremes(root(study, stage, key)) for key in stage.space}
    first = _all_at_their_first(study, stage)
    coupled = [key for key in values if key in COUPLED]
    for key in values:
        if key not in coupled:
            yield from (first | {key: value} for value in values[key])
    combinations = itertools.product(*(values[key] for key in coupled))
    for combination in itertools.islice(combinations, MAX_PROBES):
        yield first | dict(zip(coupled, combination, strict=True))
    yield from first_probes(study, stage)


def first_probes(study: Study, stage: Stage) -> list[dict[str, Any]]:
    """Return the configurations to try first, with the lower end or first choice of what they leave to the sampler."""
    rest = _all_at_their_first(study, stage)
    return [rest | row for row in stage.first]


def _all_at_their_first(study: Study, stage: Stage) -> dict[str, Any]:
    return {key: _extremes(root(study, stage, key))[0] for key in stage.space}


def _extremes(source: Range | Choices) -> list[Any]:
    return list(source.choices) if isinstance(source, Choices) else [source.low, source.high]
