"""What diagnoses of classifications and of regressions share: kinds, thresholds, rules. May import NumPy, our curves.

docs/report.md states each rule; all thresholds are here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.curves import FINAL_PART, Curve, comparable_epochs, final_epochs, final_value
from hpsearch.storage.records import ACCURACY, Goal

DIVERGED, JUMPS, OVERFITS, UNDERFITS = "diverged", "learning rate too high", "overfits", "underfits"
LOSS_RISES, GAP, TOO_LOW = "only the loss rises", "gap between training and validation", "learning rate too low"
IMPROVING, PLATEAUED, HEALTHY = "still improving", "plateaued", "healthy"
NOT_ABOVE_BASE, NOT_ABOVE_MEAN = "no better than the commonest class", "no better than the mean"
KINDS = (
    *(DIVERGED, JUMPS, NOT_ABOVE_BASE, NOT_ABOVE_MEAN, OVERFITS, LOSS_RISES),
    *(TOO_LOW, IMPROVING, UNDERFITS, GAP, PLATEAUED, HEALTHY),
)
"""In order of precedence: the first whose rule applies is the diagnosis."""

RISE, RISE_OF_CHANCE = 0.05, 0.01
"""A jump: the training loss rises by this share of itself, and by this share of the loss at chance level."""

JUMPS_AT_LEAST, JUMPS_SHARE = 3, 0.1
"""The learning rate is too high if there are so many jumps, in such a share of the epochs."""

BEYOND = 20
"""A training has diverged if its loss is more than so many times that at chance level."""

LOSS_RISE, LOSS_RISE_NOISE = 0.03, 10
"""The validation loss rises if it ends this much above its lowest, and by the second over the number of samples.

Of a prediction that moves by d deviations at random, the loss rises by d² and its difference on n samples has a
standard error of 2d/√n: a rise of 10/n is 1.6 standard errors.
"""

GAIN_LOSS, GAIN_SHARE, GAIN = 0.01, 0.005, 0.005
"""Still improving: the relative loss that the last fifth gains over the fifth before it, and what the objective gains:

so much of a share (and one sample), so much of itself of any other.
"""

STEADY = 0.01
"""An objective that is no share is the same within this part of itself."""

LATE, STEPS_DOWN, LEARNED_ALL = 0.25, 0.9, 0.05
"""The learning rate is too low if the second half of the epochs has such a share of the fall of the training loss.

