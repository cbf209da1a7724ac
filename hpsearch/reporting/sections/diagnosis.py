"""What happened to a trial, in a few words, from its curves. May import NumPy and our frames.

docs/report.md has each rule in words; all their thresholds are here.
"""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.curves import WINDOW, Curve, comparable, curves_of, ending, fifth
from hpsearch.reporting.frames import Frames

DIVERGED, JUMPS, OVERFITS, UNDERFITS = "diverged", "learning rate too high", "overfits", "underfits"
IMPROVING, PLATEAUED, FINE = "still improving", "plateaued", "fine"
KINDS = (DIVERGED, JUMPS, OVERFITS, UNDERFITS, IMPROVING, PLATEAUED, FINE)
"""In the order in which they are looked for: the first that holds is said."""

RISE, RISE_OF_GUESS = 0.05, 0.01
"""A jump: the training loss rises by this share of itself, and by this share of the loss of guessing."""

JUMPS_AT_LEAST, JUMPS_SHARE = 3, 0.1
"""So many jumps, in such a share of the epochs, make a learning rate too high."""

BEYOND = 20
"""Beyond so many times the loss of guessing a training has diverged, whatever its accuracy."""

PARTS = 0.03
"""Training and validation part where the validation loss ends this much above its lowest (and by RISE_OF_GUESS)."""

GAIN_LOSS, GAIN_ACCURACY = 0.01, 0.005
"""Still improving: from the last fifth but one to the last."""

SAME_ETA = 2.0
"""Learning rates are the same within this factor."""

FLAT = 0.02
"""A plateau begins where the validation loss has come this close to its lowest."""


@dataclass(frozen=True)
class Diagnosis:
    """What happened to a trial: one of KINDS, since when, and the numbers that say so, as a sentence."""

    kind: str
    epoch: int | None
    because: str

    @property
    def text(self) -> str:
        """Itself in a few words."""
        if self.kind == JUMPS:
            return f"{JUMPS} (loss jumps)"
        if self.epoch is None:
            return self.kind
        return f"{self.kind} (epoch {self.epoch})" if self.kind == DIVERGED else f"{self.kind} since epoch {self.epoch}"


@dataclass(frozen=True)
class Measure:
    """What a trial is measured by: the loss and accuracy of guessing, and of the best trial; validation images."""

    guess_loss: float
    chance: float
    samples: int
    best: float  # the highest validation accuracy of the search

    def error(self, accuracy: float) -> float:
        """Return the standard error of an accuracy."""
        return math.sqrt(max(accuracy * (1 - accuracy), 1 / self.samples) / self.samples)


def diagnose_all(frames: Frames, wanted: Container[int] | None = None) -> dict[int, Diagnosis]:
    """Diagnose each trial that has ended, or of these only those wanted, by id.

    Those that failed for another reason than their numbers are left out, and so are the pruned of which it is too early
    to say more than that they went well until then.
    """
    curves = curves_of(frames)
    classes = len((frames.study["data"] or {}).get("classes") or []) or 2
    searching = frames.trials[frames.trials["kind"] != "final"]
    best = float(searching["validation_accuracy"].max()) if len(searching) else math.nan
    samples = {row["id"]: (row["data"] or {}).get("validation") or 1_000 for row in frames.stage_rows}
    found = {}
    for trial in frames.rows:
        if wanted is not None and trial["id"] not in wanted:
            continue
        hinge = trial["configuration"].get("training", {}).get("loss") == "hinge"
        guess = float(classes - 1) if hinge else math.log(classes)
        measure = Measure(guess, 1 / classes, samples[trial["stage_id"]], best)
        diagnosis = _of_trial(trial, curves.get(trial["id"]), measure)
        if diagnosis:
            found[trial["id"]] = diagnosis
    return found


