"""A stored trial trained again from its first epoch, and compared with what is stored, bit for bit.

Changes nothing. May import data, spec, storage and workers.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from hpsearch import data, spec
from hpsearch.errors import DataError, HpsearchError, ModelError, StorageError, raised
from hpsearch.search.environment import environment
from hpsearch.search.preparation import (
    labels_of,
    measures_of,
    model_of,
    prepare,
    require_same_metrics,
    trusted_workspace,
)
from hpsearch.search.stages.cohorts import segment_of
from hpsearch.spec import Configuration
from hpsearch.storage import reading, schema
from hpsearch.storage.records import FAILED, StageRow, StudyRow, TrialRow
from hpsearch.workers.models.npz import unpack
from hpsearch.workers.models.plugin import Plugin, changed, read_function, read_plugin
from hpsearch.workers.pools import open_pool
from hpsearch.workers.segments.results import CURVE, Predictions, SegmentResult, TaskResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task


@dataclass(frozen=True)
class Stored:
    """A trial as the database has it, with all results of its training."""

    stage: StageRow
    trial: TrialRow
    curve: Sequence[tuple[float | None, ...]]
    weights: Mapping[str, bytes]  # by kind
    predictions: Mapping[tuple[str, int], tuple[bytes | None, ...]]
    """By split and epoch: which are correct, the predicted classes, outputs."""
    test: tuple[Any, ...]  # cost, loss, accuracy, objective; all metrics as text, None before version 5
    metrics: Sequence[tuple[Any, ...]] = ()  # epoch, metric, train, validation

    @property
    def name(self) -> str:
        return f"{self.stage.name}:{self.trial.number}"

    @property
    def epochs(self) -> int:
        """The number of epochs to train it: one that diverged failed in the epoch after the last one of its curve."""
        failed_otherwise = self.trial.state == FAILED and not self.diverged
        return len(self.curve) if failed_otherwise else self.trial.epochs_done

    @property
    def diverged(self) -> bool:
        """Did it fail because its cost became NaN or infinite?"""
        return self.trial.state == FAILED and self.trial.epochs_done == len(self.curve) + 1


class Retraining:
    """Trains trials of a study again, in workers like those of the search.

    Raises ModelError or DataError if the model file or the samples are not those of the study any more; InputError if
    its files may be somebody else's, unless they are to be `trusted`.
    """

    def __init__(self, row: StudyRow, data_dir: Path | None, *, trusted: bool = False) -> None:
        self.row = row
        self.study = spec.parse(row.text, row.path)
        workspace = trusted_workspace(row, self.study, trusted=trusted)
        model = model_of(self.study, workspace)
        if what := changed(model, row.model):
            raise ModelError(f"{what} since study {row.name!r} was launched; restore it to verify")
        self.plugin: Plugin = read_function(model) if self.study.model.is_function else read_plugin(model)
        require_same_metrics(row, self.study, workspace)
        self.measures = measures_of(self.study, workspace)
        task = self.study.data.task_given
        dataset = data.load(self.study.data.dataset, data.data_directory(data_dir), workspace, task)
        if dataset.fingerprint != row.data["fingerprint"]:
            rule = f"the samples are not those that study {row.name!r} was trained with"
            raise DataError(f"{dataset.name}: {rule}; name the directory of those with --data-dir")
        self.dataset, self.splits = dataset, prepare(self.study, dataset)

    def label_differences(self, connection: Connection) -> Iterator[str]:
        """Yield how the stored labels differ from those of the data; nothing of a study from before there were any."""
        wanted = {(each.stage, each.split, each.fold): each for each in labels_of(self.study, self.splits)}
        query = select(schema.stages.c.name, schema.labels).join_from(schema.labels, schema.stages)
        for row in connection.execute(query.where(schema.stages.c.study_id == self.row.id)):
            own = wanted.get((row.name, row.split, row.fold))
            if own is None or (own.samples, own.labels, own.scale) != (row.samples, row.labels, row.scale):
                where = f"stage {row.name}, {row.split} samples, fold {row.fold}"
                yield f"{where}: the labels are not those of the data"

    def differences(
        self,
        connection: Connection,
        trials: Sequence[tuple[StageRow, TrialRow]],
        workers: int,
        backend: str = "loky",
    ) -> Iterator[tuple[Stored, list[str]]]:
        """Train each from its first epoch; yield it with its differences from what is stored."""
        running: deque[tuple[Stored, Future[SegmentResult]]] = deque()
        with closing(open_pool(backend, workers)) as pool:
            for stage, trial in trials:
                stored = read(connection, stage, trial)
                running.append((stored, pool.submit(run_segment, self._segment(stored))))
                if len(running) == 2 * workers:  # for each worker, one that trains and one that waits
                    yield self._outcome(*running.popleft())
            while running:
                yield self._outcome(*running.popleft())

    def _outcome(self, stored: Stored, future: "Future[SegmentResult]") -> tuple[Stored, list[str]]:
        try:
            (result,) = future.result().tasks
        except HpsearchError:
            raise
        except Exception as error:  # of a model file, or of a worker that died
            return stored, [f"it cannot be trained again: {type(error).__name__}: {error}"]
        found = list(compare(stored, result))
        return stored, found + self.explanations() if found else []

    def _segment(self, stored: Stored) -> Segment:
        trial, stage = stored.trial, stored.stage
        return segment_of(
            stage,
            trial,
            (Task(trial.id, Configuration.from_json(trial.configuration), (stage.name, trial.point)),),
            (1, stored.epochs),
            splits=self.splits,
            plugin=self.plugin,
            measures=self.measures,
            seed=self.study.seed,
            test=stage.test,
        )

    def explanations(self) -> list[str]:
        """What else may explain a difference: another machine or other versions."""
        before, now = self.row.environment, environment()
        return [
            f"likely because of its {key}: the study ran on {before.get(key)}, this is {now[key]}"
            for key in ("machine", "blas", "numpy", "scipy")
            if before.get(key) != now[key]
        ]


def trained(connection: Connection, row: StudyRow) -> list[tuple[StageRow, TrialRow]]:
    """All trials of a study that were trained for at least one epoch with its present model file, in order."""
    kept = row.model.get("kept", {})
    return [
        (stage, trial)
        for stage in reading.stages(connection, row.id)
        for trial in reading.trials(connection, stage.id)
        if trial.epochs_done > 0 and trial.number not in kept.get(stage.name, ())
    ]


def chosen(trials: Sequence[tuple[StageRow, TrialRow]], name: str) -> tuple[StageRow, TrialRow]:
    """The trial with the name STAGE:NUMBER. Raises StorageError if there is none."""
    stage_name, _, number = name.rpartition(":")
    for stage, trial in trials:
        if stage.name == stage_name and str(trial.number) == number:
            return stage, trial
    known = ", ".join(f"{stage.name}:{trial.number}" for stage, trial in trials[:3])
    known += ", …" if len(trials) > 3 else ""
    raise StorageError(f"--trial must name a trained trial as {known or 'STAGE:NUMBER'}, got {name!r}")


def read(connection: Connection, stage: StageRow, trial: TrialRow) -> Stored:
    """All results of a trial's training in the database, also where they are damaged: they are to be compared."""
    curve, prediction, own = schema.curves.c, schema.predictions.c, schema.trials.c
    rows = connection.execute(
        select(*(curve[name] for name in CURVE)).where(curve.trial_id == trial.id).order_by(curve.epoch)
    )
    found = {kind: reading.weights(connection, [trial.id], kind, checked=False) for kind in ("best", "state")}
    columns = select(prediction.split, prediction.epoch, prediction.correct, prediction.predicted, prediction.outputs)
    metric = schema.measurements.c
    measured = select(metric.epoch, metric.metric, metric.train, metric.validation).where(metric.trial_id == trial.id)
    predictions = connection.execute(columns.where(prediction.trial_id == trial.id))
    test = select(own.test_cost, own.test_loss, own.test_accuracy, own.test_value, own.test_metrics)
    *numbers, metrics = connection.execute(test.where(own.id == trial.id)).one()
    return Stored(
        stage,
        trial,
        [tuple(point) for point in rows],
        {kind: contents[trial.id] for kind, contents in found.items() if contents},
        {(split, epoch): tuple(contents) for split, epoch, *contents in predictions},
        (*numbers, metrics and repr(metrics)),  # NaN is NaN then
        [tuple(row) for row in connection.execute(measured.order_by(metric.epoch, metric.metric))],
    )


