"""A study's results as pandas frames, read in one go. May import SQLAlchemy, NumPy, pandas, spec and our tables."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy
from numpy.typing import NDArray
from sqlalchemy import select

from hpsearch.errors import HpsearchError, StorageError, nearest
from hpsearch.reporting.ranking_order import Record, in_order, records
from hpsearch.spec import Study, parse, replicates_of
from hpsearch.storage import schema
from hpsearch.storage.column_types import INFINITE, Real
from hpsearch.storage.database import snapshot

SPLITS = ("train", "validation")

_ROWS = 20_000
"""So many rows of a table of numbers are Python objects at a time."""


@dataclass(frozen=True)
class Frames:
    """One study, as it stood at one moment.

    `study` holds the columns of hpsearch_studies. `stages` has a row per stage, in order. `trials` has a row per trial,
    by stage, then by rank, which the replicates of a configuration share, then by replicate, with the stage's `stage` name,
    `position` and `kind`, and the metrics at its best epoch as train_cost … validation_accuracy. `curves` has a row per
    trial_id and epoch. `written` is the study file as it was launched, None where this version of us cannot read it.
    """

    study: dict[str, Any]
    stages: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    written: Study | None
    _correct: dict[tuple[int, str], NDArray[np.bool_]]
    _engine: sqlalchemy.Engine

    @cached_property
    def rows(self) -> list[Record]:
        """The trials as Python values, in the same order."""
        return records(self.trials)

    @cached_property
    def by_stage(self) -> Mapping[str, list[Record]]:
        """The trials of each stage, by its name."""
        found: dict[str, list[Record]] = {stage: [] for stage in self.stages["name"]}
        for trial in self.rows:
            found[trial["stage"]].append(trial)
        return found

    @cached_property
    def stage_rows(self) -> list[Record]:
        """The stages as Python values, in order."""
        return records(self.stages)

    @property
    def trainable(self) -> bool:
        """Does the model train by itself, so that cost, η and the like are not ours to tell?"""
        return (self.study["model"] or {}).get("kind") == "trainable"

    def correct(self, trial: int, split: str = "validation") -> NDArray[np.bool_] | None:
        """Return which images of a split the trial gets right at its best epoch, (images,), None where not stored."""
        return self._correct.get((trial, split))

    def weights(self, trial: int) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of the trial's best epoch by parameter name, None where not stored.

        Raises StorageError where what is stored cannot be read.
        """
        kept = schema.weights.c
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
        kept = schema.predictions.c
        query = select(kept.predicted).where(kept.trial_id == trial, kept.split == split)
        with self._engine.connect() as connection:
            content = connection.execute(query).scalar()
        return None if content is None else np.frombuffer(content, dtype=np.uint8)


def load(engine: sqlalchemy.Engine, name: str) -> Frames:
    """Read a study; raises StorageError for a name that the database does not hold."""
    with snapshot(engine) as connection:
        names = connection.execute(select(schema.studies.c.name)).scalars().all()
        if name not in names:
            raise StorageError(f"study {name!r} does not exist{nearest(name, names)}")
        study = connection.execute(select(schema.studies).where(schema.studies.c.name == name)).mappings().one()
        of_study = schema.stages.c.study_id == study["id"]
        with_stage = schema.trials.join(schema.stages)
        stages = _read(connection, select(schema.stages).where(of_study).order_by(schema.stages.c.position))
        columns = [schema.stages.c.name.label("stage"), schema.stages.c.position, schema.stages.c.kind]
        trials = _read(connection, select(schema.trials, *columns).select_from(with_stage).where(of_study))
        curves = _numbers(connection, select(schema.curves).select_from(schema.curves.join(with_stage)).where(of_study))
        kept = schema.predictions
        query = select(kept.c.trial_id, kept.c.split, kept.c.samples, kept.c.correct)
        rows = connection.execute(query.select_from(kept.join(with_stage)).where(of_study)).all()
    correct = {
        (trial, split): np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=samples).astype(np.bool_)
        for trial, split, samples, bits in rows
    }
    curves = curves.sort_values(["trial_id", "epoch"], ignore_index=True)
    written = _written(study["text"], study["path"])
    ranked = in_order(_at_best_epoch(trials, curves), _replicates(written))
    return Frames(dict(study), stages, ranked, curves, written, correct, engine)


def _written(text: str, path: str) -> Study | None:
    """Read the study file; the report is about the results, and does not fail on a file of another version."""
    try:
        return parse(text, path)
    except HpsearchError:
        return None


def _replicates(written: Study | None) -> dict[str, int]:
    return {stage.name: replicates_of(written, stage) for stage in written.stages} if written else {}


def _read(connection: sqlalchemy.Connection, query: sqlalchemy.Select[Any]) -> pd.DataFrame:
    """Read a query as a frame with its database's types: structured values as Python's, numbers as numbers."""
    rows = connection.execute(query).all()
    data = {
        column.name: pd.Series([row[index] for row in rows], dtype=_dtype(column))
        for index, column in enumerate(query.selected_columns)
    }
    return pd.DataFrame(data)


def _numbers(connection: sqlalchemy.Connection, query: sqlalchemy.Select[Any]) -> pd.DataFrame:
    """Read a table of numbers as a frame, a missing one as NaN: a million rows in 2 s, and without as many objects."""
    columns = list(query.selected_columns)
    cursor = connection.execute(query).cursor
    parts = [np.empty((0, len(columns)))]
    while cursor is not None and (rows := cursor.fetchmany(_ROWS)):
        parts.append(np.array(rows, dtype=np.float64))
    values = np.concatenate(parts)
    if connection.dialect.name == "mysql":  # the cursor hands out what is stored
        values = np.where(np.abs(values) == INFINITE, np.copysign(np.inf, values), values)
    types = ["int64" if isinstance(column.type, sqlalchemy.Integer) else "float64" for column in columns]
    named = enumerate(zip(columns, types, strict=True))
    return pd.DataFrame({column.name: values[:, place].astype(type_) for place, (column, type_) in named})


def _dtype(column: sqlalchemy.ColumnElement[Any]) -> str:
    if isinstance(column.type, sqlalchemy.Boolean):
        return "bool"
    if isinstance(column.type, sqlalchemy.Integer):
        # pandas would turn integers that may be NULL into floats.
        return "Int64" if getattr(column, "nullable", False) else "int64"
    return "float64" if isinstance(column.type, Real) else "object"


def _at_best_epoch(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Add the metrics that each trial had at its best epoch; NaN where it has none."""
    metrics = [f"{split}_{metric}" for split in SPLITS for metric in schema.METRICS]
    at = trials[["id", "best_epoch"]].astype("float64").to_numpy()
    beyond = int(curves["epoch"].max()) + 1 if len(curves) else 1
    known = np.append(curves["trial_id"].to_numpy() * beyond + curves["epoch"].to_numpy(), -1)
    none = np.isnan(at[:, 1]) | (at[:, 1] >= beyond)
    wanted = np.where(none, -2.0, at[:, 0] * beyond + at[:, 1]).astype(np.int64)
    places = np.searchsorted(known[:-1], wanted)
    found = known[places] == wanted
    columns = {name: np.append(curves[name].to_numpy(), np.nan)[places] for name in metrics}
    return trials.assign(**{name: np.where(found, values, np.nan) for name, values in columns.items()})