def _of_trial(trial: Mapping[str, Any], curve: Curve | None, measure: Measure) -> Diagnosis | None:
    if trial["state"] == "failed":
        reason = trial["reason"] or ""
        if "NaN" not in reason and "infinite" not in reason:
            return None
        since = _exploded(curve, measure) if curve else None
        epoch = trial["epochs_done"] if since is None or curve is None else int(curve.epoch[since])
        return Diagnosis(DIVERGED, epoch or None, f"{reason[:1].upper()}{reason[1:]}.")
    if trial["state"] not in ("complete", "pruned") or curve is None:
        return None
    found = diagnose(curve, measure)
    early = trial["state"] == "pruned" and found and found.kind not in (DIVERGED, JUMPS, OVERFITS)
    return None if early else found


def diagnose(curve: Curve, measure: Measure) -> Diagnosis | None:
    """Diagnose a training from its curve; None where it has fewer than two epochs with numbers."""
    finite = np.isfinite(np.stack([curve.train_loss, curve.validation_loss, curve.train_accuracy])).all(axis=0)
    curve = curve.at(finite & np.isfinite(curve.validation_accuracy))
    if len(curve.epoch) < 2:
        return None
    settled = curve.at(comparable(curve.eta))
    rules = (_diverged(curve, measure), _jumps(settled, measure), _overfits(settled, measure))
    first = next((found for found in rules if found), None)
    if first:
        return first
    improving = _improving(settled)
    return improving or _underfits(settled, measure) or _plateaued(settled, measure) or _fine(settled)


def _diverged(curve: Curve, measure: Measure) -> Diagnosis | None:
    """From some epoch on it has lost more than half of what it had learned, or is far worse than guessing."""
    since = _exploded(curve, measure)
    if since is not None:
        return Diagnosis(DIVERGED, int(curve.epoch[since]), f"The training loss ends at {curve.train_loss[-1]:.3g}.")
    learned = float(curve.train_accuracy.max()) - measure.chance
    if learned < 4 * measure.error(measure.chance):
        return None
    lost = curve.train_accuracy < measure.chance + learned / 2
    lost[: int(curve.train_accuracy.argmax())] = False
    since = _for_good(lost)
    # A large λ also unlearns, but by lowering the cost: that is no divergence.
    if since is None or ending(curve.train_cost) <= (1 + RISE) * float(curve.train_cost.min()):
        return None
    best, end = (
        formatting.percent(share, 1) for share in (float(curve.train_accuracy.max()), ending(curve.train_accuracy))
    )
    because = f"The training accuracy, once {best}, ends at {end}, with a loss of {ending(curve.train_loss):.3g}."
    return Diagnosis(DIVERGED, int(curve.epoch[since]), because)


def _exploded(curve: Curve, measure: Measure) -> int | None:
    """Return since when (from 0) the training loss is a multiple of that of guessing, None where it is not."""
    return _for_good(curve.train_loss > BEYOND * measure.guess_loss)


def _for_good(bad: NDArray[np.bool_]) -> int | None:
    """Return since when (from 0) it is so to the end, None where that is less than the last fifth."""
    since = len(bad) - int(np.argmin(bad[::-1])) if not bad.all() else 0
    return since if len(bad) - since >= fifth(bad) else None


def _jumps(curve: Curve, measure: Measure) -> Diagnosis | None:
    rises = np.diff(curve.train_loss)
    # A schedule that lowers η later means to begin with a high one: only jumps at about its last value count.
    counted = curve.eta[1:] <= SAME_ETA * np.median(curve.eta[-fifth(curve.eta) :])
    jumps = counted & (rises > np.maximum(RISE * np.abs(curve.train_loss[:-1]), RISE_OF_GUESS * measure.guess_loss))
    number = int(jumps.sum())
    if number < max(JUMPS_AT_LEAST, JUMPS_SHARE * int(counted.sum())):
        return None
    worst = int(np.argmax(np.where(jumps, rises, -np.inf)))
    low, high = curve.train_loss[worst : worst + 2].tolist()
    because = f"The training loss jumps up {number:,} times, at worst from {low:.3g} to {high:.3g}"
    return Diagnosis(JUMPS, None, f"{because} in epoch {curve.epoch[worst + 1]:,}.")


