"""The report as CSV: ranking.csv and timings.csv, a row per trial. May import pandas."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from hpsearch.reporting import formatting
from hpsearch.reporting.formats.content import Content, Files
from hpsearch.reporting.frames import SPLITS, Frames
from hpsearch.reporting.sections.ranking.default import names_default, trials_of_default
from hpsearch.reporting.sections.ranking.stage import hyperparameters_of
from hpsearch.storage.schema import METRICS

IDENTITY = ("stage", "rank", "trial", "replicate", "state")
ENDED = ("epochs_done", "pruned_at", "reason")


def files(content: Content) -> Files:
    """Return ranking.csv and timings.csv."""
    return {"ranking.csv": ranking_csv(content.frames), "timings.csv": timings_csv(content.frames)}


def ranking_csv(frames: Frames) -> str:
    """Return a row per trial, in stage order, then by rank, then by replicate: the same bytes for the same results."""
    header, rows = _ranking(frames)
    return _csv([header, *rows])


def ranking_frame(frames: Frames) -> pd.DataFrame:
    """Return the rows of ranking.csv as a frame; a missing number is NA."""
    header, rows = _ranking(frames)
    return pd.DataFrame(rows, columns=header).convert_dtypes()


def _ranking(frames: Frames) -> tuple[list[str], list[list[Any]]]:
    # Sorted, because a database may return the hyperparameters of a configuration in another order.
    keys = sorted(hyperparameters_of(frames.trials["params"]))
    metrics = [*frames.recorded, *(name for name in METRICS if name != "accuracy" or frames.has_accuracy)]
    default = {trial["id"] for trial in trials_of_default(frames)}
    named = ["default"] if names_default(frames) else []
    several = ["front"] if frames.goal.objectives else []
    results = [*several, "best_epoch", *(f"{split}_{name}" for split in (*SPLITS, "test") for name in metrics), *ENDED]
    taken = {*IDENTITY, *named, *results}
    header = [*IDENTITY, *named, *(f"configuration.{key}" if key in taken else key for key in keys), *results]
    rows = [
        [
            *(trial[column] for column in IDENTITY),
            *(["yes" if trial["id"] in default else ""] if named else []),
            *(trial["params"].get(key) for key in keys),
            *(trial[column] for column in results),
        ]
        for trial in frames.rows
    ]
    return header, rows


def timings_csv(frames: Frames) -> str:
    """Return a row per trial, by stage and number, with the values that differ from run to run."""
    trials = sorted(frames.rows, key=lambda trial: (trial["position"], trial["number"]))
    columns = ("stage", "trial", "seconds", "epochs_done")
    return _csv([columns, *([trial[column] for column in columns] for trial in trials)])


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([formatting.csv_cell(value) for value in row] for row in rows)
    return out.getvalue()
