"""A regression's residuals against its predictions on the test set. May import NumPy, our frames and figures.

The true values come from a prepared split, and only from one with which the trial's stored test loss is computed again:
outputs are in standard deviations of its training samples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import goal_text
from hpsearch.reporting.figures.predictions import residuals_figure
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.held_out import prepared_splits
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.summary import final, last_search

TARGETS, POINTS = 4, 1_500
"""At most so many targets have a figure, with so many points each."""

LOSSES = {"squared_error": np.square, "absolute_error": np.abs}


@dataclass(frozen=True)
class Residuals:
    """One target: its name, a sentence and the figure."""

    target: str
    sentence: str
    figure: str


def view_residuals(frames: Frames, stages: Sequence[StageView]) -> list[Residuals]:
    """Return the residuals of the final's first replicate, else of the best, empty where true values are not there."""
    stage = final(stages) or last_search(stages)
    if not frames.regression or stage is None or not stage.ranked:
        return []
    by_id = frames.trials.set_index("id")
    for trial in stage.ranked[0].trial_ids:
        row = by_id.loc[trial]
        loss = row["configuration"].get("training", {}).get("loss", "squared_error")
        if loss not in LOSSES or frames.trainable or not np.isfinite(row["test_loss"]):
            continue
        for split in _splits(frames):
            outputs = frames.outputs(trial, len(split.test_y))
            truth = np.asarray(split.test_y, dtype=np.float64)
            if outputs is None or outputs.shape != truth.shape:
                continue
            again = LOSSES[loss](outputs - truth)
            sums = float(again.mean()), float(again.sum(axis=1).mean()), float(again.sum(axis=1).mean()) / 2
            if any(np.isclose(row["test_loss"], value, rtol=1e-3) for value in sums):
                predicted = split.in_units(outputs)
                return list(_views(split.targets, predicted, split.in_units(truth) - predicted))
    return []


def _splits(frames: Frames) -> Iterator[Any]:
    return prepared_splits((frames.study["data"] or {}).get("fingerprint"))


def _views(
    targets: Sequence[str], predicted: NDArray[np.float64], residual: NDArray[np.float64]
) -> Iterator[Residuals]:
    from scipy.stats import spearmanr  # takes half a second

    shown = np.linspace(0, len(predicted) - 1, min(len(predicted), POINTS)).round().astype(np.int64)
    for index, target in enumerate(targets[:TARGETS]):
        at, left = predicted[:, index], residual[:, index]
        mean, deviation = float(left.mean()), float(left.std(ddof=1))
        error = 1.96 * deviation / np.sqrt(left.size)
        sentence = (
            f"{target}: the residuals have a mean of {goal_text.number(mean)} (95% interval"
            f" {goal_text.number(mean - error)} to {goal_text.number(mean + error)}) and a standard deviation of"
            f" {goal_text.number(deviation)}."
        )
        spread = spearmanr(at, np.abs(left)) if at.std() and deviation else None
        if spread is not None and spread.pvalue < 0.01:
            larger = "larger" if spread.statistic > 0 else "smaller"
            sentence += f" They are {larger} where the prediction is higher (rank correlation {spread.statistic:+.2f})."
        yield Residuals(target, sentence.replace("-", "−"), residuals_figure(target, at[shown], left[shown], index))
