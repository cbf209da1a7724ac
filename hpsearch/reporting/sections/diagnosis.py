"""The diagnosis of a trial from its curves: overfits, underfits, diverged, …. May import NumPy and our frames.

docs/report.md states each rule; all thresholds are here.
"""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.curves import FINAL_PART, Curve, comparable_epochs, curves_of, final_epochs, final_value
from hpsearch.reporting.frames import Frames

DIVERGED, JUMPS, OVERFITS, UNDERFITS = "diverged", "learning rate too high", "overfits", "underfits"
IMPROVING, PLATEAUED, HEALTHY = "still improving", "plateaued", "healthy"
KINDS = (DIVERGED, JUMPS, OVERFITS, UNDERFITS, IMPROVING, PLATEAUED, HEALTHY)
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


@dataclass(frozen=True)
class Measure:
    """What a trial is compared with: chance level, and the best trial; and the number of validation samples."""

    chance_loss: float
    chance_accuracy: float
    samples: int
    best: float  # the highest validation accuracy of the search

    def error(self, accuracy: float) -> float:
        """Return the standard error of an accuracy."""
        return math.sqrt(max(accuracy * (1 - accuracy), 1 / self.samples) / self.samples)


def diagnose_all(frames: Frames, wanted: Container[int] | None = None) -> dict[int, Diagnosis]:
    """Diagnose each trial that has ended, or of these only those wanted, by id.

    Left out are trials that failed for another reason than a NaN or infinity, and pruned trials that had not diverged,
    jumped or overfitted: for the other diagnoses they are too short.
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
        loss = float(classes - 1) if hinge else math.log(classes)
        measure = Measure(loss, 1 / classes, samples[trial["stage_id"]], best)
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
    settled = curve.at(comparable_epochs(curve.eta))
    rules = (_diverged(curve, measure), _jumps(settled, measure), _overfits(settled, measure))
    first = next((found for found in rules if found), None)
    if first:
        return first
    improving = _improving(settled)
    return improving or _underfits(settled, measure) or _plateaued(settled, measure) or _healthy(settled)


def _diverged(curve: Curve, measure: Measure) -> Diagnosis | None:
    """From some epoch on it has lost more than half of what it had learned, or is far worse than chance level."""
    since = _exploded(curve, measure)
    if since is not None:
        return Diagnosis(DIVERGED, int(curve.epoch[since]), f"The training loss ends at {curve.train_loss[-1]:.3g}.")
    learned = float(curve.train_accuracy.max()) - measure.chance_accuracy
    if learned < 4 * measure.error(measure.chance_accuracy):
        return None
    lost = curve.train_accuracy < measure.chance_accuracy + learned / 2
    lost[: int(curve.train_accuracy.argmax())] = False
    since = _for_good(lost)
    # A large λ (L2 regularisation) also lowers the accuracy, but it lowers the cost too: that is no divergence.
    if since is None or final_value(curve.train_cost) <= (1 + RISE) * float(curve.train_cost.min()):
        return None
    best, end = (
        formatting.percent(share, 1) for share in (float(curve.train_accuracy.max()), final_value(curve.train_accuracy))
    )
    reason = f"The training accuracy, once {best}, ends at {end}, with a loss of {final_value(curve.train_loss):.3g}."
    return Diagnosis(DIVERGED, int(curve.epoch[since]), reason)


def _exploded(curve: Curve, measure: Measure) -> int | None:
    """Return the epoch (from 0) from which on the training loss is far above that at chance level, None if none."""
    return _for_good(curve.train_loss > BEYOND * measure.chance_loss)


def _for_good(bad: NDArray[np.bool_]) -> int | None:
    """Return the epoch (from 0) from which on it is true to the end, None where that is less than the last fifth."""
    since = len(bad) - int(np.argmin(bad[::-1])) if not bad.all() else 0
    return since if len(bad) - since >= final_epochs(bad) else None


def _jumps(curve: Curve, measure: Measure) -> Diagnosis | None:
    rises = np.diff(curve.train_loss)
    # A schedule that lowers η begins with a high one on purpose: only jumps near its last value count.
    counted = curve.eta[1:] <= SAME_ETA * np.median(curve.eta[-final_epochs(curve.eta) :])
    jumps = counted & (rises > np.maximum(RISE * np.abs(curve.train_loss[:-1]), RISE_OF_CHANCE * measure.chance_loss))
    number = int(jumps.sum())
    if number < max(JUMPS_AT_LEAST, JUMPS_SHARE * int(counted.sum())):
        return None
    worst = int(np.argmax(np.where(jumps, rises, -np.inf)))
    low, high = curve.train_loss[worst : worst + 2].tolist()
    reason = f"The training loss jumps up {number:,} times, at worst from {low:.3g} to {high:.3g}"
    return Diagnosis(JUMPS, None, f"{reason} in epoch {curve.epoch[worst + 1]:,}.")


def _overfits(curve: Curve, measure: Measure) -> Diagnosis | None:
    lowest = int(np.argmin(curve.validation_loss))
    low, end = float(curve.validation_loss[lowest]), final_value(curve.validation_loss)
    before, after = float(curve.train_loss[lowest]), final_value(curve.train_loss)
    if end - low < max(OVERFIT_RISE * low, RISE_OF_CHANCE * measure.chance_loss) or after >= before:
        return None
    reason = f"From epoch {curve.epoch[lowest]:,} on, the training loss falls from {before:.3g} to {after:.3g}"
    return Diagnosis(
        OVERFITS, int(curve.epoch[lowest]), f"{reason} while the validation loss rises from {low:.3g} to {end:.3g}."
    )


def _improving(curve: Curve) -> Diagnosis | None:
    last = final_epochs(curve.epoch)
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
    return Diagnosis(IMPROVING, None, f"In its last epochs, the validation accuracy rose from {gained}.")


def _underfits(curve: Curve, measure: Measure) -> Diagnosis | None:
    train, validation = final_value(curve.train_accuracy), final_value(curve.validation_accuracy)
    error = measure.error(train)
    on_train = f"The training accuracy ends at {formatting.percent(train, 1)}"
    if train + 2 * error < measure.best:
        best = formatting.percent(measure.best, 1)
        return Diagnosis(UNDERFITS, None, f"{on_train}, below the best validation accuracy of the search, {best}.")
    if train < (1 + measure.chance_accuracy) / 2 and train - validation < 2 * math.sqrt(2) * error:
        return Diagnosis(UNDERFITS, None, f"{on_train}, not significantly above the validation accuracy.")
    return None


def _plateaued(curve: Curve, measure: Measure) -> Diagnosis | None:
    top = float(curve.validation_accuracy.max())
    there = (curve.validation_accuracy >= top - measure.error(top)) & (
        curve.validation_loss <= (1 + FLAT) * float(curve.validation_loss.min())
    )
    if not there.any() or len(there) < FINAL_PART:
        return None
    since = int(np.argmax(there))
    if since > len(there) / 2:
        return None
    level = formatting.percent(float(curve.validation_accuracy[since]), 1)
    reason = (
        f"From epoch {curve.epoch[since]:,} on, the validation accuracy stays within one standard error of {level}."
    )
    return Diagnosis(PLATEAUED, int(curve.epoch[since]), reason)


def _healthy(curve: Curve) -> Diagnosis:
    train, validation = (
        formatting.percent(final_value(each), 1) for each in (curve.train_accuracy, curve.validation_accuracy)
    )
    return Diagnosis(HEALTHY, None, f"The training accuracy ends at {train}, the validation accuracy at {validation}.")


def of_configuration(found: Sequence[Diagnosis | None]) -> tuple[str, int | None]:
    """Return the most frequent diagnosis of a configuration's replicates as a text, and its median epoch, if any."""
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
