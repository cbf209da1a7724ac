"""Stages that train no configuration twice, and those with fewer configurations than they ask for. May import spec.

Stages that were stored by earlier versions lack the mark: they go on as they began, and may draw a configuration again.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hpsearch.search.samplers.points import Space
from hpsearch.search.samplers.untried import Untried
from hpsearch.spec import Around, Grid, Stage, Study

MARK = {"distinct": True}
"""What the data of such a stage has in the database."""


def is_distinct(data: Mapping[str, Any]) -> bool:
    """Is this the data of a stage that trains no configuration twice?"""
    return bool(data.get("distinct"))


def fewer_than_asked(stage: Stage, space: Space) -> str | None:
    """The message that a stage asks for more configurations than its space has; None where it does not."""
    if stage.sampler is None or isinstance(stage.sampler, Grid):
        return None
    points, asked = Untried(stage, space).points, stage.sampler.trials
    if points >= asked:
        return None
    which = "1 configuration" if points == 1 else f"{points:,} different configurations"
    return f"stage {stage.name}: only {which}, {asked:,} are asked for; it ends when all are tried"


def those_with_fewer(study: Study, names: Collection[str] | None = None) -> Iterator[str]:
    """The messages on the stages whose spaces are known before they begin; of those with these names, if given."""
    for stage in study.stages:
        space = {key: entry for key, entry in stage.space.items() if not isinstance(entry, Around)}
        if len(space) == len(stage.space) and (names is None or stage.name in names):
            message = fewer_than_asked(stage, space)
            if message:
                yield message
