"""Learning curves: all metrics of the best trials, the objective of all trials. May import NumPy."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.errors import InputError, nearest
from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.curves import Curve, common_epochs, curves_of
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.style import (
    COLOURS,
    colour,
    limit,
    marker,
    marks,
    number_axis,
    percent_axis,
    svg,
    value_axis,
    whole_axis,
)
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis import diagnose_all
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView, with_diagnosis
from hpsearch.reporting.sections.summary import configuration, final, last_search
from hpsearch.storage.records import ACCURACY

BEST = 3
"""The number of configurations of the last search stage that are drawn."""

REPLICATES = 7
"""The most replicates that are drawn: the number of colours."""

DRAWN = 60
"""At most so many curves of a stage are drawn, the best ones."""

EPOCHS = 60
"""At most so many epochs of a curve are drawn."""

Trials = Sequence[tuple[str, int]]
"""Trials by stage and number."""

PANELS = (
    ("cost", ("train_cost", "validation_cost"), "cost"),
    ("loss", ("train_loss", "validation_loss"), "loss"),
    ("accuracy", ("train_accuracy", "validation_accuracy"), "accuracy (%)"),
    ("eta", ("eta",), "η (learning rate)"),
)

NOT_OF_TRAINABLES = ("cost", "eta")
"""Panels that a trainable does not have: its cost is its loss, and its learning rate is not known."""


@dataclass(frozen=True)
class CurveGroup:
    """Some trials of one stage: a heading, a legend text for each, and a figure for each quantity."""

    title: str
    legend: tuple[str, ...]
    figures: tuple[str, ...]


def curve_groups(frames: Frames, stages: Sequence[StageView], trials: Trials = ()) -> list[CurveGroup]:
    """Return the curves of the last search stage's best, of the final's replicates, and of the requested `trials`.

    Raises InputError for a requested trial that does not exist.
    """
    groups = []
    search, last = last_search(stages), final(stages)
    if search:
        rows = search.ranked[:BEST]
        title = f"Best {len(rows)} of {search.name}" if len(rows) > 1 else f"Best of {search.name}"
        legend = [f"rank {row.rank}, {row.trial}: {configuration(search, row)}{_diagnosis(row)}" for row in rows]
        groups.append(_group(frames, title, "best", rows, legend, stages.index(search)))
    if last:
        rows = last.ranked[:REPLICATES]
        if last.one_again:
            legend = [f"replicate {row.rank}{_diagnosis(row)}" for row in rows]
            title = f"{last.name}: {configuration(last, rows[0])}"
        else:
            legend = [f"rank {row.rank}, {row.trial}: {configuration(last, row)}{_diagnosis(row)}" for row in rows]
            title = last.name
        groups.append(_group(frames, title, "final", rows, legend, stages.index(last)))
    requested = [_requested(frames, stages, stage, number) for stage, number in trials]
    for start in range(0, len(requested), len(COLOURS)):
        part = requested[start : start + len(COLOURS)]
        name = f"requested {start}" if start else "requested"
        groups.append(_group(frames, "Requested trials", name, [row for row, _ in part], [text for _, text in part]))
    return groups


def _diagnosis(row: Row) -> str:
    return f"; {row.diagnosis}" if row.diagnosis else ""


def _requested(frames: Frames, stages: Sequence[StageView], stage: str, number: int) -> tuple[Row, str]:
    """Return one trial as a row of its own, and its legend text."""
    view = next((each for each in stages if each.name == stage), None)
    if view is None:
        raise InputError(f"--trials: there is no stage {stage!r}{nearest(stage, [each.name for each in stages])}")
    of_stage = frames.trials[frames.trials["stage"] == stage]
    found = of_stage.loc[of_stage["number"] == number, "id"].tolist()
    row = next((row for row in view.rows if found and found[0] in row.trial_ids), None)
    if row is None and found:  # a replicate that does not count for its configuration
        point = of_stage.loc[of_stage["number"] == number, "point"].item()
        others = set(of_stage.loc[of_stage["point"] == point, "id"])
        row = next(row for row in view.rows if others & {*row.trial_ids})
    if row is None:
        there = f"it has 0 to {int(of_stage['number'].max()):,}" if len(of_stage) else "it has none yet"
        raise InputError(f"--trials: stage {stage!r} has no trial {number:,}; {there}")
    row = with_diagnosis(replace(row, trial_ids=(found[0],)), diagnose_all(frames, found))
    return row, f"{stage}:{number}: {configuration(view, row)}{_diagnosis(row)}"


def _panels(frames: Frames) -> list[tuple[str, tuple[str, ...], str]]:
    """The quantities that are drawn: in a regression no accuracy, and the objective first where it is another."""
    found: list[tuple[str, tuple[str, ...], str]] = [
        panel for panel in PANELS if panel[0] != "accuracy" or frames.has_accuracy
    ]
    if frames.trainable:
        found = [panel for panel in found if panel[0] not in NOT_OF_TRAINABLES]
    if frames.goal == ACCURACY:
        return found
    first = [panel for panel in found if panel[0] == frames.goal.metric]
    own = ("objective", ("train_objective", "validation_objective"), goal_text.axis(frames.goal))
    return [*(first or [own]), *(panel for panel in found if panel not in first)]


def _with_objective(frames: Frames, trials: Iterable[int]) -> pd.DataFrame:
    """Return some trials' curves with the objective of training and validation samples, as far as it is stored."""
    curves = frames.curves[frames.curves["trial_id"].isin(list(trials))]  # to group those of all would take seconds
    if frames.goal == ACCURACY:
        return curves
    mine = frames.metrics.loc[frames.metrics["metric"] == frames.goal.metric, ["trial_id", "epoch", "train"]]
    joined = curves.merge(mine, on=["trial_id", "epoch"], how="left")
    return joined.rename(columns={"train": "train_objective", "value": "validation_objective"})


