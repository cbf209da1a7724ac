"""The ranking as files to work with: ranking.csv, timings.csv, ranking.md. May import our frames and tables."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import SPLITS, Frames
from hpsearch.reporting.sections.stage import StageView, searched_keys
from hpsearch.storage.schema import METRICS

IDENTITY = ("stage", "rank", "trial", "replicate", "state")
RESULTS = (
    "best_epoch",
    *(f"{split}_{metric}" for split in (*SPLITS, "test") for metric in METRICS),
    *("epochs_done", "pruned_at", "reason"),
)


def ranking_csv(frames: Frames) -> str:
    """Return a row per trial, in stage order, then by rank, then by replicate: the same bytes for the same results."""
    header, rows = _ranking(frames)
    return _csv([header, *rows])


def ranking_frame(frames: Frames) -> pd.DataFrame:
    """Return the rows of ranking.csv as a frame; numbers as numbers, a missing one as NaN."""
    header, rows = _ranking(frames)
    return pd.DataFrame(rows, columns=header).convert_dtypes()


def _ranking(frames: Frames) -> tuple[list[str], list[list[Any]]]:
    # The keys are sorted, since a database may hand back a configuration's keys in another order.
    keys = sorted(searched_keys(frames.trials["params"]))
    taken = {*IDENTITY, *RESULTS}
    header = [*IDENTITY, *(f"configuration.{key}" if key in taken else key for key in keys), *RESULTS]
    rows = [
        [
            *(trial["number" if column == "trial" else column] for column in IDENTITY),
            *(trial["params"].get(key) for key in keys),
            *(trial[column] for column in RESULTS),
        ]
        for trial in frames.rows
    ]
    return header, rows


def timings_csv(frames: Frames) -> str:
    """Return a row per trial, in stage order and then by number, of what differs from run to run."""
    trials = sorted(frames.rows, key=lambda trial: (trial["position"], trial["number"]))
    columns = ("stage", "number", "seconds", "epochs_done")
    rows = [[trial[column] for column in columns] for trial in trials]
    return _csv([["stage", "trial", "seconds", "epochs_done"], *rows])


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([formatting.csv_cell(value) for value in row] for row in rows)
    return out.getvalue()


def ranking_md(name: str, stages: Sequence[StageView]) -> str:
    """Return a Markdown table per stage, to paste into notes."""
    parts = [f"# {formatting.markdown(name)}\n"]
    for stage in stages:
        parts.append(f"\n## {formatting.markdown(stage.name)}\n\n")
        if not stage.rows:
            parts.append("No trials yet.\n")
            continue
        number = [stage.counted] if stage.counted else []
        header = [*stage.headings, *number, *stage.labels, f"validation accuracy{stage.plus_minus}", "95% interval"]
        header += ["validation loss", "best epoch", *(["test accuracy"] if stage.tested else [])]
        texts = [*(["what happened"] if stage.diagnosed else []), *(["remark"] if stage.remarked else [])]
        header += texts
        lines = [header, [("---" if text in texts else "---:") for text in header]]
        for row in stage.shown:
            number = [str(row.replicates)] if stage.counted else []
            cells = [row.rank, row.trial, *number, *row.values, row.accuracy, row.interval, row.loss, row.best_epoch]
            cells += [row.test_accuracy] if stage.tested else []
            cells += [row.happened] if stage.diagnosed else []
            cells += [row.remark] if stage.remarked else []
            lines.append([formatting.markdown(cell) for cell in cells])
        lines[0] = [formatting.markdown(text) for text in header]
        parts.extend(f"| {' | '.join(line)} |\n" for line in lines)
        parts.append(f"\n{formatting.markdown(stage.caption + stage.cut)}\n")
    return "".join(parts)
