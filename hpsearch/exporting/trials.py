"""The trials of a study in the form of MLflow and TensorBoard: parameters, metrics by epoch.

May import reporting and workers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hpsearch.errors import StorageError
from hpsearch.exporting.trained_model import trial_name
from hpsearch.reporting.frames import Frames
from hpsearch.workers.segments.results import CURVE

METRICS = CURVE[1:]
"""The columns of a learning curve, for each epoch."""

ENDED = ("complete", "pruned", "failed")


@dataclass(frozen=True)
class Run:
    """One trial that has ended.

    name: STAGE:NUMBER. parameters: its configuration, flattened: "training.eta", "model.hidden". metrics: by name, the
    (epoch, value) pairs without missing values. results: single numbers, e.g. the best epoch and the test accuracy.
    """

    name: str
    stage: str
    replicate: int
    state: str
    reason: str | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, list[tuple[int, float]]]
    results: Mapping[str, float]


def runs(frames: Frames, trial: Mapping[str, Any] | None = None) -> Iterator[Run]:
    """Yield the trials that have ended, or only `trial`, in stage order and then by number."""
    curves = dict(iter(frames.curves.groupby("trial_id")))
    rows = [trial] if trial else sorted(frames.rows, key=lambda row: (row["position"], row["number"]))
    ended = [row for row in rows if row["state"] in ENDED]
    if not ended:
        raise StorageError(f"study {frames.study['name']!r} has no trial that has ended; see `hpsearch status`")
    further = dict(iter(frames.metrics.groupby("trial_id")))
    columns = [f"{part}_{name}" for name in ("accuracy", "loss", *frames.recorded) for part in ("validation", "test")]
    for row in ended:
        yield _run(row, curves.get(row["id"]), further.get(row["id"]), (*columns, "best_epoch", "seconds"))


def _run(
    row: Mapping[str, Any], curve: pd.DataFrame | None, further: pd.DataFrame | None, columns: Sequence[str]
) -> Run:
    metrics: dict[str, list[tuple[int, float]]] = {}
    for name, of_metric in further.groupby("metric") if further is not None else ():
        for part in ("train", "validation"):
            points = of_metric[["epoch", part]].dropna().sort_values("epoch")
            metrics[f"{part}_{name}"] = [(int(epoch), float(value)) for epoch, value in points.itertuples(index=False)]
    for name in METRICS if curve is not None else ():
        assert curve is not None
        known = curve[["epoch", name]].dropna()
        metrics[name] = [(int(epoch), float(value)) for epoch, value in known.itertuples(index=False)]
    return Run(
        name=trial_name(row),
        stage=row["stage"],
        replicate=row["replicate"],
        state=row["state"],
        reason=row["reason"],
        parameters=dict(_flat(row["configuration"])),
        metrics={name: points for name, points in metrics.items() if points},
        results={f"best.{name}": float(row[name]) for name in columns if row.get(name) is not None},
    )


def _flat(configuration: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in configuration.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
