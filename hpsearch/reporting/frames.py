"""A study's results as pandas frames, from one snapshot of the database. May import SQLAlchemy and pandas."""

import io
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy
from numpy.typing import NDArray
from sqlalchemy import select

from hpsearch.errors import DamagedError, HpsearchError, raised
from hpsearch.reporting.files import relative_to
from hpsearch.reporting.queries import ROWS, dtype_of, read, read_numbers
from hpsearch.reporting.ranking_order import Record, rank_trials, records
from hpsearch.reporting.sample_scores import SampleScores
from hpsearch.spec import ROPE, Study, parse, replicates_of
from hpsearch.storage import reading, schema
from hpsearch.storage.claims import state_of
from hpsearch.storage.damage.blobs import intact
from hpsearch.storage.database import snapshot
from hpsearch.storage.records import Goal

SPLITS = ("train", "validation")

_AT_ONCE = 500
"""The most trials whose predictions are asked for at a time: databases limit the length of a query."""


@dataclass(frozen=True)
class Frames:
    """One study at one moment.

    `study` has the columns of hpsearch_studies. `stages` has a row per stage, in order. `trials` has a row per trial,
    by stage, rank (which the replicates of a configuration share) and replicate: its name `trial` (coarse:3), its
    stage's name `stage`, `position` and `kind`, the first point `drawn` of equal configurations, which are ranked as
    one, and its metrics at the best epoch as train_cost … validation_accuracy, and for each metric in `recorded` as
    train_NAME, validation_NAME and test_NAME. `curves` has a row per `trial` and epoch, `metrics` a row per `trial`,
    epoch and recorded metric. `written` is the study file, None where this version of hpsearch cannot read it.
    """

    study: dict[str, Any]
    stages: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    metrics: pd.DataFrame
    written: Study | None
    _correct: dict[tuple[int, str], NDArray[np.bool_]]
    engine: sqlalchemy.Engine

    @cached_property
    def goal(self) -> Goal:
        """The study's objective."""
        return goal_of(self.stages)

    @cached_property
    def rope(self) -> float | None:
        """The region of practical equivalence: smaller differences of the objective do not matter."""
        given = self.written.objective.rope if self.written else None
        return given or (ROPE if self.goal.share else None)

    @property
    def regression(self) -> bool:
        """Whether its labels are values, so that there are no classes and no accuracy."""
        return (self.study["data"] or {}).get("classes") == []

    @property
    def images(self) -> bool:
        """Whether its samples are images, and not rows of a table, whose shape is 1 × 1 × features."""
        shape = (self.study["data"] or {}).get("image_shape") or (1, 1)
        return tuple(shape[:2]) != (1, 1)

    @property
    def returned(self) -> bool:
        """Whether its objective is a number that the model returns, of which nothing else is known."""
        metric = self.written.objective.parsed(self.written.data.task) if self.written else None
        return getattr(metric, "kind", None) == "returned"

    @cached_property
    def has_accuracy(self) -> bool:
        """Whether its trials have an accuracy: not in a regression, nor where the model returns numbers alone."""
        return not self.regression and (self.curves.empty or bool(self.curves["validation_accuracy"].notna().any()))

    @cached_property
    def recorded(self) -> list[str]:
        """The metrics beside cost, loss and accuracy, of which trials have columns such as validation_rmse."""
        return recorded_metrics(self.metrics, [goal.metric for goal in (self.goal, *self._also)])

    @cached_property
    def others(self) -> list[Goal]:
        """The metrics that are shown beside the objective: those of `also`, in the order of the study file."""
        also = {goal.metric: goal for goal in self._also if goal.metric in (*self.recorded, "accuracy", "cost")}
        also.pop(self.goal.metric, None)
        names = [name for name in self.recorded if name not in (self.goal.metric, *also)]
        return [*also.values(), *(Goal(name, share=False) for name in names)]

    @property
    def _also(self) -> list[Goal]:
        if self.goal.objectives:
            return list(self.goal.objectives[1:])
        found = self.written.objective.others if self.written else ()
        return [Goal(each.name, each.direction or "maximize", getattr(each, "share", False)) for each in found]

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

    @cached_property
    def sample_scores(self) -> SampleScores:
        """What each sample contributes to the objective of each trial."""
        return SampleScores(self.engine, self.study, self.stage_rows, self.written)

    @property
    def trainable(self) -> bool:
        """Whether the model trains itself, so that its cost and learning rate are unknown."""
        return (self.study["model"] or {}).get("kind") == "trainable"

    def correct(self, trial: int, split: str = "validation") -> NDArray[np.bool_] | None:
        """Return which samples of a split the trial predicts correctly at its best epoch, (samples,), if stored."""
        return self._correct.get((trial, split))

    def correct_by_epoch(self, trials: Sequence[int]) -> dict[int, tuple[list[int], NDArray[np.uint8]]]:
        """Return the validation samples that trials predict correctly at each epoch that is stored.

        For each trial the epochs, and np.packbits over the samples, (epochs, bytes). They are read at every call.
        """
        kept = schema.predictions.c
        found: dict[int, tuple[list[int], list[bytes]]] = {}
        with self.engine.connect() as connection:
            for start in range(0, len(trials), _AT_ONCE):
                query = select(kept.trial_id, kept.epoch, kept.correct).where(kept.split == "validation")
                query = query.where(kept.trial_id.in_(trials[start : start + _AT_ONCE]))
                for trial, epoch, bits in intact(connection, query.order_by(kept.trial_id, kept.epoch)):
                    epochs, correct = found.setdefault(trial, ([], []))
                    epochs.append(epoch)
                    correct.append(bits)
        return {
            trial: (epochs, np.frombuffer(b"".join(bits), np.uint8).reshape(len(epochs), -1))
            for trial, (epochs, bits) in found.items()
            if len({len(each) for each in bits}) == 1
        }

    def weights(self, trial: int, kind: str = "best") -> dict[str, NDArray[Any]] | None:
        """Return the weights at the best epoch, or of the training on "all", by parameter name; None without any.

        Raises StorageError where they are damaged.
        """
        kept = schema.weights.c
        query = select(kept.content).where(kept.trial_id == trial, kept.kind == kind)
        with self.engine.connect() as connection:
            content = next((row.content for row in intact(connection, query)), None)
        if content is None:
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                return dict(stored)
        except Exception as error:  # whatever another program's bytes make of NumPy and zipfile
            rule = f"the weights of trial id {trial} are no .npz file"
            raise DamagedError(f"hpsearch_weights: {rule} ({raised(error)})") from error

    def predicted(self, trial: int, split: str = "test") -> NDArray[Any] | None:
        """Return the predicted class of each sample of a split, (samples,), None where it is not stored."""
        kept = schema.predictions.c
        query = select(kept.predicted, kept.samples).join_from(schema.predictions, schema.trials)
        query = query.where(kept.trial_id == trial, kept.split == split, kept.epoch == schema.trials.c.best_epoch)
        with self.engine.connect() as connection:
            content, samples = next(intact(connection, query), (None, 0))
        return None if content is None else np.frombuffer(content, np.uint8 if len(content) == samples else np.uint16)

    def outputs(self, trial: int, samples: int, split: str = "test") -> NDArray[np.float64] | None:
        """Return the outputs for the samples of a split, (samples, outputs), None where they are not stored."""
        kept = schema.predictions.c
        query = select(kept.outputs).join_from(schema.predictions, schema.trials)
        query = query.where(kept.trial_id == trial, kept.split == split, kept.epoch == schema.trials.c.best_epoch)
        with self.engine.connect() as connection:
            content = next((row.outputs for row in intact(connection, query)), None)
        if not content or not samples or len(content) % (4 * samples):
            return None
        return np.frombuffer(content, np.float32).reshape(samples, -1).astype(np.float64)


