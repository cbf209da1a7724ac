"""The stages of a stored study, as a replay needs them. May import spec and storage."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from hpsearch import spec
from hpsearch.search.replay.curves import Trained, trained_of
from hpsearch.search.samplers.points import Space
from hpsearch.search.stages.goal import goal_of
from hpsearch.search.stages.space import FINAL, space_from_json
from hpsearch.storage import reading
from hpsearch.storage.records import Goal, StageRow, StudyRow


@dataclass(frozen=True)
class StageCurves:
    """A stage that has begun: the configurations that trained to their end, and how many others are in which state."""

    row: StageRow
    stage: spec.Stage
    space: Space
    goal: Goal
    configurations: tuple[Trained, ...]
    left_out: Mapping[str, int]


def stages_of_study(connection: Connection, row: StudyRow) -> tuple[spec.Study, list[StageCurves]]:
    """Read a study's stages that have begun, without its final."""
    study = spec.parse(row.text, row.path)
    goal, found = goal_of(study), []
    for stage in reading.stages(connection, row.id):
        if stage.kind == FINAL or stage.space is None:
            continue
        step = study.stages[stage.position]
        rows, curves = reading.trials(connection, stage.id), reading.validation_curves(connection, stage.id, goal)
        configurations, left_out = trained_of(rows, curves, spec.replicates_of(study, step))
        space = space_from_json(stage.space)
        found.append(StageCurves(stage, step, space, goal, tuple(configurations), left_out))
    return study, found
