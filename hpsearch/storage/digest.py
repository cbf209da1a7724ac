"""One hash of the end state of a study, the same for every way that led to it. May import SQLAlchemy.

What is hashed is what a study promises to be independent of: how many workers ran it, how segments were cut, how often
it was killed. What a run is free to vary stays out: ids, names, hosts, times, paths, and the messages of failures.
"""

import hashlib
import io
import json
import math
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from hpsearch.storage import reading, schema
from hpsearch.storage.damage.blobs import intact
from hpsearch.storage.records import FAILED, StageRow, StudyRow

_AT_ONCE = 1000


class _Hash:
    """SHA-256 over a list of values that cannot be cut in two ways."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, content: bytes) -> None:
        self._sha.update(struct.pack("<Q", len(content)))
        self._sha.update(content)

    def add_json(self, value: Any) -> None:
        """Floats are written with as many digits as distinguish them."""
        self.add(json.dumps(value, sort_keys=True).encode())

    def hexdigest(self) -> str:
        return self._sha.hexdigest()


def digest(
    connection: Connection, study: StudyRow, meaning: str, ranked: Mapping[int, Sequence[int]] | None = None
) -> str:
    """The SHA-256 of a study's end state, in hexadecimal.

    `meaning` is what its file says, as text that does not depend on how it is written; `ranked` has each stage's trial
    ids in the order of the ranking, by the stage's id. Raises DamagedError where a blob is not what was stored.
    """
    found = _Hash()
    found.add_json(["hpsearch", meaning, study.data.get("fingerprint"), study.model.get("hash")])
    for stage in reading.stages(connection, study.id):
        found.add_json([stage.position, stage.name, stage.kind, stage.state, _space(stage), stage.known, stage.ended])
        numbers = _add_trials(found, connection, stage)
        found.add_json([numbers[trial_id] for trial_id in (ranked or {}).get(stage.id, ())])
        _add_curves(found, connection, stage.id)
        _add_weights(found, connection, stage.id)
        _add_predictions(found, connection, stage.id)
    return found.hexdigest()


def _space(stage: StageRow) -> Any:
    """A stage's space without the order of its choices, which earlier versions did not store."""
    if stage.space is None:
        return None
    return {
        key: {name: value for name, value in entry.items() if name != "ordered"} for key, entry in stage.space.items()
    }


_SAME = (
    *(
        "point",
        "replicate",
        "params",
        "configuration",
        "state",
        "pruned_at",
        "epochs",
        "epochs_done",
        "best_epoch",
        "value",
    ),
    *("parameters", "test_cost", "test_loss", "test_accuracy"),
)
_LATER = ("test_metrics",)
"""Columns that are hashed only where they hold something, so that digests from before there were any stay."""


def _add_trials(found: _Hash, connection: Connection, stage: StageRow) -> dict[int, int]:
    """Add a stage's trials; return their numbers by id."""
    column = schema.trials.c
    query = select(column.id, column.number, column.reason, *(column[name] for name in (*_SAME, *_LATER)))
    rows = connection.execute(query.where(column.stage_id == stage.id).order_by(column.number)).all()
    for row in rows:
        reason = None if row.state == FAILED else row.reason  # a failure's may hold paths
        same, later = row[3 : 3 + len(_SAME)], row[3 + len(_SAME) :]
        found.add_json([row.number, reason, *same, *(value for value in later if value is not None)])
    return {row.id: row.number for row in rows}


def _of_stage(
    connection: Connection, stage_id: int, table: Any, columns: Iterable[Any], *order: Any, only: Any = None
) -> Iterable[Any]:
    """A table's rows of all trials of a stage, by number, a few at a time; `only` those of a condition."""
    query = select(schema.trials.c.number, *columns).join_from(schema.trials, table)
    query = query.where(schema.trials.c.stage_id == stage_id).order_by(schema.trials.c.number, *order)
    query = query if only is None else query.where(only)
    return intact(connection, query.execution_options(yield_per=_AT_ONCE))


def _add_curves(found: _Hash, connection: Connection, stage_id: int) -> None:
    column = schema.curves.c
    measured = [each for each in column if each.name not in ("trial_id", "epoch", "value")]  # it follows from others
    pack = struct.Struct(f"<qq{len(measured)}d").pack
    for row in _of_stage(connection, stage_id, schema.curves, [column.epoch, *measured], column.epoch):
        found.add(pack(*row[:2], *(math.nan if value is None else value for value in row[2:])))
    column = schema.measurements.c
    columns = [column.epoch, column.metric, column.train, column.validation]
    for row in _of_stage(connection, stage_id, schema.measurements, columns, column.epoch, column.metric):
        found.add_json(list(row))


def _add_weights(found: _Hash, connection: Connection, stage_id: int) -> None:
    column = schema.weights.c
    columns = [column.kind, column.epoch, column.content]
    hashed = column.kind.in_(("state", "best", "all"))  # others are kept while there is room for them
    for number, kind, epoch, content in _of_stage(
        connection, stage_id, schema.weights, columns, column.kind, only=hashed
    ):
        found.add_json([number, kind, epoch])
        for name, array in _arrays(content):
            found.add(name.encode())
            found.add(array)


def _arrays(content: bytes) -> list[tuple[str, bytes]]:
    """The arrays of an .npz by name, each with its type and shape; how it was packed does not count."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return [(name, file.read(name)) for name in sorted(file.namelist())]
    except Exception:  # whatever another program's bytes make of zipfile
        return [("", content)]


def _add_predictions(found: _Hash, connection: Connection, stage_id: int) -> None:
    column = schema.predictions.c
    columns = [column.split, column.samples, column.correct, column.predicted, column.outputs]
    at_best = column.epoch == schema.trials.c.best_epoch  # those of other epochs came later than the digest
    rows = _of_stage(connection, stage_id, schema.predictions, columns, column.split, only=at_best)
    for number, split, samples, correct, predicted, outputs in rows:
        found.add_json([number, split, samples])
        for content in (correct, predicted or b"", *([outputs] if outputs else [])):
            found.add(content)
