"""What diagnoses of classifications and of regressions share: kinds, thresholds, rules on the loss. May import NumPy.

docs/report.md states each rule; all thresholds are here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.curves import Curve, final_epochs, final_value

DIVERGED, JUMPS, OVERFITS, UNDERFITS = "diverged", "learning rate too high", "overfits", "underfits"
IMPROVING, PLATEAUED, HEALTHY = "still improving", "plateaued", "healthy"
NOT_ABOVE_BASE, NOT_ABOVE_MEAN = "no better than the commonest class", "no better than the mean"
KINDS = (DIVERGED, JUMPS, OVERFITS, NOT_ABOVE_BASE, NOT_ABOVE_MEAN, UNDERFITS, IMPROVING, PLATEAUED, HEALTHY)
"""In order of precedence: the first whose rule applies is the diagnosis."""

RISE, RISE_OF_CHANCE = 0.05, 0.01
"""A jump: the training loss rises by this share of itself, and by this share of the loss at chance level."""

JUMPS_AT_LEAST, JUMPS_SHARE = 3, 0.1
"""The learning rate is too high if there are so many jumps, in such a share of the epochs."""

BEYOND = 20
"""A training has diverged if its loss is more than so many times that at chance level."""

OVERFIT_RISE = 0.03
"""A trial overfits if its validation loss ends this much above its lowest (and by RISE_OF_CHANCE)."""

GAIN_LOSS, GAIN_ACCURACY = 0.01, 0.005
"""Still improving: the relative loss and the accuracy that the last fifth gains over the fifth before it."""

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


def overfits(curve: Curve, chance: float) -> Diagnosis | None:
    """The training loss falls while the validation loss rises."""
    lowest = int(np.argmin(curve.validation_loss))
    low, end = float(curve.validation_loss[lowest]), final_value(curve.validation_loss)
    before, after = float(curve.train_loss[lowest]), final_value(curve.train_loss)
    if end - low < max(OVERFIT_RISE * low, RISE_OF_CHANCE * chance) or after >= before:
        return None
    reason = f"From epoch {curve.epoch[lowest]:,} on, the training loss falls from {before:.3g} to {after:.3g}"
    return Diagnosis(
        OVERFITS, int(curve.epoch[lowest]), f"{reason} while the validation loss rises from {low:.3g} to {end:.3g}."
    )
