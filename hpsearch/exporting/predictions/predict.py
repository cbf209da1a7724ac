"""`hpsearch predict`: the predictions of a study's model for a table, some rows at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from hpsearch.data.tables.cells import with_point
from hpsearch.errors import DataError, InputError, nearest
from hpsearch.exporting.classifier import Classifier
from hpsearch.exporting.predictions.labels import numbers_of
from hpsearch.exporting.predictions.samples import CellError, one_name, unseen
from hpsearch.exporting.predictions.tables import Rows, format_of, read_rows, writer
from hpsearch.exporting.predictions.truth import Truth, metric_of
from hpsearch.exporting.regressor import Regressor
from hpsearch.nn.products import ROWS_PER_CHUNK
from hpsearch.spec import Study
from hpsearch.storage.records import Goal

ROWS = max(1, 16_384 // ROWS_PER_CHUNK) * ROWS_PER_CHUNK
"""So many rows are in memory at a time: whole chunks of the search, whose products have the same bits."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Wanted:
    """What is to be written: `keep` columns of the table, the probabilities; `label` overrides the study's column."""

    keep: Sequence[str] = ()
    probabilities: bool = False
    label: str | None = None
    format: str | None = None


@dataclass(frozen=True)
class Predicted:
    """How many rows were predicted, and how many of them had a label, with the score on those."""

    rows: int
    scored: int
    metric: str
    score: float | None
    shown: str
    unseen: Mapping[str, int]
    """In how many rows a column has a category that training never saw."""


def predict_file(
    model: Classifier | Regressor,
    study: Study,
    table: Path,
    out: Path | None,
    wanted: Wanted,
    stream: TextIO,
) -> Predicted:
    """Write the predictions for the rows of a CSV or Parquet file, in their order; to `stream` where `out` is None.

    A table that has the label's column as well is scored. Raises InputError for a table that does not fit.
    """
    if wanted.probabilities and not hasattr(model, "predict_proba"):
        raise InputError(f"--probabilities: trial {model.model.trial} of {model.model.study!r} gives none")
    metric = metric_of(
        study.objective.parsed(study.data.task),
        regression=isinstance(model, Regressor),
        probabilities=hasattr(model, "predict_proba"),
    )
    truth: Truth | None = None
    rows, unknown = 0, Counter[str]()
    with writer(out, format_of(out, wanted.format), stream) as write:
        for number, part in enumerate(read_rows(table, ROWS, model.model.feature_names[:1], _as_written(study))):
            if not number:
                labels = _checked_columns(table, part.frame, study, wanted, model)
                truth = Truth(table, labels, model.model.classes, metric) if labels else None
            features = model.model.feature_names
            copied = [name for name in wanted.keep if name not in features]
            unused = [*copied, *(truth.columns if truth else ()), *_left_out(part.frame, study)]
            samples = _with_points(part.frame.drop(columns=[*dict.fromkeys(unused)]), model, part.decimal)
            columns, predicted = _columns(model, part, samples, wanted, metric.needs, table)
            if model.model.columns is not None:
                unknown.update(unseen(samples.rename(columns=one_name), model.model.columns))
            write({name: part.frame[name].tolist() for name in wanted.keep} | columns)
            if truth:
                truth.take(part, predicted)
            rows += len(part.frame)
    score = truth.score() if truth else None
    goal = Goal(metric.name, metric.direction, metric.share)
    shown = "" if score is None else f"{metric.name} {goal.text(score)}"
    return Predicted(rows, truth.rows if truth else 0, metric.name, score, shown, unknown)


def _as_written(study: Study) -> dict[str, Any]:
    """How the study file says that its texts are written."""
    dataset = study.data.dataset if isinstance(study.data.dataset, dict) else {}
    return {key: dataset[key] for key in ("separator", "decimal", "encoding", "drop") if key in dataset}


def _with_points(samples: pd.DataFrame, model: Classifier | Regressor, decimal: str) -> pd.DataFrame:
    """The samples with decimal points in the columns of numbers; the texts of categories stay as they are."""
    columns = model.model.columns
    texts = {column.name for column in columns.columns if column.kind == "category"} if columns else set()
    if decimal == ".":
        return samples
    numbers = [str(name) for name in samples.columns if name not in texts]
    points = {name: [with_point(cell, decimal) for cell in samples[name]] for name in numbers}
    return samples.assign(**points)


def _left_out(frame: pd.DataFrame, study: Study) -> list[str]:
    """The columns that the study file leaves out of the features."""
    dataset = study.data.dataset if isinstance(study.data.dataset, dict) else {}
    only, dropped = dataset.get("columns"), dataset.get("drop") or ()
    return [name for name in frame.columns if name in dropped or (only is not None and name not in only)]


def _checked_columns(
    table: Path, frame: pd.DataFrame, study: Study, wanted: Wanted, model: Classifier | Regressor
) -> list[str]:
    """Check the columns that are asked for; return those of the labels, if the table has them."""
    columns = [one_name(name) for name in frame.columns]
    for option, name in [("--keep", name) for name in wanted.keep] + [("--label", wanted.label)] * bool(wanted.label):
        if name not in columns:
            raise InputError(f"{option} must name a column of {table}, got {name!r}{nearest(str(name), columns)}")
    made = _names(model, probabilities=wanted.probabilities)
    if clash := next((name for name in wanted.keep if name in made), None):
        raise InputError(f"--keep: {clash!r} is the name of a column of predictions; rename it in {table}")
    given = study.data.dataset.get("label") if isinstance(study.data.dataset, dict) else None
    labels = [wanted.label] if wanted.label else [given] if isinstance(given, str) else [*(given or ())]
    features = set(model.model.feature_names)
    found = [one_name(name) for name in labels if one_name(name) in columns and one_name(name) not in features]
    return found if len(found) == len(labels) else []


def _names(model: Classifier | Regressor, *, probabilities: bool) -> list[str]:
    if isinstance(model, Regressor):
        names = model.model.targets
        return ["prediction"] if len(names) == 1 else [f"prediction_{name}" for name in names]
    return ["prediction", *(f"probability_{name}" for name in model.model.classes if probabilities)]


def _columns(
    model: Classifier | Regressor, part: Rows, samples: pd.DataFrame, wanted: Wanted, needs: str, table: Path
) -> tuple[dict[str, Any], Array]:
    """The columns of predictions, and what the metric needs of them."""
    names = _names(model, probabilities=wanted.probabilities)
    try:
        if isinstance(model, Regressor):
            values = model.predict(samples)
            values = values.reshape(len(values), -1)
            return dict(zip(names, values.T, strict=True)), values
        of_outputs = needs in ("probabilities", "scores")
        labels = model.predict(samples)
        probabilities = model.predict_proba(samples) if wanted.probabilities or of_outputs else np.empty((0, 0))
        columns = dict(zip(names, (labels, *(probabilities.T if wanted.probabilities else ())), strict=True))
        return columns, probabilities if of_outputs else numbers_of(labels, model.classes_)
    except CellError as error:
        has = ""
        if error.column in samples.columns:
            has = (
                f"column {error.column!r} must have a finite number, has {samples[error.column].iloc[error.row]!r:.40}"
            )
        raise DataError(f"{table}: {part.places[error.row]}: {has or error.rule}") from None
    except ValueError as error:
        text = str(error).removeprefix("X ")
        hint = "; --keep copies columns to the output" if "as well" in text else ""
        raise DataError(f"{table}: {text}{hint}") from None