MAX_NAMED = 3
"""The most differing numbers of a curve that are named."""


def compare(stored: Stored, result: TaskResult) -> Iterator[str]:
    """Differences between what is stored of a trial and what its training gave now."""
    old, new = ({int(point[0] or 0): point for point in curve} for curve in (stored.curve, result.curve))
    if old.keys() != new.keys():
        yield f"its curve has {len(old)} epochs in the database, {len(new)} retrained"
    differing = [
        f"epoch {epoch}'s {name} is {before!r} in the database, {now!r} retrained"
        for epoch in sorted(old.keys() & new.keys())
        for name, before, now in zip(CURVE, old[epoch], new[epoch], strict=True)
        if not _same(before, now)
    ]
    yield from islice(differing, MAX_NAMED)
    if len(differing) > MAX_NAMED:
        yield f"{len(differing) - MAX_NAMED} more numbers of its curve differ"
    yield from _compare_metrics(stored, result)
    yield from _compare_ends(stored, result)
    yield from _compare_weights(stored, result)
    yield from _compare_tests(stored, result)


def _compare_metrics(stored: Stored, result: TaskResult) -> Iterator[str]:
    again = sorted((row["epoch"], row["metric"], row["train"], row["validation"]) for row in result.metrics)
    for before, now in zip(stored.metrics, again, strict=False):
        if before[:2] != now[:2] or not all(_same(*pair) for pair in zip(before[2:], now[2:], strict=True)):
            yield f"epoch {now[0]}'s {now[1]} (on both sets) is {before[2:]} in the database, {now[2:]} retrained"
            return
    if len(stored.metrics) != len(again):
        yield f"{len(stored.metrics)} numbers of its metrics are in the database, {len(again)} retrained"


