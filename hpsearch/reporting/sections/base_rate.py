"""What the summary says of always predicting the commonest class. May import our frames and views."""

import math
from collections.abc import Sequence
from statistics import fmean

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.base_rate import BaseRate, base_rate
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.storage.records import ACCURACY

_CONSTANT = {"roc_auc": 0.5, "matthews_corrcoef": 0.0, "cohen_kappa": 0.0}
"""What always predicting one class has by other metrics; balanced_accuracy has 1 / classes."""


def base_rate_sentences(frames: Frames, stages: Sequence[StageView]) -> tuple[str, str]:
    """Return what has to stand in the first lines, "" unless nothing is better; and what follows the best."""
    base = base_rate(frames)
    searched = [stage for stage in stages if stage.kind != "final" and stage.ranked]
    if base is None:
        return "", ""
    of_test = "" if base.test is None else f" ({formatting.percent(base.test)} on the test set)"
    named = (
        f"Always predicting the commonest class, {base.name}, has an accuracy of {formatting.percent(base.validation)}"
        f" on the validation samples{of_test}."
    )
    if not searched:
        return "", named
    if frames.goal != ACCURACY:
        return _of_another(frames, searched[-1], base, named)
    better = {stage.name: sum(_exceeds(row, base) for row in stage.ranked) for stage in searched}
    last, best = searched[-1], searched[-1].ranked[0]
    if not any(better.values()):
        first = (
            f"No configuration is better, beyond noise, than always predicting the commonest class, {base.name}: that"
            f" has a validation accuracy of {formatting.percent(base.validation)}, and the best configuration of"
            f" {last.name} {best.objective} (95% interval {best.interval})."
        )
        return first, named
    worse = len(last.ranked) - better[last.name]
    if not worse:
        return "", named
    of = formatting.count_of(worse, len(last.ranked), "configuration")
    return "", f"{named} {of} of {last.name} {'is' if worse == 1 else 'are'} no better than that beyond noise."


def _exceeds(row: Row, base: BaseRate) -> bool:
    return row.validation is not None and base.exceeded(row.validation.value, row.validation.samples)


def _of_another(frames: Frames, stage: StageView, base: BaseRate, named: str) -> tuple[str, str]:
    """Compare the best with always predicting one class, by the objective where that is known, and by accuracy."""
    goal, best, classes = frames.goal, stage.ranked[0], len(frames.study["data"].get("classes") or [])
    constant = 1 / classes if goal.metric == "balanced_accuracy" and classes else _CONSTANT.get(goal.metric)
    first = ""
    if constant is not None:
        named = f"{named[:-1]}, and a {goal.metric} of {goal_text.text(goal, constant)}."
        if best.validation and best.validation.value <= constant:
            first = (
                f"No configuration has a higher {goal.metric} than always predicting the commonest class, {base.name}:"
                f" the best configuration of {stage.name} has {best.objective}."
            )
    trials = [trial for trial in frames.by_stage[stage.name] if trial["id"] in best.trial_ids]
    found = [math.nan if each is None else each for each in (trial["validation_accuracy"] for trial in trials)]
    accuracy = fmean(found) if found else math.nan
    if math.isfinite(accuracy):
        above = "above" if accuracy > base.validation else "not above"
        shown = formatting.percent(accuracy)
        named += f" The best configuration, chosen by {goal.metric}, has an accuracy of {shown}, {above} it."
    return first, named
