"""A pruner or a sampler by itself, as an option gives it. May import this package and pydantic."""

from typing import Any

from pydantic import ValidationError

from hpsearch.spec.checks.samplers import check_rungs
from hpsearch.spec.messages import first_error
from hpsearch.spec.tables.base import Table
from hpsearch.spec.tables.pruners import Pruner
from hpsearch.spec.tables.samplers import Sampler
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study


class _Options(Table):
    pruner: Pruner | None = None
    sampler: Sampler | None = None


def pruner_and_sampler(given: dict[str, Any], place: str) -> tuple[Pruner | None, Sampler | None]:
    """Validate {"pruner": …, "sampler": …}, either of which may be missing; `place` begins a StudyFileError's line."""
    try:
        found = _Options.of(given)
    except ValidationError as error:
        raise first_error(place, error) from None
    return found.pruner, found.sampler


def with_pruner(study: Study, stage: Stage, pruner: Pruner, longest: int, place: str) -> tuple[Study, Stage]:
    """Return the study and its stage with another pruner. Raises StudyFileError where its rungs do not fit it."""
    i = study.stages.index(stage)
    changed = stage.model_copy(update={"pruner": pruner})
    stages = tuple(changed if number == i else each for number, each in enumerate(study.stages))
    found = study.model_copy(update={"stages": stages})
    found._place = place
    check_rungs(found, i, longest)
    return found, changed