def _overfits(curve: Curve, measure: Measure) -> Diagnosis | None:
    lowest = int(np.argmin(curve.validation_loss))
    low, end = float(curve.validation_loss[lowest]), ending(curve.validation_loss)
    before, after = float(curve.train_loss[lowest]), ending(curve.train_loss)
    if end - low < max(PARTS * low, RISE_OF_GUESS * measure.guess_loss) or after >= before:
        return None
    because = f"From epoch {curve.epoch[lowest]:,} on the training loss falls from {before:.3g} to {after:.3g}"
    return Diagnosis(
        OVERFITS, int(curve.epoch[lowest]), f"{because} while the validation loss rises from {low:.3g} to {end:.3g}."
    )


def _improving(curve: Curve) -> Diagnosis | None:
    last = fifth(curve.epoch)
    if len(curve.epoch) < 2 * last + (last > 1):
        return None
    now, before = slice(-last, None), slice(-2 * last, -last)
    etas = float(np.median(curve.eta[before])), float(np.median(curve.eta[now]))
    loss = float(curve.validation_loss[before].mean()), float(curve.validation_loss[now].mean())
    accuracy = float(curve.validation_accuracy[before].mean()), float(curve.validation_accuracy[now].mean())
    if max(etas) > SAME_ETA * min(etas):  # what a falling η gains, a longer training would gain at its end as well
        return None
    if loss[1] > (1 - GAIN_LOSS) * loss[0] or accuracy[1] < accuracy[0] + GAIN_ACCURACY:
        return None
    gained = f"{formatting.percent(accuracy[0], 1)} to {formatting.percent(accuracy[1], 1)}"
    return Diagnosis(IMPROVING, None, f"At its end the validation accuracy still goes from {gained}.")


def _underfits(curve: Curve, measure: Measure) -> Diagnosis | None:
    train, validation = ending(curve.train_accuracy), ending(curve.validation_accuracy)
    error = measure.error(train)
    on_train = f"Of the training images it gets {formatting.percent(train, 1)} right"
    if train + 2 * error < measure.best:
        best = formatting.percent(measure.best, 1)
        return Diagnosis(UNDERFITS, None, f"{on_train}, the best trial {best} of the validation images.")
    if train < (1 + measure.chance) / 2 and train - validation < 2 * math.sqrt(2) * error:
        return Diagnosis(UNDERFITS, None, f"{on_train}, no more than of the validation images.")
    return None


def _plateaued(curve: Curve, measure: Measure) -> Diagnosis | None:
    top = float(curve.validation_accuracy.max())
    there = (curve.validation_accuracy >= top - measure.error(top)) & (
        curve.validation_loss <= (1 + FLAT) * float(curve.validation_loss.min())
    )
    if not there.any() or len(there) < WINDOW:
        return None
    since = int(np.argmax(there))
    if since > len(there) / 2:
        return None
    level = formatting.percent(float(curve.validation_accuracy[since]), 1)
    because = f"From epoch {curve.epoch[since]:,} on the validation accuracy stays within chance of {level}."
    return Diagnosis(PLATEAUED, int(curve.epoch[since]), because)


def _fine(curve: Curve) -> Diagnosis:
    train, validation = (
        formatting.percent(ending(each), 1) for each in (curve.train_accuracy, curve.validation_accuracy)
    )
    return Diagnosis(FINE, None, f"It ends with {train} of the training, {validation} of the validation images right.")


def of_configuration(found: Sequence[Diagnosis | None]) -> tuple[str, int | None]:
    """Write what happened to a configuration's replicates: what most of them did, and how many did something else.

    The number is the middle one of the epochs that this speaks of, None where it speaks of none.
    """
    known = [each for each in found if each]
    if not known:
        return "", None
    kinds = [each.kind for each in known]
    most = max(dict.fromkeys(kinds), key=lambda kind: (kinds.count(kind), -KINDS.index(kind)))
    same = [each for each in known if each.kind == most]
    epochs = sorted(each.epoch for each in same if each.epoch is not None)
    text = same[0].text
    if epochs and epochs[0] != epochs[-1]:
        text = text.replace(f"epoch {same[0].epoch}", f"epochs {epochs[0]}–{epochs[-1]}")
    text = text if len(same) == len(found) else f"{text}, {len(same)} of {len(found)}"
    return text, epochs[len(epochs) // 2] if epochs else None