def load(engine: sqlalchemy.Engine, name: str) -> Frames:
    """Read a study. Raises StorageError for a name that is not in the database, DamagedError for lost predictions."""
    with snapshot(engine) as connection:
        study_id = reading.get_study(connection, name).id
        study = connection.execute(select(schema.studies).where(schema.studies.c.id == study_id)).mappings().one()
        of_study = schema.stages.c.study_id == study_id
        with_stage = schema.trials.join(schema.stages)
        stages = read(connection, select(schema.stages).where(of_study).order_by(schema.stages.c.position))
        columns = [schema.stages.c.name.label("stage"), schema.stages.c.position, schema.stages.c.kind]
        trials = read(connection, select(schema.trials, *columns).select_from(with_stage).where(of_study))
        curves = read_numbers(
            connection, select(schema.curves).select_from(schema.curves.join(with_stage)).where(of_study)
        )
        metrics = _measurements(connection, study["id"])
        kept = schema.predictions
        query = select(kept.c.trial_id, kept.c.split, kept.c.samples, kept.c.correct)
        query = query.where(of_study, kept.c.epoch == schema.trials.c.best_epoch)
        rows = list(intact(connection, query.select_from(kept.join(with_stage))))
    correct = {
        (trial, split): np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=samples).astype(np.bool_)
        for trial, split, samples, bits in rows
        if bits  # a regression has none
    }
    names = [f"{stage}:{number}" for stage, number in zip(trials["stage"], trials["number"], strict=True)]
    trials.insert(0, "trial", pd.Series(names, dtype="object"))
    curves = curves.sort_values(["trial_id", "epoch"], ignore_index=True)
    written = _written(study["text"], study["path"])
    at_best = _with_metrics(_at_best_epoch(trials, curves), metrics)
    replicates = {stage.name: replicates_of(written, stage) for stage in written.stages} if written else {}
    ranked = relative_to(study["workspace"], rank_trials(at_best, replicates, goal_of(stages)))
    for frame in (curves, metrics):
        frame.insert(0, "trial", frame["trial_id"].map(dict(zip(trials["id"], names, strict=True))).astype("object"))
    known = dict(study) | {"state": state_of(engine, study_id, study["state"])}
    return Frames(known, stages, ranked, curves, metrics, written, correct, engine)


