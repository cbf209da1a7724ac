"""The score of each stage's best configuration, corrected for selection bias, and how probably it is the best.

May import our frames, views and statistics.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection.candidates import EVERY, ONLY_BEST, SOME, Candidates, candidates
from hpsearch.reporting.sections.selection.seed_variance import seed_variance
from hpsearch.reporting.statistics.intervals import SHARE
from hpsearch.reporting.statistics.seeds import SeedVariance
from hpsearch.reporting.statistics.selection import BiasCorrection, correct_selection_bias
from hpsearch.reporting.statistics.shrinkage import Shrinkage, shrink, shrink_over
from hpsearch.storage.records import ACCURACY, Goal


@dataclass(frozen=True)
class Worth:
    """What the best configuration is expected to score with any seed, where the seeds' variance is known."""

    score: float
    low: float  # its 95% interval
    high: float
    seeds: SeedVariance

    @property
    def half_widths(self) -> tuple[float, float]:
        """How far the bounds of the interval are from the score."""
        return self.score - self.low, self.high - self.score


@dataclass(frozen=True)
class CorrectedAccuracy:
    """The objective of one stage's best configuration, measured and corrected; every text as the table shows it.

    `chosen` and `worth` have scores, of which a higher one is better.
    """

    stage: str
    configurations: str
    samples: str
    raw: str
    corrected: str
    interval: str
    selection_bias: str  # of shares in percentage points
    parts: str  # of that: 1.2 configuration, 0.3 epoch
    shrunken: str  # the empirical-Bayes estimate of the same
    probability: str  # that it is the best of those that it was selected from
    about: str  # what that is about: configurations where seeds are known, else networks
    with_seeds: str  # what it is expected to score with another seed, "" where no configuration has a second seed
    epochs: str  # which epochs the correction knows
    chosen: BiasCorrection
    probably_best: float
    near: Mapping[int, float]  # how probably each is equivalent to the best of them, by its first trial's id
    rope: str  # what counts as equivalent: within 0.5 points; "" where nothing does
    worth: Worth | None
    runs: int  # the seeds of the best
    goal: Goal = ACCURACY

    @property
    def value(self) -> float:
        """The corrected value of the objective."""
        return self.goal.sign * self.chosen.corrected


def corrected_accuracies(frames: Frames, stages: Sequence[StageView]) -> list[CorrectedAccuracy]:
    """Return the corrected objective of each search stage's best configuration, where all predictions were stored.

    Of another objective than the accuracy it is known where what each sample contributes to it is.
    """
    found = []
    for stage in stages:
        if stage.kind == "final" or len(stage.ranked) < 2:
            continue
        folds = stage.replication is not None and stage.replication.noun == "fold"
        selected_from = candidates(frames, stage.name, folds=folds)
        if selected_from is None:
            continue
        chosen = correct_selection_bias(
            selected_from.runs,
            selected_from.samples,
            folds=folds,
            bounds=SHARE if frames.goal.share else frames.sample_scores.bounds,
        )
        if chosen:
            seeds = None if folds else seed_variance(frames, stage.name)
            found.append(_view(stage, chosen, selected_from, seeds, frames.rope))
    return found


def with_probabilities(stages: Sequence[StageView], corrected: Sequence[CorrectedAccuracy]) -> list[StageView]:
    """Add to the rows of each stage how probably their configurations are equivalent to the best."""
    found = {each.stage: each for each in corrected if each.rope}
    return [_with_probabilities(stage, found[stage.name]) if stage.name in found else stage for stage in stages]


def _with_probabilities(stage: StageView, corrected: CorrectedAccuracy) -> StageView:
    rows = [
        replace(row, near=percent(corrected.near[row.trial_ids[0]])) if row.trial_ids[0] in corrected.near else row
        for row in stage.rows
    ]
    size = corrected.rope.removeprefix("within ")
    behind = "below" if stage.goal.sign > 0 else "above"
    explained = (
        f" The probability {corrected.rope} of the best is the share of 2,000 draws of the true {values(stage.goal)}"
        f" (see selection bias) in which the configuration’s is at most {size} {behind} the"
        f" {goal_text.better(stage.goal, 'est')}."
    )
    return replace(stage, rows=tuple(rows), near=corrected.rope, caption=stage.caption + explained)


def _view(
    stage: StageView, chosen: BiasCorrection, selected_from: Candidates, seeds: SeedVariance | None, rope: float | None
) -> CorrectedAccuracy:
    write = _Texts(stage.goal, formatting.decimals(chosen.samples))
    runs = 1 if selected_from.folds else len(selected_from.runs[0])
    found, shrunken, worth = shrunken_and_worth(chosen, runs, seeds, rope or 0.0)
    best = float(found.best[0])
    near = {members[0]["id"]: 0.0 for members in selected_from.members}
    for place, probability in zip(chosen.within_reach.index, found.near, strict=True):
        near[selected_from.members[place][0]["id"]] = float(probability)
    return CorrectedAccuracy(
        stage=stage.name,
        configurations=f"{chosen.configurations:,}",
        samples=f"{chosen.samples:,}",
        raw=write.score(chosen.raw),
        corrected=write.score(chosen.corrected),
        interval=write.interval(chosen.low, chosen.high),
        selection_bias=write.difference(chosen.selection_bias),
        parts=_parts(chosen, selected_from, write),
        shrunken=write.score(shrunken),
        probability=percent(best),
        about="configurations" if seeds else "networks",
        with_seeds=_with_seeds(worth, write),
        epochs=selected_from.epochs,
        chosen=chosen,
        probably_best=best,
        near=near,
        rope=f"within {goal_text.region(stage.goal, rope)}" if rope else "",
        worth=worth,
        runs=runs,
        goal=stage.goal,
    )


