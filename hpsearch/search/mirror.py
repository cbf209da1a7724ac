"""What Optuna and optuna-dashboard show of a stage that search alone knows: its ranking. May import storage."""

import contextlib
import time
from collections.abc import Sequence

from sqlalchemy import Connection

from hpsearch import spec
from hpsearch.errors import HpsearchError
from hpsearch.search.ranking import rank
from hpsearch.storage import reading
from hpsearch.storage.mirror import notes
from hpsearch.storage.mirror.others import shown_study
from hpsearch.storage.mirror.ranking import Place, describe_studies, show_ranking
from hpsearch.storage.records import StudyRow, TrialRow
from hpsearch.version import __version__

_REST = 20
"""A running stage is shown anew at most in one part of so many of the time."""

_KEYS = ("hpsearch", "study", "stage", "stage_order", "stages", "seed", "digest")


def refresh(connection: Connection, stage_id: int) -> float:
    """Show a stage as it stands, its note and its trials as they are ranked; return from when on a pause counts."""
    begin = time.monotonic()
    notes.refresh(connection, stage_id)
    trials = reading.trials(connection, stage_id)
    show_ranking(connection, trials, _places(trials))
    end = time.monotonic()
    return end + _REST * (end - begin)


def _places(trials: Sequence[TrialRow]) -> list[Place]:
    goal = trials[0].goal if trials else None
    signs = [each.sign for each in goal.objectives] if goal else []
    return [
        Place(
            each.trials,
            tuple(sign * score for sign, score in zip(signs, each.scores, strict=True)) if signs else (each.value,),
        )
        for each in rank(trials)
    ]


def describe(connection: Connection, row: StudyRow, digest: str | None = None) -> None:
    """Say in each stage's Optuna study what it belongs to; `digest` is that of a complete study."""
    stages = reading.stages(connection, row.id)
    facts, seed = {}, _seed(row)  # which reads the study file
    for stage in stages:
        shown = shown_study(connection, stage.id)
        if shown is not None:
            values = (__version__, row.name, stage.name, stage.position + 1, len(stages), seed, digest)
            facts[shown] = dict(zip(_KEYS, values, strict=True))
    describe_studies(connection, facts, _KEYS)


def _seed(row: StudyRow) -> int | None:
    with contextlib.suppress(HpsearchError):  # what others see does not depend on it
        return spec.parse(row.text, row.path).seed
    return None
