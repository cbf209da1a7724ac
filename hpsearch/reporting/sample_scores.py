"""What the samples contribute to the objective of each trial, from its stored predictions and the true labels.

May import NumPy, SQLAlchemy, spec, metrics, storage and our statistics.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy
from numpy.typing import NDArray
from sqlalchemy import select

from hpsearch.errors import HpsearchError
from hpsearch.metrics import Metric, MetricError, MetricFile, hash_of, load
from hpsearch.reporting.statistics.contributions import bounds, contributions
from hpsearch.reporting.statistics.intervals import Bounds
from hpsearch.spec import Study, is_own
from hpsearch.storage import schema
from hpsearch.storage.damage.blobs import intact

_AT_ONCE = 500
"""The most trials that are asked for at a time: databases limit the length of a query."""

_NEAR = 1e-3
"""By so much of its deviation a mean may differ from the stored value: predictions are stored in single precision."""

_SMALL = 1e-12
"""Single precision is enough for contributions, but not for squares of smaller ones, nor of those above 1/_SMALL."""

Values = NDArray[np.floating]
Record = Mapping[str, Any]


class SampleScores:
    """The contributions to a study's objective as scores, of which a higher one is better.

    There are none where the labels are not stored, as in studies from before version 7 of the tables, where the
    objective is a number that training measures or the model returns, and where the file of one's own metric is gone or
    another one.
    """

    def __init__(self, engine: sqlalchemy.Engine, study: Record, stages: Sequence[Record], written: Study | None):
        self._engine, self._study, self._written = engine, study, written
        self._folds = {row["id"]: bool((row["data"] or {}).get("folds")) for row in stages}
        self._found: dict[tuple[int, str], dict[int, Values]] = {}

    @cached_property
    def metric(self) -> Metric | None:
        """The objective, None where nothing can be said of its samples."""
        if self._written is None:
            return None
        found = self._written.objective.parsed(self._written.data.task)
        if isinstance(found, MetricFile):
            return self._own(self._written, found)
        return found if found.needs != "nothing" else None

    def _own(self, written: Study, given: MetricFile) -> Metric | None:
        """Read a metric of one's own, as it was when the study was launched; a report runs no file of somebody else."""
        known = (self._study["data"] or {}).get("metrics", {})
        directed = MetricFile(given.name, given.path, given.direction or "maximize")
        workspace = Path(self._study["workspace"])
        if not is_own(self._study["workspace"], workspace, [given.path]):
            return None
        try:
            if known.get(given.path) != hash_of(given.path, workspace):
                return None
            return load(directed, workspace, written.data.task)
        except HpsearchError:
            return None

    @property
    def bounds(self) -> Bounds:
        """The lowest and the highest score."""
        return Bounds() if self.metric is None else bounds(self.metric)

    def of(self, trial: Record, split: str) -> Values | None:
        """Return what each sample of a split contributes to a trial's score at its best epoch, (n,)."""
        if self.metric is None:
            return None
        key = trial["stage_id"], split
        if key not in self._found:
            trials = schema.trials.c
            at_best = schema.predictions.c.epoch == trials.best_epoch
            rows = self._read(key, at_best) if self._labels.keys() & {(*key, fold) for fold in self._all_folds} else ()
            self._found[key] = {trial_id: values for trial_id, _, values in rows}
        return self._found[key].get(trial["id"])

    @property
    def costly(self) -> bool:
        """Whether the metric is one's own, which is called many times for the contributions at one epoch."""
        return self.metric is not None and self.metric.kind == "file"

    def by_epoch(self, stage: int, trials: Sequence[int]) -> Iterator[tuple[int, list[int], Values]]:
        """Yield what each validation sample contributes to the score of some trials of a stage at each epoch stored.

        That is each trial, its epochs, and the contributions (epochs, n). They are read at every call.
        """
        if self.metric is None:
            return
        for start in range(0, len(trials), _AT_ONCE):
            which = schema.predictions.c.trial_id.in_(list(trials[start : start + _AT_ONCE]))
            for trial, rows in groupby(self._read((stage, "validation"), which), lambda row: row[0]):
                kept = list(rows)
                yield trial, [epoch for _, epoch, _ in kept], np.stack([values for *_, values in kept])

    @cached_property
    def _all_folds(self) -> set[int]:
        return {fold for *_, fold in self._labels}

    @cached_property
    def _labels(self) -> dict[tuple[int, str, int], tuple[NDArray[Any], NDArray[np.float64] | None]]:
        """True labels, (n,) classes or (n, T) values, and the scale of the outputs (2, T), by stage, split and fold."""
        column = schema.labels.c
        with self._engine.connect() as connection:
            rows = list(intact(connection, select(schema.labels).where(column.stage_id.in_(list(self._folds)))))
        found: dict[tuple[int, str, int], tuple[NDArray[Any], NDArray[np.float64] | None]] = {}
        for row in rows:
            scale = np.frombuffer(row.scale).reshape(2, -1) if row.scale else None
            kind = np.float64 if scale is not None else np.uint8 if len(row.labels) == row.samples else np.uint16
            labels = np.frombuffer(row.labels, kind)
            labels = labels.reshape(row.samples, -1) if scale is not None else labels.astype(np.int64)
            found[row.stage_id, row.split, row.fold] = labels, scale
        return found

    def _read(self, key: tuple[int, str], which: Any) -> Any:
        """Yield trial, epoch and contributions of some predictions of a stage and a split, by trial and epoch."""
        stage, split = key
        kept, trial, curve = schema.predictions.c, schema.trials.c, schema.curves.c
        value = curve.value if split == "validation" else trial.test_value
        same = (curve.trial_id == kept.trial_id) & (curve.epoch == kept.epoch)
        rows = schema.predictions.join(schema.trials).outerjoin(schema.curves, same)
        query = select(kept.trial_id, kept.epoch, trial.replicate, kept.samples, kept.predicted, kept.outputs, value)
        query = query.select_from(rows).where(trial.stage_id == stage, kept.split == split, which)
        query = query.order_by(kept.trial_id, kept.epoch).execution_options(yield_per=20)
        with self._engine.connect() as connection:
            for trial_id, epoch, replicate, samples, predicted, outputs, known in intact(connection, query):
                labels = self._labels.get((stage, split, replicate if self._folds[stage] else 0))
                if labels is None or len(labels[0]) != samples or known is None:
                    continue
                values = self._contributions(*labels, predicted, outputs, known)
                if values is not None:
                    yield trial_id, epoch, values

    def _contributions(
        self,
        labels: NDArray[Any],
        scale: NDArray[np.float64] | None,
        predicted: bytes | None,
        outputs: bytes | None,
        known: float,
    ) -> Values | None:
        """Return contributions as scores, None unless their mean is the stored value."""
        metric = self.metric
        assert metric is not None
        n, classes = len(labels), tuple((self._study["data"] or {}).get("classes") or ())
        if metric.needs == "classes":
            kind = np.uint8 if predicted and len(predicted) == n else np.uint16
            prediction: NDArray[Any] = np.frombuffer(predicted or b"", kind).astype(np.int64)
        else:
            prediction = np.frombuffer(outputs or b"", np.float32).astype(np.float64)
            prediction = prediction.reshape(n, -1) if prediction.size and prediction.size % n == 0 else prediction
        if len(prediction) != n or not np.isfinite(prediction).all():
            return None
        if scale is not None:
            if prediction.shape != labels.shape:
                return None
            prediction = prediction * scale[1] + scale[0]
        elif metric.needs != "classes":
            if prediction.shape[1] != len(classes):
                return None
            prediction = _probabilities(prediction)
        try:
            found = contributions(metric, labels, prediction, classes)
        except MetricError:
            return None
        mean = float(found.mean())
        if not np.isfinite(mean) or abs(mean - known) > _NEAR * max(float(found.std()), abs(known)):
            return None
        found = metric.sign * (found + (known - mean))
        usual = _SMALL < np.abs(found).max() < 1 / _SMALL
        return np.asarray(found, np.float32 if usual else np.float64)


def _probabilities(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return softmax of the outputs, as metrics are computed from."""
    by_class = np.ascontiguousarray(outputs.T)  # sums over few classes are quicker so
    found = np.exp(by_class - by_class.max(axis=0))
    return np.ascontiguousarray((found / found.sum(axis=0)).T)
