"""A study's results as pandas frames, read in one go. May import SQLAlchemy, NumPy, pandas and our tables."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
"""In the order in which a ranking lists them; only complete trials have a rank."""


@dataclass(frozen=True)
class Frames:
    """One study, as it stood at one moment.

    `study` holds the columns of hpsearch_studies. `stages` has a row per stage, in order. `trials` has a row per trial,
    by stage and then by rank, with the stage's `stage` name, `position` and `kind`, and the metrics at its best epoch
    as train_cost … validation_accuracy. `curves` has a row per trial_id and epoch.
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
            raise StorageError(f"{engine.url.database}: holds no study {name!r}{nearest(name, names)}")
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


def _rank(trials: pd.DataFrame) -> pd.DataFrame:
    """Sort by stage and rank: validation accuracy, then lower validation loss, then number; others after, unranked."""
    state = trials["state"].map({name: place for place, name in enumerate(STATES)})
    complete = trials["state"] == "complete"
    keys = {
        "position": trials["position"],
        "state": state,
        "accuracy": -trials["validation_accuracy"].where(complete),
        "loss": trials["validation_loss"].where(complete),
        "number": trials["number"],
    }
    order = pd.DataFrame(keys).sort_values(list(keys), kind="stable").index
    ranked = trials.loc[order].reset_index(drop=True)
    place = ranked.groupby("position").cumcount() + 1
    return ranked.assign(rank=place.where(ranked["state"] == "complete").astype("Int64"))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as Python values; None stands for every kind of missing one."""
    values = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in values.to_dict("records")]