def _written(text: str, path: str) -> Study | None:
    """Read the study file; None where it is of another version, because a report of the results does not need it."""
    try:
        return parse(text, path)
    except HpsearchError:
        return None


def _measurements(connection: sqlalchemy.Connection, study: int) -> pd.DataFrame:
    """Read the recorded metrics of a study, by trial and epoch; in parts, for the same reason."""
    table = schema.measurements
    query = (
        select(table)
        .select_from(table.join(schema.trials).join(schema.stages))
        .where(schema.stages.c.study_id == study)
    )
    columns = [column.name for column in table.c]
    parts = [pd.DataFrame({column.name: pd.Series([], dtype=dtype_of(column)) for column in table.c})]
    for rows in connection.execute(query.order_by(table.c.trial_id, table.c.epoch)).partitions(ROWS):
        part = pd.DataFrame([tuple(row) for row in rows], columns=columns)
        part["metric"] = part["metric"].map(sys.intern)
        parts.append(part.astype({"train": "float64", "validation": "float64"}))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def goal_of(stages: pd.DataFrame) -> Goal:
    """The objective of these stages' study."""
    return Goal.of(next((data for data in stages["data"] if data), {}))


def recorded_metrics(metrics: pd.DataFrame, first: Sequence[str] = ()) -> list[str]:
    """The names in a frame of metrics: those of `first` in their order, then the others by the alphabet."""
    names = set(metrics["metric"].unique())
    return [*(name for name in dict.fromkeys(first) if name in names), *sorted(names - {*first})]


def _with_metrics(trials: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Add the further metrics of each trial: train_NAME and validation_NAME at its best epoch, test_NAME."""
    if metrics.empty:
        return trials
    best = trials[["id", "best_epoch"]].rename(columns={"id": "trial_id", "best_epoch": "epoch"})
    found = metrics.merge(best.astype({"epoch": "float64"}), on=["trial_id", "epoch"])
    columns: dict[str, Any] = {}
    for name in recorded_metrics(metrics):
        of_metric = found[found["metric"] == name].set_index("trial_id")
        for split in SPLITS:
            columns[f"{split}_{name}"] = trials["id"].map(of_metric[split]).to_numpy(np.float64)
        columns[f"test_{name}"] = [(each or {}).get(name, math.nan) for each in trials["test_metrics"]]
    return trials.assign(**columns)


def _at_best_epoch(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Add each trial's metrics at its best epoch; NaN where it has none."""
    metrics = [f"{split}_{metric}" for split in SPLITS for metric in schema.METRICS]
    at = trials[["id", "best_epoch"]].astype("float64").to_numpy()
    stride = int(curves["epoch"].max()) + 1 if len(curves) else 1
    known = np.append(curves["trial_id"].to_numpy() * stride + curves["epoch"].to_numpy(), -1)
    none = np.isnan(at[:, 1]) | (at[:, 1] >= stride)
    wanted = np.where(none, -2.0, at[:, 0] * stride + at[:, 1]).astype(np.int64)
    rows = np.searchsorted(known[:-1], wanted)
    found = known[rows] == wanted
    columns = {name: np.append(curves[name].to_numpy(), np.nan)[rows] for name in metrics}
    return trials.assign(**{name: np.where(found, values, np.nan) for name, values in columns.items()})