@dataclass(frozen=True)
class _Texts:
    """Scores as texts: values of the objective."""

    goal: Goal
    places: int

    def score(self, score: float) -> str:
        return goal_text.text(self.goal, self.goal.sign * score, self.places)

    def interval(self, low: float, high: float) -> str:
        low, high = sorted((self.goal.sign * low, self.goal.sign * high))
        return goal_text.interval(self.goal, low, high, self.places)

    def difference(self, difference: float) -> str:
        return goal_text.difference(self.goal, self.goal.sign * difference, self.places)


def shrunken_and_worth(
    chosen: BiasCorrection, runs: int, seeds: SeedVariance | None, rope: float = 0.0
) -> tuple[Shrinkage, float, Worth | None]:
    """Return the true scores, the shrunken one of the first, and its worth where the seeds are known.

    With known seeds the first are those of the configurations, else of the networks.
    """
    scores, noise = chosen.within_reach.scores, chosen.within_reach.noise
    of_networks = shrink(scores, noise, rope=rope)
    if seeds is None:
        return of_networks, float(of_networks.mean[0]), None
    noises = [np.hypot(noise, np.sqrt(each / runs)) for each in seeds.likely()]
    with_seeds = shrink_over(scores, noises, rope=rope)
    return with_seeds, float(of_networks.mean[0]), _worth(chosen, of_networks, with_seeds, seeds)


def _worth(chosen: BiasCorrection, of_networks: Shrinkage, with_seeds: Shrinkage, seeds: SeedVariance) -> Worth:
    """Return the corrected score without what the seeds of the best probably add to it.

    Both shrunken estimates differ in this part alone: the first has only the samples' noise.
    """
    luck = float(of_networks.mean[0] - with_seeds.mean[0])
    score = chosen.corrected - luck
    further = max(0.0, float(with_seeds.deviation[0]) ** 2 - float(of_networks.deviation[0]) ** 2)
    score, _ = chosen.bounds.clip(score, score)
    if not chosen.bounds.both:
        below, above = (math.hypot(half, 1.96 * math.sqrt(further)) for half in chosen.half_widths)
        return Worth(score, *chosen.bounds.clip(score - below, score + above), seeds)
    half = (chosen.high - chosen.low) / 2 / 1.96
    variance = max(half**2 + further, 1e-12)
    certain = not chosen.bounds.most_variance(score)
    low, high = (chosen.low, chosen.high) if certain else chosen.bounds.interval(score, variance, chosen.samples)
    return Worth(score, low, high, seeds)


def _with_seeds(worth: Worth | None, write: _Texts) -> str:
    return "" if worth is None else f"{write.score(worth.score)} ({write.interval(worth.low, worth.high)})"


def _parts(chosen: BiasCorrection, selected_from: Candidates, write: _Texts) -> str:
    if selected_from.epochs not in (EVERY, SOME):
        return ""
    epochs = min(max(chosen.of_epochs, 0.0), max(chosen.selection_bias, 0.0))
    return f"{write.difference(chosen.selection_bias - epochs)} configuration, {write.difference(epochs)} epoch"


def values(goal: Goal) -> str:
    """Write the values of the objective in the plural: accuracies, values of rmse."""
    return "accuracies" if goal.metric == "accuracy" else f"values of {goal.metric}"


def percent(share: float) -> str:
    """Write a probability in whole percent.

    >>> percent(0.004), percent(0.373), percent(0.999)
    ('below 1%', '37%', 'above 99%')
    """
    return "below 1%" if share < 0.01 else "above 99%" if share > 0.99 else f"{100 * share:.0f}%"


def corrected_sentence(stage: StageView, corrected: Sequence[CorrectedAccuracy]) -> str:
    """State the corrected objective of a stage's best configuration, "" where it is not known."""
    found = next((each for each in corrected if each.stage == stage.name), None)
    if found is None:
        return ""
    chosen, goal = found.chosen, stage.goal
    worse = "less" if goal.sign > 0 else "more"
    size = goal_text.size(goal, chosen.selection_bias, formatting.decimals(chosen.samples))
    less = f"{size} {worse} than measured" if chosen.selection_bias > 0 else f"not {worse} than measured"
    said = (
        f"Corrected for selection bias, its validation {goal.metric} is {found.corrected} (95% interval"
        f" {found.interval}), {less}."
    )
    if found.epochs == ONLY_BEST:
        said += " The choice of its best epoch is not corrected, since only the predictions at that epoch were stored."
    if found.epochs == SOME:
        said += " The choice of its best epoch is corrected among the best ones alone, whose predictions were stored."
    if found.with_seeds:
        said += f" With any seed it is expected to have {found.with_seeds.replace(' (', ' (95% interval ')}."
        return f"{said} The probability that it is the best configuration is {_probabilities(found, stage)}."
    said += f" The probability that it is the best of these trained models is {_probabilities(found, stage)}"
    if stage.replication is not None and stage.replication.noun == "fold":
        return f"{said}."
    return f"{said}; with other seeds it is not known, because no configuration has a second seed."


def _probabilities(found: CorrectedAccuracy, stage: StageView) -> str:
    near = found.near.get(stage.ranked[0].trial_ids[0]) if found.rope else None
    more = "" if near is None else f", that it is {found.rope} of the best {percent(near)}"
    return found.probability + more
