"""A study's results as pandas frames, read in one go. May import SQLAlchemy, NumPy, pandas and our tables."""

import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy
from numpy.typing import NDArray
from sqlalchemy import select

from hpsearch.errors import StorageError, nearest
from hpsearch.storage import tables

SPLITS = ("train", "validation")
STATES = ("complete", "pruned", "running", "waiting", "failed")
"""In the order in which a ranking lists them; only settings whose trials are all complete have a rank."""


@dataclass(frozen=True)
class Frames:
    """One study, as it stood at one moment.

    `study` holds the columns of hpsearch_studies. `stages` has a row per stage, in order. `trials` has a row per trial,
    by stage, then by rank, which the replicates of a setting share, then by replicate, with the stage's `stage` name,
    `position` and `kind`, and the metrics at its best epoch as train_cost … validation_accuracy. `curves` has a row per
    trial_id and epoch.
    """

    study: dict[str, Any]
    stages: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    _correct: dict[tuple[int, str], NDArray[np.bool_]]
    _engine: sqlalchemy.Engine

    def correct(self, trial: int, split: str = "validation") -> NDArray[np.bool_] | None:
        """Return which images of a split the trial gets right at its best epoch, (images,), None where not stored."""
        return self._correct.get((trial, split))

    def weights(self, trial: int) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of the trial's best epoch by parameter name, None where not stored.

        Raises StorageError where what is stored cannot be read.
        """
        kept = tables.weights.c
        query = select(kept.content).where(kept.trial_id == trial, kept.kind == "best")
        with self._engine.connect() as connection:
            content = connection.execute(query).scalar()
        if content is None:
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise StorageError(f"hpsearch_weights: the weights of trial id {trial} cannot be read: {error}") from error

    def predicted(self, trial: int, split: str = "test") -> NDArray[np.uint8] | None:
        """Return the class that the trial predicts for each image of a split, (images,), None where not stored."""
        kept = tables.predictions.c
        query = select(kept.predicted).where(kept.trial_id == trial, kept.split == split)
        with self._engine.connect() as connection:
            content = connection.execute(query).scalar()
        return None if content is None else np.frombuffer(content, dtype=np.uint8)


def load(engine: sqlalchemy.Engine, name: str) -> Frames:
    """Read a study; raises StorageError for a name that the database does not hold."""
    with _snapshot(engine) as connection:
        names = connection.execute(select(tables.studies.c.name)).scalars().all()
        if name not in names:
            raise StorageError(f"study {name!r} does not exist{nearest(name, names)}")
        study = connection.execute(select(tables.studies).where(tables.studies.c.name == name)).mappings().one()
        of_study = tables.stages.c.study_id == study["id"]
        with_stage = tables.trials.join(tables.stages)
        stages = _read(connection, select(tables.stages).where(of_study).order_by(tables.stages.c.position))
        columns = [tables.stages.c.name.label("stage"), tables.stages.c.position, tables.stages.c.kind]
        trials = _read(connection, select(tables.trials, *columns).select_from(with_stage).where(of_study))
        curves = _read(connection, select(tables.curves).select_from(tables.curves.join(with_stage)).where(of_study))
        kept = tables.predictions
        query = select(kept.c.trial_id, kept.c.split, kept.c.images, kept.c.correct)
        rows = connection.execute(query.select_from(kept.join(with_stage)).where(of_study)).all()
    correct = {
        (trial, split): np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=images).astype(np.bool_)
        for trial, split, images, bits in rows
    }
    curves = curves.sort_values(["trial_id", "epoch"], ignore_index=True)
    return Frames(dict(study), stages, _rank(_at_best_epoch(trials, curves)), curves, correct, engine)


@contextmanager
def _snapshot(engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
    """Open one read transaction, so that a study that is being written is seen as of one moment."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Python's sqlite3 begins no transaction before a SELECT, so each would see a moment of its own.
            if not getattr(connection.connection.dbapi_connection, "in_transaction", False):
                connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _read(connection: sqlalchemy.Connection, query: sqlalchemy.Select[Any]) -> pd.DataFrame:
    """Read a query as a frame with its database's types: structured values as Python's, numbers as numbers."""
    rows = connection.execute(query).all()
    data = {
        column.name: pd.Series([row[index] for row in rows], dtype=_dtype(column))
        for index, column in enumerate(query.selected_columns)
    }
    return pd.DataFrame(data)


def _dtype(column: sqlalchemy.ColumnElement[Any]) -> str:
    if isinstance(column.type, sqlalchemy.Boolean):
        return "bool"
    if isinstance(column.type, sqlalchemy.Integer):
        # pandas would turn integers that may be NULL into floats.
        return "Int64" if getattr(column, "nullable", False) else "int64"
    return "float64" if isinstance(column.type, sqlalchemy.Float) else "object"


def _at_best_epoch(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Add the metrics that each trial had at its best epoch; NaN where it has none."""
    metrics = [f"{split}_{metric}" for split in SPLITS for metric in tables.METRICS]
    best = curves[["trial_id", "epoch", *metrics]].rename(columns={"trial_id": "id", "epoch": "best_epoch"})
    return trials.merge(best.astype({"best_epoch": "Int64"}), how="left", on=["id", "best_epoch"])


def setting_state(states: Collection[str]) -> str:
    """Return the state of a setting from those of its replicates: failed or pruned if one is, complete if all are."""
    for state in ("failed", "pruned"):
        if state in states:
            return state
    return next(iter(states)) if len(set(states)) == 1 else "running"


def _rank(trials: pd.DataFrame) -> pd.DataFrame:
    """Sort by stage, rank of the setting, and replicate; settings that are not complete come after, without a rank."""
    rows = records(trials[["position", "point", "replicate", "number", "state", "value", "validation_loss"]])
    settings = defaultdict(list)
    for row in rows:
        settings[row["position"], row["point"]].append(row)
    standings = {setting: _standing(members) for setting, members in settings.items()}
    ranks: dict[tuple[int, int], int] = {}
    in_order = sorted(standings, key=lambda setting: (setting[0], standings[setting]))
    for _, of_stage in groupby(in_order, lambda setting: setting[0]):
        complete = (setting for setting in of_stage if standings[setting][0] == STATES.index("complete"))
        ranks |= {setting: rank for rank, setting in enumerate(complete, start=1)}
    of_row = [(row["position"], row["point"]) for row in rows]
    keys = [(of[0], standings[of], row["replicate"], row["number"]) for of, row in zip(of_row, rows, strict=True)]
    order = sorted(range(len(rows)), key=lambda index: keys[index])
    rank = pd.Series([ranks.get(of_row[index]) for index in order], dtype="Int64")
    return trials.iloc[order].reset_index(drop=True).assign(rank=rank)


def _standing(replicates: Sequence[dict[str, Any]]) -> tuple[int, float, float, int]:
    """Return what settings are ranked by, as the search itself does: state, then the means over their replicates.

    Higher validation accuracy comes first, then lower validation loss, then the first trial's number.
    """
    first = min(row["number"] for row in replicates)
    state = setting_state([row["state"] for row in replicates])
    if state != "complete":
        return STATES.index(state), 0.0, 0.0, first
    accuracy = fmean(row["value"] or 0.0 for row in replicates)
    loss = fmean(math.inf if row["validation_loss"] is None else row["validation_loss"] for row in replicates)
    return STATES.index(state), -accuracy, loss, first


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as Python values; None stands for every kind of missing one."""
    values = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in values.to_dict("records")]