def _group(
    frames: Frames, title: str, name: str, rows: Sequence[Row], legend: Sequence[str], stage: int | None = None
) -> CurveGroup:
    by_trial = _with_objective(frames, (trial for row in rows for trial in row.trial_ids)).groupby("trial_id")
    runs, texts, marked, names = [], [], [], []
    for row, text in zip(rows, legend, strict=True):
        curves = [by_trial.get_group(trial) for trial in row.trial_ids if trial in by_trial.groups]
        if len(curves) == len(row.trial_ids):
            runs.append(curves)
            texts.append(text)
            marked.append(row.diagnosis_epoch)
            names.append("" if stage is None else marks([(stage, row.number)]))
    figures = [
        _panel(runs, f"{name} {panel}", columns, label, texts, marked, names)
        for panel, columns, label in _panels(frames)
        if runs
    ]
    return CurveGroup(title, tuple(texts), tuple(figures))


def by_epoch(replicates: Sequence[pd.DataFrame], column: str) -> pd.DataFrame:
    """Return the mean, lowest and highest of the replicates in each epoch that all have; NaN if one is not finite."""
    if len(replicates) == 1:  # `concat` takes most of a page's time for its curves
        alone = replicates[0][column].to_numpy(np.float64)
        alone = np.where(np.isfinite(alone), alone, np.nan)
        epochs = pd.Index(replicates[0]["epoch"].to_numpy(), name="epoch")
        return pd.DataFrame({"mean": alone, "low": alone, "high": alone}, index=epochs)
    together = pd.concat([run.set_index("epoch")[column] for run in replicates], axis=1, join="inner")
    together = together.where(together.abs() < math.inf)
    return pd.DataFrame(
        {
            "mean": together.mean(axis=1, skipna=False),
            "low": together.min(axis=1, skipna=False),
            "high": together.max(axis=1, skipna=False),
        }
    )


def _panel(
    runs: Sequence[Sequence[pd.DataFrame]],
    name: str,
    columns: Sequence[str],
    label: str,
    legend: Sequence[str],
    marked: Sequence[int | None],
    names: Sequence[str],
) -> str:
    def draw(axes: Axes) -> None:
        shown: list[float] = []
        for index, replicates in enumerate(runs):
            for column in columns:
                values = by_epoch(replicates, column)
                _line(axes, values, index, column.startswith("train"), len(replicates) > 1, names[index])
                shown += [*values["low"].tolist(), *values["high"].tolist()]
                ring = values[values.index == marked[index]] if column.startswith("validation") else values[:0]
                hollow: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 10, "markerfacecolor": None}
                axes.plot(ring.index, ring["mean"], color=colour(index), zorder=5, **hollow)
        finite = [value for value in shown if math.isfinite(value)]
        axes.xaxis.set_label("epoch")
        whole_axis(axes.xaxis)
        axes.yaxis.set_label(label)
        if "(%)" in label:
            percent_axis(axes.yaxis, label)
        elif finite:
            low, high = min(finite), max(finite)
            log = low > 0 and high / low > 20
            number_axis(axes.yaxis, low * 0.9 if log else low - 0.1 * abs(low), high * 1.1, log)

    noun = "configuration" if any(len(replicates) > 1 for replicates in runs) else "run"
    what = label.removesuffix(" ↓").removesuffix(" (%)") if name.endswith(" objective") else ""
    alt = f"{what or formatting.label(name.split()[-1])} by epoch; {formatting.count(len(runs), noun)}"
    return svg(name, alt, (4.2, 2.7), draw, list(enumerate(legend)))