def _compare_ends(stored: Stored, result: TaskResult) -> Iterator[str]:
    trial = stored.trial
    before = (trial.epochs_done, trial.reason) if stored.diverged else None
    if before != result.failed:
        yield f"its failure (epoch, reason) is {before} in the database, {result.failed} retrained"
    if result.stopped and result.stopped != trial.reason:
        yield f"it stopped because {trial.reason!r} in the database, {result.stopped!r} retrained"
    if trial.state != FAILED and result.best:
        old, new = (trial.best_epoch, trial.value), (result.best.epoch, result.best.value)
        if old != new:
            yield f"its best (epoch, value) is {old} in the database, {new} retrained"


def _compare_weights(stored: Stored, result: TaskResult) -> Iterator[str]:
    """Its best weights, where they are kept; its last state; and its predictions for the validation samples."""
    now = {"best": result.best.weights if result.best else b"", "state": result.state}
    for kind, content in stored.weights.items():
        try:
            before = unpack(content)
        except Exception as error:  # whatever damaged bytes make of NumPy and zipfile
            yield f"its {kind} weights cannot be read: {raised(error)}"
            continue
        after = unpack(now[kind]) if now[kind] else {}
        for name in sorted({*before, *after}):
            if not same_array(before.get(name), after.get(name)):
                yield f"its {kind} weights differ in {name!r}"
    for (split, epoch), predictions in stored.predictions.items():
        if split == "validation" and not _same_predictions(predictions, result.evidence.get(epoch)):
            yield f"its predictions for the validation samples in epoch {epoch} differ"


def _compare_tests(stored: Stored, result: TaskResult) -> Iterator[str]:
    on_test = next((content for (split, _), content in stored.predictions.items() if split == "test"), None)
    if on_test is None:
        return
    if (test := result.test) is None:
        yield "it was evaluated on the test set, but not when it was retrained"
        return
    if not _same_predictions(on_test, test.predictions):
        yield "its predictions for the test set differ"
    now = (test.cost, test.loss, test.accuracy, test.value, stored.test[-1] and repr(dict(test.metrics)))
    if not all(_same(*pair) for pair in zip(stored.test, now, strict=True)):
        yield f"its test cost, loss, accuracy, objective and metrics are {stored.test} in the database, {now} retrained"


def _same_predictions(before: tuple[bytes | None, ...], now: Predictions | None) -> bool:
    """Equal; tables before version 6 have the classes of the test set only."""
    correct, predicted, outputs = before
    return now is not None and correct == now.correct and predicted in (None, now.predicted) and outputs == now.outputs


def _same(before: Any, now: Any) -> bool:
    """Equal to the last bit; the database has NULL for a number that is not finite."""
    return before == now or (before is None and now is not None and not math.isfinite(now))


def same_array(before: Any, after: Any) -> bool:
    """Equal to the last bit, type and shape."""
    return (
        before is not None
        and after is not None
        and before.dtype == after.dtype
        and before.shape == after.shape
        and before.tobytes() == after.tobytes()
    )
