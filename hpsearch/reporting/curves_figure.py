"""Curves of the best runs: cost, loss, accuracy and η by epoch. May import matplotlib."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hpsearch.reporting import words
from hpsearch.reporting.drawing import colour, marker, number_axis, percent_axis, svg
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.stage_view import Row, StageView
from hpsearch.reporting.summary import final, last_search, setting

BEST = 3
"""So many runs of the last search stage are drawn."""

REPLICATES = 7
"""At most so many replicates are drawn: the number of colours."""

PANELS = (
    ("cost", ("train_cost", "validation_cost"), "cost"),
    ("loss", ("train_loss", "validation_loss"), "loss (cross-entropy)"),
    ("accuracy", ("train_accuracy", "validation_accuracy"), "accuracy (%)"),
    ("eta", ("eta",), "η (learning rate)"),
)


@dataclass(frozen=True)
class CurveGroup:
    """Some runs of one stage: a heading, a legend's text for each run, and a figure for each quantity."""

    title: str
    legend: tuple[str, ...]
    figures: tuple[str, ...]


def curve_groups(frames: Frames, stages: Sequence[StageView]) -> list[CurveGroup]:
    """Return the curves of the last search stage's best and of the final's replicates, where there are any."""
    groups = []
    search, last = last_search(stages), final(stages)
    if search:
        rows = search.ranked[:BEST]
        title = f"Best {len(rows)} of {search.name}" if len(rows) > 1 else f"Best of {search.name}"
        legend = [f"rank {row.rank}, trial {row.trial}: {setting(search, row)}" for row in rows]
        groups.append(_group(frames, title, "best", rows, legend))
    if last:
        rows = last.ranked[:REPLICATES]
        legend = [row.remark for row in rows]
        groups.append(_group(frames, f"{last.name}: {setting(last, rows[0])}", "final", rows, legend))
    return groups


def _group(frames: Frames, title: str, name: str, rows: Sequence[Row], legend: Sequence[str]) -> CurveGroup:
    by_trial = frames.curves.groupby("trial_id")
    known = [(row, text) for row, text in zip(rows, legend, strict=True) if row.trial_id in by_trial.groups]
    runs = [by_trial.get_group(row.trial_id) for row, _ in known]
    figures = [_panel(runs, f"{name} {panel}", columns, label) for panel, columns, label in PANELS if runs]
    return CurveGroup(title, tuple(text for _, text in known), tuple(figures))


def _panel(runs: Sequence[pd.DataFrame], name: str, columns: Sequence[str], label: str) -> str:
    def draw(axes: Axes) -> None:
        shown: list[float] = []
        for index, run in enumerate(runs):
            for column in columns:
                # Gaps where a run has no finite value, which a failed one may lack.
                values = run[column].where(run[column].abs() < math.inf)
                training = column.startswith("train")
                axes.plot(
                    run["epoch"].to_numpy(),
                    values.to_numpy(),
                    color=colour(index),
                    linestyle=(0, (4, 2)) if training else "-",
                    linewidth=1.0 if training else 1.5,
                    marker=None if training else marker(index),
                    markevery=(index, max(1, len(run) // 8)),
                    markersize=4,
                    label=None,
                )
                shown += values.dropna().tolist()
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_ylabel(label)
        if "accuracy" in label:
            percent_axis(axes, label)
        elif shown:
            low, high = min(shown), max(shown)
            log = low > 0 and high / low > 20
            number_axis("y", axes, low * 0.9 if log else low - 0.1 * abs(low), high * 1.1, log)

    alt = f"{words.label(name.split()[-1])} by epoch; " + words.count(len(runs), "run")
    return svg(name, alt, (4.2, 2.7), draw)
