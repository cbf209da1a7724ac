"""The diagnosis of a trial from its curves: overfits, underfits, diverged, …. May import NumPy and our frames.

docs/report.md states each rule; `diagnosis_rules` has all thresholds, `regression_diagnosis` the rules of regressions.
"""

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hpsearch.reporting import formatting
from hpsearch.reporting.base_rate import BaseRate, base_rate
from hpsearch.reporting.curves import Curve, curves_of, final_value
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis_rules import (
    DIVERGED,
    GAP,
    GAP_SHARE,
    HEALTHY,
    JUMPS,
    KINDS,
    NOT_ABOVE_BASE,
    OVERFITS,
    RISE,
    UNDERFITS,
    Diagnosis,
    RulesOfTask,
    exploded,
    first_finding,
    for_good,
)
from hpsearch.reporting.sections.regression_diagnosis import regression_rule
from hpsearch.storage.records import ACCURACY, Goal

Rule = Callable[[Mapping[str, Any], Curve], tuple[Diagnosis | None, int | None]]
"""Returns the diagnosis of a trial that has a curve, and the epoch (from 0) from which on its loss exploded."""


@dataclass(frozen=True)
class Measure:
    """What a trial is compared with: chance level, and the best trial; and the number of validation samples."""

    chance_loss: float
    chance_accuracy: float
    samples: int
    best: float  # the highest validation accuracy of the search
    base: BaseRate | None = None  # where the accuracy is the objective
    goal: Goal = ACCURACY

    def error(self, accuracy: float) -> float:
        """Return the standard error of an accuracy."""
        return math.sqrt(max(accuracy * (1 - accuracy), 1 / self.samples) / self.samples)


def diagnose_all(frames: Frames, wanted: Container[int] | None = None) -> dict[int, Diagnosis]:
    """Diagnose each trial that has ended, or of these only those wanted, by id.

    Left out are trials that failed for another reason than a NaN or infinity, and pruned trials that had not diverged,
    jumped or overfitted: for the other diagnoses they are too short; and those of a model that returns numbers alone,
    of which no chance level is known.
    """
    if frames.regression and not frames.returned:
        return _of_trials(frames, wanted, regression_rule(frames))
    return _of_trials(frames, wanted, _classification_rule(frames))


def _classification_rule(frames: Frames) -> Rule:
    """Return how a trial of a classification is diagnosed."""
    classes = len((frames.study["data"] or {}).get("classes") or []) or 2
    searching = frames.trials[frames.trials["kind"] != "final"]
    best = float(searching["validation_accuracy"].max()) if len(searching) else math.nan
    samples = {row["id"]: (row["data"] or {}).get("validation") or 1_000 for row in frames.stage_rows}
    base = base_rate(frames) if frames.goal == ACCURACY else None

    def rule(trial: Mapping[str, Any], curve: Curve) -> tuple[Diagnosis | None, int | None]:
        hinge = trial["configuration"].get("training", {}).get("loss") == "hinge"
        loss = float(classes - 1) if hinge else math.log(classes)
        measure = Measure(loss, 1 / classes, samples[trial["stage_id"]], best, base, frames.goal)
        return diagnose(curve, measure), exploded(curve, loss)

    return rule


def _of_trials(frames: Frames, wanted: Container[int] | None, rule: Rule) -> dict[int, Diagnosis]:
    curves = curves_of(frames)
    trials = [trial for trial in frames.rows if wanted is None or trial["id"] in wanted]
    diagnosed = {trial["id"]: _of_trial(trial, curves.get(trial["id"]), rule) for trial in trials}
    return {trial: found for trial, found in diagnosed.items() if found}


def _of_trial(trial: Mapping[str, Any], curve: Curve | None, rule: Rule) -> Diagnosis | None:
    if trial["state"] == "failed":
        reason = trial["reason"] or ""
        if "NaN" not in reason and "infinite" not in reason:
            return None
        since = rule(trial, curve)[1] if curve else None
        epoch = trial["epochs_done"] if since is None or curve is None else int(curve.epoch[since])
        return Diagnosis(DIVERGED, epoch or None, f"{reason[:1].upper()}{reason[1:]}.")
    if trial["state"] not in ("complete", "pruned") or curve is None:
        return None
    found = rule(trial, curve)[0]
    early = trial["state"] == "pruned" and found and found.kind not in (DIVERGED, JUMPS, OVERFITS)
    return None if early else found


def diagnose(curve: Curve, measure: Measure) -> Diagnosis | None:
    """Diagnose a training from its curve; None where it has fewer than two epochs with numbers."""
    finite = np.isfinite(np.stack([curve.train_loss, curve.validation_loss, curve.train_accuracy])).all(axis=0)
    curve = curve.at(finite & np.isfinite(curve.validation_accuracy))
    of_task = RulesOfTask(
        diverged=partial(_diverged, measure=measure),
        no_better=partial(_not_above_base, measure=measure),
        underfits=partial(_underfits, measure=measure),
        gap=partial(_gap, measure=measure),
        healthy=_healthy,
    )
    return first_finding(curve, of_task, measure.chance_loss, measure.samples, measure.goal)


def _diverged(curve: Curve, measure: Measure) -> Diagnosis | None:
    """From some epoch on it has lost more than half of what it had learned."""
    learned = float(curve.train_accuracy.max()) - measure.chance_accuracy
    if learned < 4 * measure.error(measure.chance_accuracy):
        return None
    lost = curve.train_accuracy < measure.chance_accuracy + learned / 2
    lost[: int(curve.train_accuracy.argmax())] = False
    since = for_good(lost)
    # A large λ (L2 regularisation) also lowers the accuracy, but it lowers the cost too: that is no divergence.
    if since is None or final_value(curve.train_cost) <= (1 + RISE) * float(curve.train_cost.min()):
        return None
    best, end = (
        formatting.percent(share, 1) for share in (float(curve.train_accuracy.max()), final_value(curve.train_accuracy))
    )
    reason = f"The training accuracy, once {best}, ends at {end}, with a loss of {final_value(curve.train_loss):.3g}."
    return Diagnosis(DIVERGED, int(curve.epoch[since]), reason)


def _not_above_base(curve: Curve, measure: Measure) -> Diagnosis | None:
    """Its accuracy is not above the share of the commonest class beyond noise."""
    if measure.base is None:
        return None
    top = float(curve.validation_accuracy.max())
    if measure.base.exceeded(top, measure.samples):
        return None
    highest, share = formatting.percent(top), formatting.percent(measure.base.validation)
    reason = f"The highest validation accuracy is {highest}; always predicting the commonest class has {share}."
    return Diagnosis(NOT_ABOVE_BASE, None, reason)


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


def _gap(curve: Curve, measure: Measure) -> Diagnosis | None:
    """Much of what it learned about the training samples does not hold for the validation samples."""
    train, validation = final_value(curve.train_accuracy), final_value(curve.validation_accuracy)
    chance = max(measure.chance_accuracy, measure.base.validation if measure.base else 0.0)
    gap = train - validation
    if gap < GAP_SHARE * (train - chance) or gap < 2 * measure.error(validation):
        return None
    ends = f"The training accuracy ends at {formatting.percent(train, 1)}"
    reason = f"{ends}, {100 * gap:.0f} points above the validation accuracy, {formatting.percent(validation, 1)}."
    return Diagnosis(GAP, None, reason)


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
