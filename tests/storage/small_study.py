"""A study of one or two stages whose trials' results are made up, but fit together as trained ones do."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import sqlalchemy

from hpsearch.storage import reading, schema, writing
from hpsearch.storage.records import (
    BestRecord,
    Decision,
    NewStage,
    NewStudy,
    NewTrial,
    PredictionsRecord,
    Progress,
    TestRecord,
)

STUDY = NewStudy("s", "text", "s.toml", ".", {}, {"fingerprint": "f"}, {"hash": "h"})
STAGES = [NewStage("coarse", "random", False, {}), NewStage("final", "final", True, {})]
SPACE = {"eta": {"low": 0.1, "high": 10.0, "log": True}, "hidden": {"choices": [[8], [9, 9]]}}
IMAGES = 9
MOST_EVIDENCE = 3
EPOCHS = 4


def add(database, stages=STAGES, study=STUDY):
    """Store a study, all waiting; return its row."""
    with database.transaction() as connection:
        writing.add_study(connection, database.optuna, study, stages)
        return reading.get_study(connection, study.name)


def stage_of(database, name="coarse", study="s"):
    with database.transaction() as connection:
        stages = reading.stages(connection, reading.get_study(connection, study).id)
    return next(stage for stage in stages if stage.name == name)


def trials_of(database, name="coarse", study="s"):
    with database.transaction() as connection:
        return reading.trials(connection, stage_of_connection(connection, name, study).id)


def stage_of_connection(connection, name, study="s"):
    stages = reading.stages(connection, reading.get_study(connection, study).id)
    return next(stage for stage in stages if stage.name == name)


def start(database, name="coarse", space=SPACE, planned=4):
    with database.transaction() as connection:
        writing.start_stage(connection, stage_of_connection(connection, name), space, ["Because."], None, planned)
    return stage_of(database, name)


def new_trials(first, last, epochs=EPOCHS, keep="best"):
    """Trials number `first` to `last` - 1."""
    configuration = {"model": {}, "training": {"keep": keep}}
    return [
        NewTrial(i, 0, {"eta": 0.1 + i % 90 / 10, "hidden": [8] if i % 2 else [9, 9]}, configuration, epochs, point=i)
        for i in range(first, last)
    ]


def add_trials(database, new, name="coarse"):
    with database.transaction() as connection:
        return writing.add_trials(connection, stage_of_connection(connection, name), new)


def right(number, epoch):
    """Which images trial `number` gets right at an epoch: one bit each."""
    return np.arange(IMAGES) < (7 * number + 5 * epoch) % (IMAGES + 1)


def pack(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def weights(number, epoch):
    return pack(w=np.full((2, 3), 100 * number + epoch, np.float32))


def segment(trial, last, *, test=False, **given):
    """What training a trial from where it is to epoch `last` would give; with a `failure`, it fails in that epoch."""
    best, value, curve, evidence = None, -1.0 if trial.value is None else trial.value, [], {}
    keeps_last = trial.configuration["training"]["keep"] == "last"
    for epoch in range(trial.epochs_done + 1, last + 1 - bool(given.get("failure"))):
        bits = right(trial.number, epoch)
        accuracy = float(bits.mean())
        if not keeps_last or epoch == last:
            evidence[epoch] = PredictionsRecord(IMAGES, np.packbits(bits).tobytes())
        curve.append((epoch, 0.1, 1.0 + trial.number, 1.0, 0.5, 2.0 / epoch, 1.0 / epoch, accuracy, accuracy))
        if accuracy > value if not keeps_last else epoch == last:
            value = accuracy
            best = BestRecord(epoch, value, weights(trial.number, epoch))
    finished = last == trial.epochs
    right_ones = np.packbits(np.ones(IMAGES, bool)).tobytes()
    look = TestRecord(2.0, 1.5, 1.0, 1.0, {}, PredictionsRecord(IMAGES, right_ones, bytes(IMAGES)))
    found = {"state": weights(trial.number, last), "parameters": 6, "seconds": 0.5, "finished": finished}
    found |= {"test": look if test and finished else None}
    found |= {"evidence": evidence, "most_evidence": MOST_EVIDENCE}
    return Progress(trial, last, curve, best=best, **found | given)


def advance(database, trials, last, **given):
    """Commit segments that bring trials to epoch `last`; return the trials as they are then."""
    with database.transaction() as connection:
        writing.commit_progress(connection, [segment(trial, last, **given) for trial in trials])
        return [again(connection, trial) for trial in trials]


def again(connection, trial):
    stage = connection.execute(
        schema.trials.select().with_only_columns(schema.trials.c.stage_id).where(schema.trials.c.id == trial.id)
    ).scalar()
    return next(row for row in reading.trials(connection, stage) if row.id == trial.id)


def prune(database, trials, pruned_at=2, **given):
    with database.transaction() as connection:
        decisions = [Decision(trial, pruned_at, "place 3 of 4", **given) for trial in trials]
        writing.decide(connection, decisions)
        return [again(connection, trial) for trial in trials]


def finish(database, name="coarse", ended=None):
    """Finish a stage, its complete trials ranked by value."""
    trials = trials_of(database, name)
    best = sorted((t for t in trials if t.state == "complete"), key=lambda t: (-t.value, t.number))
    stage = stage_of(database, name)
    with database.transaction() as connection:
        writing.finish_stage(connection, stage.id, [trial.id for trial in best], ended, len(trials))
    return stage_of(database, name)


def whole(database, keep="best"):
    """A stage of five trials: two complete, one pruned, one audited, one failed; then finished."""
    add(database)
    start(database, planned=5)
    trials = advance(database, add_trials(database, new_trials(0, 5, keep=keep)), 2)
    prune(database, trials[2:3])
    prune(database, trials[3:4], audited=True)
    advance(database, trials[4:], 3, failure="the training cost became NaN")
    advance(database, [*trials[:2], replace(trials[3], pruned_at=2)], EPOCHS)
    return finish(database)


def mirror(database, name="s / 1 coarse"):
    """Optuna's trials of a stage, read by Optuna itself on a connection of its own."""
    storage = database.place.dashboard_storage()
    try:
        return storage.get_all_trials(storage.get_study_id_from_name(name))
    finally:
        storage.scoped_session.remove()
        storage.engine.dispose()


def everything(database):
    """All rows of all tables, Optuna's and ours, whatever their order, and, of a file, the highest ids ever given."""
    known = sqlalchemy.MetaData()
    with database.place.reader_engine().connect() as connection:
        if connection.dialect.name == "sqlite":
            return list(connection.connection.dbapi_connection.iterdump())
        known.reflect(connection)
        tables = known.sorted_tables
        rows = {table.name: connection.execute(sqlalchemy.select(table)) for table in tables}
        return {name: sorted((tuple(row) for row in found), key=repr) for name, found in rows.items()}


@contextlib.contextmanager
def full_disk(path):
    """Not a byte is free."""
    filler = path.with_name("filler")
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()
