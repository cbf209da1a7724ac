"""What the page's script knows of the learning curves, so that any of them can be compared. May import our views."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.reporting import goal_text
from hpsearch.reporting.curves import Curve, Numbers, common_epochs, curves_of
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.storage.records import ACCURACY

MOST = 400
"""At most so many rows have curves, the best of each stage."""

EPOCHS = 40
"""At most about so many epochs of each."""

DIGITS = 4
"""So many digits of each value: a figure shows fewer."""


def curve_data(frames: Frames, stages: Sequence[StageView]) -> dict[str, Any] | None:
    """Return the quantities and the curves of rows by stage and number; None where fewer than two have any.

    A curve has its epochs, or their number where it has each, and of each quantity the training and the validation
    values. Of a row with replicates these are means, followed by the lowest and the highest validation values.
    """
    curves = curves_of(frames)
    if not any(len(curve.epoch) > 1 for curve in curves.values()):
        return None
    train = _train_objective(frames, curves)
    each = max(1, MOST // len(stages))
    found = {
        f"{index}:{row.number}": known
        for index, stage in enumerate(stages)
        for row in stage.shown[:each]
        if (known := _curve(frames, row, curves, train))
    }
    if len(found) < 2:
        return None
    quantities = [_objective(frames), *_others(frames)]
    return {"epoch": frames.goal.unit, "of": quantities, "curves": found}


def _objective(frames: Frames) -> dict[str, Any]:
    goal = frames.goal
    return {"name": goal_text.axis(goal), "share": goal.share, "higher": goal.sign > 0}


def _others(frames: Frames) -> list[dict[str, Any]]:
    names = [] if frames.goal.of_function else ["loss"] * (frames.goal.metric != "loss")
    names += [] if frames.trainable or frames.goal.of_function else ["η (learning rate)"]
    return [{"name": name, "share": False} for name in names]


def _train_objective(frames: Frames, curves: dict[int, Curve]) -> dict[int, Numbers]:
    """Return the objective on the training samples by trial id, as far as it is stored; other epochs have NaN."""
    goal = frames.goal
    if goal == ACCURACY or goal.metric in ("loss", "cost"):
        return {trial: getattr(curve, f"train_{goal.metric}") for trial, curve in curves.items()}
    of_goal = frames.metrics[frames.metrics["metric"] == goal.metric]
    found = {}
    for trial in of_goal["trial_id"].unique().tolist():
        values = of_goal[of_goal["trial_id"] == trial]
        known = dict(zip(values["epoch"], values["train"], strict=True))
        if trial in curves:
            found[trial] = np.array([known.get(epoch, math.nan) for epoch in curves[trial].epoch.tolist()])
    return found


def _curve(frames: Frames, row: Row, curves: dict[int, Curve], train: dict[int, Numbers]) -> dict[str, Any] | None:
    runs = [curves[trial] for trial in row.trial_ids if trial in curves]
    if not runs or len(runs) < len(row.trial_ids):
        return None
    epochs, at = common_epochs(runs)
    if not len(epochs):
        return None
    step = -(-len(epochs) // EPOCHS)
    kept = np.unique([*range(0, len(epochs), step), len(epochs) - 1])
    shown, at = epochs[kept], [rows[kept] for rows in at]
    none = np.full(len(shown), math.nan)
    trained = [train[trial][rows] if trial in train else none for trial, rows in zip(row.trial_ids, at, strict=True)]
    quantities = [_values(trained, [run.objective[rows] for run, rows in zip(runs, at, strict=True)])]
    for each in _others(frames):
        if each["name"] == "loss":
            pairs = [(run.train_loss[rows], run.validation_loss[rows]) for run, rows in zip(runs, at, strict=True)]
            quantities.append(_values([one for one, _ in pairs], [other for _, other in pairs]))
        else:
            quantities.append([[], _numbers(runs[0].eta[at[0]])])
    every = shown.tolist() == [*range(1, len(shown) + 1)]
    return {"x": len(shown) if every else shown.tolist(), "y": quantities}


def _values(train: Sequence[Numbers], validation: Sequence[Numbers]) -> list[list[float | None]]:
    together = np.stack(validation)
    means = [_numbers(np.stack(train).mean(axis=0)), _numbers(together.mean(axis=0))]
    return means if len(together) == 1 else [*means, _numbers(together.min(axis=0)), _numbers(together.max(axis=0))]


def _numbers(values: Numbers) -> list[float | None]:
    """Return few digits of each value, None where it is not finite; one number if all are equal, none without any."""
    short = [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()]
    if all(value is None for value in short):
        return []
    return short[:1] if len(set(short)) == 1 else short