In a training whose learning rate is right it falls fast at first. So large a share of the steps must lead downwards,
and the training loss end above such a share of the loss at chance level.
"""

GAP_SHARE = 0.1
"""A gap: such a share of what was learned on the training samples is not there on the validation samples."""

SAME_ETA = 2.0
"""Learning rates are the same within this factor."""

FLAT = 0.02
"""A plateau begins where the validation loss has come this close to its lowest."""


@dataclass(frozen=True)
class Diagnosis:
    """One of KINDS, the epoch where it began, and the numbers that it rests on, as a sentence."""

    kind: str
    epoch: int | None
    reason: str

    @property
    def text(self) -> str:
        """The diagnosis as a short text."""
        if self.kind == JUMPS:
            return f"{JUMPS} (loss jumps)"
        if self.epoch is None:
            return self.kind
        return f"{self.kind} (epoch {self.epoch})" if self.kind == DIVERGED else f"{self.kind} since epoch {self.epoch}"


class RulesOfTask(NamedTuple):
    """The rules that a classification and a regression do not share."""

    diverged: Callable[[Curve], Diagnosis | None]
    no_better: Callable[[Curve], Diagnosis | None]
    underfits: Callable[[Curve], Diagnosis | None]
    gap: Callable[[Curve], Diagnosis | None]
    healthy: Callable[[Curve], Diagnosis]


def first_finding(curve: Curve, of_task: RulesOfTask, chance: float, samples: int, goal: Goal) -> Diagnosis | None:
    """Return the diagnosis by the first rule that applies; None where there are fewer than two epochs.

    `chance` is the loss at chance level, `samples` the number of validation samples.
    """
    if len(curve.epoch) < 2:
        return None
    settled = curve.at(comparable_epochs(curve.eta))
    found = (
        _exploded(curve, chance) or of_task.diverged(curve),
        jumps(settled, chance),
        of_task.no_better(settled),
        loss_rises(settled, chance, samples, goal),
        too_low(settled, chance),
        improving(settled, samples, goal),
        of_task.underfits(settled),
        of_task.gap(settled),
        plateaued(settled, samples, goal),
    )
    return next(filter(None, found), None) or of_task.healthy(settled)


def _exploded(curve: Curve, chance: float) -> Diagnosis | None:
    since = exploded(curve, chance)
    if since is None:
        return None
    return Diagnosis(DIVERGED, int(curve.epoch[since]), f"The training loss ends at {curve.train_loss[-1]:.3g}.")


def exploded(curve: Curve, chance: float) -> int | None:
    """Return the epoch (from 0) from which on the training loss is far above that at chance level, None if none."""
    return for_good(curve.train_loss > BEYOND * chance)


def for_good(bad: NDArray[np.bool_]) -> int | None:
    """Return the epoch (from 0) from which on it is true to the end, None where that is less than the last fifth."""
    since = len(bad) - int(np.argmin(bad[::-1])) if not bad.all() else 0
    return since if len(bad) - since >= final_epochs(bad) else None


def jumps(curve: Curve, chance: float) -> Diagnosis | None:
    """The training loss jumps up again and again. `chance` is the loss at chance level."""
    rises = np.diff(curve.train_loss)
    # A schedule that lowers η begins with a high one on purpose: only jumps near its last value count.
    counted = curve.eta[1:] <= SAME_ETA * np.median(curve.eta[-final_epochs(curve.eta) :])
    upwards = counted & (rises > np.maximum(RISE * np.abs(curve.train_loss[:-1]), RISE_OF_CHANCE * chance))
    number = int(upwards.sum())
    if number < max(JUMPS_AT_LEAST, JUMPS_SHARE * int(counted.sum())):
        return None
    worst = int(np.argmax(np.where(upwards, rises, -np.inf)))
    low, high = curve.train_loss[worst : worst + 2].tolist()
    reason = f"The training loss jumps up {number:,} times, at worst from {low:.3g} to {high:.3g}"
    return Diagnosis(JUMPS, None, f"{reason} in epoch {curve.epoch[worst + 1]:,}.")


def last_fifths(curve: Curve) -> tuple[slice, slice] | None:
    """The last fifth but one and the last fifth; None where there are too few epochs, or η falls between them."""
    last = final_epochs(curve.epoch)
    if len(curve.epoch) < 2 * last + (last > 1):
        return None
    before, now = slice(-2 * last, -last), slice(-last, None)
    etas = float(np.median(curve.eta[before])), float(np.median(curve.eta[now]))
    if max(etas) > SAME_ETA * min(etas):  # what a falling η gains, a longer training would gain at its end as well
        return None
    return before, now


def noise(goal: Goal, value: float, samples: int) -> float:
    """Return the standard error of an objective that is a share; of any other, STEADY of itself."""
    if goal.share:
        return math.sqrt(max(value * (1 - value), 1 / samples) / samples)
    return STEADY * abs(value)


def loss_rises(curve: Curve, chance: float, samples: int, goal: Goal = ACCURACY) -> Diagnosis | None:
    """The training loss falls while the validation loss rises. It overfits if the objective gets worse too."""
    lowest = int(np.argmin(curve.validation_loss))
    low, end = float(curve.validation_loss[lowest]), final_value(curve.validation_loss)
    before, after = float(curve.train_loss[lowest]), final_value(curve.train_loss)
    least = max(LOSS_RISE, LOSS_RISE_NOISE / samples) * low
    if end - low < max(least, RISE_OF_CHANCE * chance) or after >= before:
        return None
    around = final_epochs(curve.epoch) // 2  # one epoch's objective varies
    then = float(curve.objective[max(0, lowest - around) : lowest + around + 1].mean())
    now = final_value(curve.objective)
    worse = goal.sign * (then - now) > noise(goal, then, samples)
    epoch = int(curve.epoch[lowest])
    reason = (
        f"From epoch {epoch:,} on, the training loss falls from {before:.3g} to {after:.3g} while the validation loss"
        f" rises from {low:.3g} to {end:.3g}; the validation {goal.metric} goes from {_value(goal, then)} to"
        f" {_value(goal, now)}."
    )
    return Diagnosis(OVERFITS if worse else LOSS_RISES, epoch, reason)


def too_low(curve: Curve, chance: float) -> Diagnosis | None:
    """The training loss falls in nearly every epoch, and late as fast as early: the steps are too small."""
    loss = curve.train_loss
    if len(loss) < 2 * FINAL_PART or curve.eta.max() > SAME_ETA * curve.eta.min():
        return None
    fall = float(loss[0] - loss[-1])
    late = float(loss[len(loss) // 2] - loss[-1])
    if fall <= 0 or late < LATE * fall or loss[-1] < LEARNED_ALL * chance:
        return None
    if (np.diff(loss) < 0).mean() < STEPS_DOWN:
        return None
    reason = (
        f"The training loss falls from {loss[0]:.3g} to {loss[-1]:.3g}, {100 * late / fall:.0f}% of it in the second"
    )
    return Diagnosis(TOO_LOW, None, f"{reason} half of the epochs, and it still falls.")


def improving(curve: Curve, samples: int, goal: Goal = ACCURACY) -> Diagnosis | None:
    """Loss and objective on the validation samples still gain."""
    if (fifths := last_fifths(curve)) is None:
        return None
    loss, value = ([float(each[part].mean()) for part in fifths] for each in (curve.validation_loss, curve.objective))
    least = max(GAIN_SHARE, 1 / samples) if goal.share else GAIN * abs(value[0])
    if loss[1] > (1 - GAIN_LOSS) * loss[0] or goal.sign * (value[1] - value[0]) < least:
        return None
    moved = "rose" if goal.sign > 0 else "fell"
    gained = f"{_value(goal, value[0])} to {_value(goal, value[1])}"
    return Diagnosis(IMPROVING, None, f"In its last epochs, the validation {goal.metric} {moved} from {gained}.")


def plateaued(curve: Curve, samples: int, goal: Goal = ACCURACY) -> Diagnosis | None:
    """Loss and objective came close to their best in the first half of the epochs."""
    scores = goal.sign * curve.objective
    top = float(scores.max())
    there = (scores >= top - noise(goal, abs(top), samples)) & (
        curve.validation_loss <= (1 + FLAT) * float(curve.validation_loss.min())
    )
    if not there.any() or len(there) < FINAL_PART:
        return None
    since = int(np.argmax(there))
    if since > len(there) / 2:
        return None
    level = _value(goal, float(curve.objective[since]))
    stays = f"stays within one standard error of {level}" if goal.share else f"hardly improves on {level}"
    reason = f"From epoch {curve.epoch[since]:,} on, the validation {goal.metric} {stays}."
    return Diagnosis(PLATEAUED, int(curve.epoch[since]), reason)


def _value(goal: Goal, value: float) -> str:
    return formatting.percent(value, 1) if goal.share else goal_text.text(goal, value)
