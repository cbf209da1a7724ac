"""The diagnosis of a regression's trial, from its loss and its objective. May import NumPy and our frames.

The loss is one of targets in standard deviations: always predicting the mean has a squared error of 1. docs/report.md
states each rule.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hpsearch.reporting import formatting
from hpsearch.reporting.curves import Curve, final_value
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis_rules import (
    DIVERGED,
    GAP,
    GAP_SHARE,
    HEALTHY,
    NOT_ABOVE_MEAN,
    RISE,
    UNDERFITS,
    Diagnosis,
    RulesOfTask,
    exploded,
    first_finding,
    for_good,
)
from hpsearch.storage.records import Goal

MEAN_LOSS = {"squared_error": 1.0, "absolute_error": 0.8, "huber": 0.42}
"""The loss of always predicting the mean; of the last two, of normally distributed targets."""

UNDERFIT = 0.05
"""A training underfits if its loss ends so far (as a share) above the best validation loss of the search."""


@dataclass(frozen=True)
class Measure:
    """What a trial is compared with: always predicting the mean, and the best trial."""

    mean_loss: float
    exact: bool  # whether that is the loss of the mean for targets of every distribution
    best: float  # the lowest validation loss of the search
    goal: Goal
    samples: int = 1_000  # of validation


def regression_rule(
    frames: Frames,
) -> Callable[[Mapping[str, Any], Curve], tuple[Diagnosis | None, int | None]]:
    """Return how a trial is diagnosed (see `diagnosis.Rule`)."""
    searching = frames.trials[frames.trials["kind"] != "final"]
    best = float(searching["validation_loss"].min()) if len(searching) else math.nan
    samples = {row["id"]: (row["data"] or {}).get("validation") or 1_000 for row in frames.stage_rows}
    losses = {row["configuration"].get("training", {}).get("loss", "squared_error") for row in frames.rows}

    def rule(trial: Mapping[str, Any], curve: Curve) -> tuple[Diagnosis | None, int | None]:
        loss = trial["configuration"].get("training", {}).get("loss", "squared_error")
        mean_loss = MEAN_LOSS.get(loss, 1.0)
        # Losses of different kinds cannot be compared.
        comparable = best if len(losses) == 1 else math.nan
        measure = Measure(mean_loss, loss == "squared_error", comparable, frames.goal, samples[trial["stage_id"]])
        return diagnose(curve, measure), exploded(curve, mean_loss)

    return rule


def diagnose(curve: Curve, measure: Measure) -> Diagnosis | None:
    """Diagnose a training from its curve; None where it has fewer than two epochs with numbers."""
    finite = np.isfinite(np.stack([curve.train_loss, curve.validation_loss])).all(axis=0)
    curve = curve.at(finite & np.isfinite(curve.objective))
    of_task = RulesOfTask(
        diverged=partial(_diverged, measure=measure),
        no_better=partial(_not_above_mean, measure=measure),
        underfits=partial(_underfits, measure=measure),
        gap=partial(_gap, measure=measure),
        healthy=_healthy,
    )
    return first_finding(curve, of_task, measure.mean_loss, measure.samples, measure.goal)


def _diverged(curve: Curve, measure: Measure) -> Diagnosis | None:
    """From some epoch on it has lost more than half of what it had learned."""
    low = float(curve.train_loss.min())
    learned = measure.mean_loss - low
    if learned < 0.1 * measure.mean_loss:
        return None
    lost = curve.train_loss > measure.mean_loss - learned / 2
    lost[: int(curve.train_loss.argmin())] = False
    since = for_good(lost)
    # A large λ (L2 regularisation) also raises the loss, but it lowers the cost: that is no divergence.
    cost = curve.train_cost
    if since is None or final_value(cost) <= float(cost.min()) + RISE * abs(float(cost.min())):
        return None
    reason = f"The training loss, once {low:.3g}, ends at {final_value(curve.train_loss):.3g}."
    return Diagnosis(DIVERGED, int(curve.epoch[since]), reason)


def _not_above_mean(curve: Curve, measure: Measure) -> Diagnosis | None:
    low = float(curve.validation_loss.min())
    if not measure.exact or low < measure.mean_loss:
        return None
    reason = f"The lowest validation loss is {low:.3g}; always predicting the mean has about {measure.mean_loss:.3g}."
    return Diagnosis(NOT_ABOVE_MEAN, None, reason)


def _underfits(curve: Curve, measure: Measure) -> Diagnosis | None:
    train = final_value(curve.train_loss)
    # The best validation loss is a mean of squares too, and the lowest of many.
    if not train > (1 + max(UNDERFIT, 2 * math.sqrt(2 / measure.samples))) * measure.best:
        return None
    ends = f"The training loss ends at {formatting.loss(train)}"
    best = formatting.loss(measure.best)
    return Diagnosis(UNDERFITS, None, f"{ends}, above the best validation loss of the search, {best}.")


def _gap(curve: Curve, measure: Measure) -> Diagnosis | None:
    train, validation = final_value(curve.train_loss), final_value(curve.validation_loss)
    gap = validation - train
    # Twice the standard error of a mean of squares, √(2/n) of it where the errors are normal.
    if gap < GAP_SHARE * (measure.mean_loss - train) or gap < 2 * math.sqrt(2 / measure.samples) * validation:
        return None
    ends = f"The training loss ends at {formatting.loss(train)}"
    return Diagnosis(GAP, None, f"{ends}, far below the validation loss, {formatting.loss(validation)}.")


def _healthy(curve: Curve) -> Diagnosis:
    train, validation = (formatting.loss(final_value(each)) for each in (curve.train_loss, curve.validation_loss))
    return Diagnosis(HEALTHY, None, f"The training loss ends at {train}, the validation loss at {validation}.")