def _line(axes: Axes, values: pd.DataFrame, index: int, training: bool, band: bool, name: str) -> None:
    epochs = values.index.to_numpy()
    if band:
        low, high = values["low"].to_numpy(), values["high"].to_numpy()
        axes.fill_between(epochs, low, high, color=colour(index), alpha=0.08 if training else 0.18)
    axes.plot(
        epochs,
        values["mean"].to_numpy(),
        color=colour(index),
        linestyle=(0, (4, 2)) if training else "-",
        linewidth=1.0 if training else 1.5,
        marker=None if training else marker(index),
        markevery=(index, max(1, len(values) // 8)),
        markersize=4,
        trials=name,
    )


def all_curves(frames: Frames, stages: Sequence[StageView]) -> list[tuple[str, str]]:
    """Return a figure of each search stage with several curves of several epochs, and what it shows."""
    searched = [(index, stage) for index, stage in enumerate(stages) if stage.kind != "final" and len(stage.rows) > 1]
    if not searched:
        return []
    curves = curves_of(frames)
    figures = [_of_stage(frames, index, stage, curves) for index, stage in searched]
    return [figure for figure in figures if figure]


def _of_stage(frames: Frames, index: int, stage: StageView, curves: dict[int, Curve]) -> tuple[str, str] | None:
    known = [
        (row, [curves[trial] for trial in row.trial_ids]) for row in stage.rows if curves.keys() >= {*row.trial_ids}
    ]
    shown, goal = [(row, _by_run(runs)) for row, runs in known[:DRAWN]], frames.goal
    if len(shown) < 2 or max(len(epochs) for _, (epochs, _) in shown) < 2:
        return None

    def draw(axes: Axes) -> None:
        for place, (row, (epochs, values)) in reversed(list(enumerate(shown))):
            step = -(-len(epochs) // EPOCHS)
            at = np.unique([*range(0, len(epochs), step), len(epochs) - 1]) if len(epochs) else np.array([], np.int64)
            if place == 0 and len(values) > 1:
                low, high = values.min(axis=0)[at], values.max(axis=0)[at]
                axes.fill_between(epochs[at], low, high, color=colour(index), alpha=0.2)
            axes.plot(
                epochs[at],
                values.mean(axis=0)[at],
                color=colour(index),
                alpha=1.0 if place == 0 else 0.5,
                linewidth=2.0 if place == 0 else 0.9,
                zorder=4 if place == 0 else 2,
                trials=marks([(index, row.number)]),
            )
        limit(axes, goal, [values.mean(axis=0) for _, (_, values) in shown])
        axes.xaxis.set_label(unit)
        whole_axis(axes.xaxis)
        value_axis(axes.yaxis, goal, goal_text.measured_axis(goal))

    unit = goal.unit
    what = "configuration" if stage.replication else "trial"
    whose = f"the best {DRAWN} of {len(known):,} {what}s" if len(known) > DRAWN else f"all {len(known):,} {what}s"
    mean = f", the mean over {stage.replication.noun}s, with the band of the best" if stage.replication else ""
    caption = f"{stage.name}: {whose}{mean}"
    alt = f"{goal_text.measured_first(goal)} by {unit} of {whose} of {stage.name}; the best has the thick line."
    return svg(f"all {stage.name}", alt, (4.7, 3.0), draw), caption


def _by_run(runs: Sequence[Curve]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the epochs that all runs have, (epochs,), and the objective of each run there, (runs, epochs)."""
    epochs, at = common_epochs(runs)
    return epochs, np.stack([run.objective[rows] for run, rows in zip(runs, at, strict=True)])
