"""The labels of a table beside what was predicted for it, and the score that follows. May import metrics."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hpsearch.data.tables.cells import with_point
from hpsearch.errors import DataError
from hpsearch.exporting.predictions.labels import labels_of
from hpsearch.exporting.predictions.tables import Rows
from hpsearch.metrics import Metric, evaluate, parse

Array = npt.NDArray[Any]


def metric_of(study_metric: object, *, regression: bool, probabilities: bool) -> Metric:
    """The study's objective where it can be computed of predictions alone, else the accuracy or the RMSE.

    A metric of one's own is not run: this is a prediction, which needs no file of the study but the model's.
    """
    usual = cast(Metric, parse("rmse" if regression else "accuracy"))
    if not isinstance(study_metric, Metric) or study_metric.source is not None:
        return usual
    needs = ("values",) if regression else ("classes", *(("probabilities", "scores") if probabilities else ()))
    return study_metric if study_metric.kind != "returned" and study_metric.needs in needs else usual


@dataclass
class Truth:
    """Collects labels and predictions, and scores them."""

    path: object
    columns: Sequence[str]
    classes: Sequence[str]
    metric: Metric
    _truth: list[Array] = field(default_factory=list)
    _predicted: list[Array] = field(default_factory=list)

    def take(self, rows: Rows, predicted: Array) -> None:
        """Take the labels of some rows, and what was predicted for them; rows without a label are not scored."""
        truth = np.column_stack([self._column(rows, name) for name in self.columns])
        known = ~np.isnan(truth).any(axis=1)
        self._truth.append(truth[known])
        self._predicted.append(predicted[known])

    @property
    def rows(self) -> int:
        """How many rows have a label."""
        return sum(map(len, self._truth))

    def score(self) -> float | None:
        """The metric of all rows that have a label; None without any."""
        if not self.rows:
            return None
        truth, predicted = np.concatenate(self._truth), np.concatenate(self._predicted)
        if self.classes:
            truth = truth[:, 0].astype(np.int64)
        return evaluate(self.metric, truth, predicted, classes=tuple(self.classes))

    def _column(self, rows: Rows, name: str) -> npt.NDArray[np.float64]:
        """The class numbers, or the values, NaN where the cell is empty."""
        number_of: dict[Any, float] = {label: i for i, label in enumerate(labels_of(self.classes).tolist())}
        number_of |= {label: i for i, label in enumerate(self.classes)}
        values = rows.frame[name].tolist()
        found = np.empty(len(values))
        for i, value in enumerate(values):
            text = " ".join(value.split()) if isinstance(value, str) else value
            if isinstance(text, str) and not self.classes:
                text = with_point(text, rows.decimal)
            if text is None or text == "" or text != text:
                found[i] = np.nan
                continue
            try:
                found[i] = number_of[text if text in number_of else float(text)] if self.classes else float(text)
            except (KeyError, TypeError, ValueError):
                shown = ", ".join(map(repr, self.classes[:10])) + (" …" if len(self.classes) > 10 else "")
                rule = f"must have one of the labels {shown}" if self.classes else "must have a number"
                raise DataError(f"{self.path}: {rows.places[i]}: column {name!r} {rule}, has {value!r:.40}") from None
        return found
