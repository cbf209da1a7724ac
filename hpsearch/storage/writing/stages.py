"""A stage: begun, timed, finished, begun anew. May import Optuna and SQLAlchemy."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import Connection, and_, bindparam, delete, insert, not_, or_, select, update

from hpsearch.storage import schema
from hpsearch.storage.mirror import rows
from hpsearch.storage.mirror.tables import mirror_name
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Goal, NewStage, StageRow
from hpsearch.storage.writing.evaluations import count_test_evaluations
from hpsearch.storage.writing.trials import END, END_BEST

KEPT_WEIGHTS = 10
"""Of a finished stage, the best weights of so many trials stay in the database."""


def now() -> str:
    """This moment, as the tables keep it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def add_stage(
    connection: Connection, storage: RDBStorage, study_id: int, study: str, position: int, stage: NewStage
) -> None:
    """Store a waiting stage of a study."""
    mirrored = rows.create_study(connection, storage, mirror_name(study, position, stage.name), Goal.of(stage.data))
    row = vars(stage) | {"study_id": study_id, "position": position, "state": WAITING, "notes": []}
    connection.execute(insert(schema.stages).values(row | {"optuna_study_id": mirrored}))


def start_stage(
    connection: Connection,
    stage: StageRow,
    space: Mapping[str, Any],
    notes: Sequence[str],
    known: Sequence[Mapping[str, Any]] | None,
    planned: int,
) -> None:
    """Store a stage's space, what its sampler starts from, and how many trials it is to have."""
    values: dict[str, Any] = {"space": dict(space), "notes": list(notes), "known": known, "trials": planned}
    values |= {"state": RUNNING, "started_at": now()}
    connection.execute(update(schema.stages).where(schema.stages.c.id == stage.id).values(values))


def set_planned(connection: Connection, stage_id: int, trials: int) -> None:
    """A stage that has grown is to have so many trials."""
    connection.execute(update(schema.stages).where(schema.stages.c.id == stage_id).values(trials=trials))


def add_seconds(connection: Connection, stage_id: int, seconds: float) -> None:
    """Add wall time to what a stage has run."""
    connection.execute(_MORE_SECONDS, {"of": stage_id, "more": seconds})


_MORE_SECONDS = (
    update(schema.stages)
    .where(schema.stages.c.id == bindparam("of"))
    .values(seconds=schema.stages.c.seconds + bindparam("more"))
)


def finish_stage(connection: Connection, stage_id: int, ranked: Sequence[int], ended: str | None, trials: int) -> None:
    """Mark a stage as complete, with which budget ended it and how many trials it has; let go of most weights.

    `ranked` has trial ids, best first: the first `KEPT_WEIGHTS` keep their best weights. Pruned trials keep those that
    they would go on from; those that a budget stopped, which a longer one lets go on, keep both. The best weights of
    trials whose state at the end is kept are laid aside with it.
    """
    column, kind = schema.trials.c, schema.weights.c.kind
    of_stage = select(column.id).where(column.stage_id == stage_id)
    may_go_on = and_(column.state == PRUNED, column.pruned_at.is_(None))
    losers = of_stage.where(column.id.not_in(ranked[:KEPT_WEIGHTS]), not_(may_go_on))
    ended_trials = of_stage.where(column.state.in_([COMPLETE, FAILED]))
    may_grow = select(schema.weights.c.trial_id).where(kind == END)
    laid_aside = and_(kind == "best", schema.weights.c.trial_id.in_(losers), schema.weights.c.trial_id.in_(may_grow))
    connection.execute(update(schema.weights).where(laid_aside).values(kind=END_BEST))
    gone = or_(
        and_(kind == "best", schema.weights.c.trial_id.in_(losers)),
        and_(kind == "state", schema.weights.c.trial_id.in_(ended_trials)),
    )
    connection.execute(delete(schema.weights).where(gone))
    values = {"state": COMPLETE, "finished_at": now(), "ended": ended, "trials": trials}
    connection.execute(update(schema.stages).where(schema.stages.c.id == stage_id).values(values))


def keep_stage(connection: Connection, stage_id: int, notes: Sequence[str]) -> None:
    """A stage that began before an earlier one grew turned out to stand on the same, for these reasons."""
    values = {"stale": False, "notes": list(notes)}
    connection.execute(update(schema.stages).where(schema.stages.c.id == stage_id).values(values))


def reset_stage(connection: Connection, storage: RDBStorage, stage: StageRow) -> None:
    """Begin a stage anew: waiting, its trials deleted, with a fresh Optuna study."""
    column = schema.stages.c
    count_test_evaluations(connection, schema.trials.c.stage_id == stage.id)
    delete_trials(connection, [stage.id])
    name = connection.execute(
        select(schema.studies.c.name).join(schema.stages).where(column.id == stage.id)
    ).scalar_one()
    shown = mirror_name(name, stage.position, stage.name)
    rows.delete_study(connection, stage.optuna_study_id, shown)
    mirrored = rows.create_study(connection, storage, shown, Goal.of(stage.data))
    values: dict[str, Any] = {"state": WAITING, "optuna_study_id": mirrored, "notes": [], "batches": []}
    values |= {"seconds": 0.0, "stale": False}
    values |= dict.fromkeys(("trials", "space", "known", "ended", "started_at", "finished_at"))
    connection.execute(update(schema.stages).where(column.id == stage.id).values(values))


def delete_trials(connection: Connection, stage_ids: Sequence[int]) -> None:
    """Delete all trials of these stages with their results, from our tables."""
    chosen = select(schema.trials.c.id).where(schema.trials.c.stage_id.in_(stage_ids))
    for table in schema.OF_TRIALS:
        connection.execute(delete(table).where(table.c.trial_id.in_(chosen)))
    connection.execute(delete(schema.trials).where(schema.trials.c.stage_id.in_(stage_ids)))
