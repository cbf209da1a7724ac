"""The accuracy of each stage's best configuration, corrected for selection bias, and how probably it is the best.

May import our frames, views and statistics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection.candidates import EVERY, ONLY_BEST, Candidates, candidates
from hpsearch.reporting.sections.selection.seed_variance import seed_variance
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.seeds import SeedVariance
from hpsearch.reporting.statistics.selection import BiasCorrection, correct_selection_bias
from hpsearch.reporting.statistics.shrinkage import Shrinkage, shrink, shrink_over
from hpsearch.storage.records import ACCURACY


@dataclass(frozen=True)
class Worth:
    """What the best configuration is expected to score with any seed, where the seeds' variance is known."""

    accuracy: float
    low: float  # its 95% interval
    high: float
    seeds: SeedVariance

    @property
    def half_widths(self) -> tuple[float, float]:
        """How far the bounds of the interval are from the accuracy."""
        return self.accuracy - self.low, self.high - self.accuracy


@dataclass(frozen=True)
class CorrectedAccuracy:
    """The accuracy of one stage's best configuration, measured and corrected; every text as the table shows it."""

    stage: str
    configurations: str
    samples: str
    raw: str
    corrected: str
    interval: str
    selection_bias: str  # in percentage points
    parts: str  # of that: 1.2 configuration, 0.3 epoch
    shrunken: str  # the empirical-Bayes estimate of the same
    probability: str  # that it is the best of those that it was selected from
    about: str  # what that is about: configurations where seeds are known, else networks
    with_seeds: str  # what it is expected to score with another seed, "" where no configuration has a second seed
    epochs: str  # which epochs the correction knows
    chosen: BiasCorrection
    probably_best: float
    near: Mapping[int, float]  # how probably each is equivalent to the best of them, by its first trial's id
    rope: str  # what counts as equivalent: within 0.5 points
    worth: Worth | None
    runs: int  # the seeds of the best


def corrected_accuracies(frames: Frames, stages: Sequence[StageView]) -> list[CorrectedAccuracy]:
    """Return the corrected accuracy of each search stage's best configuration, where all predictions were stored.

    Of another objective none is known: the correction resamples whether each sample is classified correctly.
    """
    if frames.goal != ACCURACY:
        return []
    found = []
    for stage in stages:
        if stage.kind == "final" or len(stage.ranked) < 2:
            continue
        folds = stage.replication is not None and stage.replication.noun == "fold"
        selected_from = candidates(frames, stage.name, folds=folds)
        if selected_from is None:
            continue
        chosen = correct_selection_bias(selected_from.runs, selected_from.samples, folds=folds)
        if chosen:
            seeds = None if folds else seed_variance(frames, stage.name)
            found.append(_view(stage, chosen, selected_from, seeds, frames.rope or 0.0))
    return found


def with_probabilities(stages: Sequence[StageView], corrected: Sequence[CorrectedAccuracy]) -> list[StageView]:
    """Add to the rows of each stage how probably their configurations are equivalent to the best."""
    found = {each.stage: each for each in corrected}
    return [_with_probabilities(stage, found[stage.name]) if stage.name in found else stage for stage in stages]


def _with_probabilities(stage: StageView, corrected: CorrectedAccuracy) -> StageView:
    rows = [
        replace(row, near=percent(corrected.near[row.trial_ids[0]])) if row.trial_ids[0] in corrected.near else row
        for row in stage.rows
    ]
    size = corrected.rope.removeprefix("within ")
    explained = (
        f" The probability {corrected.rope} of the best is the share of 2,000 draws of the true accuracies (see"
        f" selection bias) in which the configuration’s is at most {size} below the highest."
    )
    return replace(stage, rows=tuple(rows), near=corrected.rope, caption=stage.caption + explained)


def _view(
    stage: StageView, chosen: BiasCorrection, selected_from: Candidates, seeds: SeedVariance | None, rope: float
) -> CorrectedAccuracy:
    places = formatting.decimals(chosen.samples)
    runs = 1 if selected_from.folds else len(selected_from.runs[0])
    found, shrunken, worth = shrunken_and_worth(chosen, runs, seeds, rope)
    best = float(found.best[0])
    near = {members[0]["id"]: 0.0 for members in selected_from.members}
    for place, probability in zip(chosen.within_reach.index, found.near, strict=True):
        near[selected_from.members[place][0]["id"]] = float(probability)
    return CorrectedAccuracy(
        stage=stage.name,
        configurations=f"{chosen.configurations:,}",
        samples=f"{chosen.samples:,}",
        raw=formatting.percent(chosen.raw, places),
        corrected=formatting.percent(chosen.corrected, places),
        interval=formatting.between(chosen.low, chosen.high, places),
        selection_bias=formatting.points(chosen.selection_bias, places),
        parts=_parts(chosen, selected_from, places),
        shrunken=formatting.percent(shrunken, places),
        probability=percent(best),
        about="configurations" if seeds else "networks",
        with_seeds=_with_seeds(worth, places),
        epochs=selected_from.epochs,
        chosen=chosen,
        probably_best=best,
        near=near,
        rope=f"within {goal_text.region(stage.goal, rope)}",
        worth=worth,
        runs=runs,
    )


def shrunken_and_worth(
    chosen: BiasCorrection, runs: int, seeds: SeedVariance | None, rope: float = 0.0
) -> tuple[Shrinkage, float, Worth | None]:
    """Return the true accuracies, the shrunken one of the first, and its worth where the seeds are known.

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
    """Return the corrected accuracy without what the seeds of the best probably add to it.

    Both shrunken estimates differ in this part alone: the first has only the samples' noise.
    """
    luck = float(of_networks.mean[0] - with_seeds.mean[0])
    accuracy = min(1.0, max(0.0, chosen.corrected - luck))
    further = max(0.0, float(with_seeds.deviation[0]) ** 2 - float(of_networks.deviation[0]) ** 2)
    half = (chosen.high - chosen.low) / 2 / 1.96
    variance = max(half**2 + further, 1e-12)
    effective = accuracy * (1 - accuracy) / variance
    low, high = wilson_interval(accuracy * effective, effective) if effective else (chosen.low, chosen.high)
    return Worth(accuracy, low, high, seeds)


def _with_seeds(worth: Worth | None, places: int) -> str:
    if worth is None:
        return ""
    low_high = formatting.between(worth.low, worth.high, places)
    return f"{formatting.percent(worth.accuracy, places)} ({low_high})"


def _parts(chosen: BiasCorrection, selected_from: Candidates, places: int) -> str:
    if selected_from.epochs != EVERY:
        return ""
    epochs = min(max(chosen.of_epochs, 0.0), max(chosen.selection_bias, 0.0))
    configurations = formatting.points(chosen.selection_bias - epochs, places)
    return f"{configurations} configuration, {formatting.points(epochs, places)} epoch"


def percent(share: float) -> str:
    """Write a probability in whole percent.

    >>> percent(0.004), percent(0.373), percent(0.999)
    ('below 1%', '37%', 'above 99%')
    """
    return "below 1%" if share < 0.01 else "above 99%" if share > 0.99 else f"{100 * share:.0f}%"


def corrected_sentence(stage: StageView, corrected: Sequence[CorrectedAccuracy]) -> str:
    """State the corrected accuracy of a stage's best configuration, "" where it is not known."""
    found = next((each for each in corrected if each.stage == stage.name), None)
    if found is None:
        return ""
    chosen = found.chosen
    size = f"{100 * abs(chosen.selection_bias):.{formatting.decimals(chosen.samples)}f} points"
    less = f"{size} less than measured" if chosen.selection_bias > 0 else "not less than measured"
    said = (
        f"Corrected for selection bias, its validation accuracy is {found.corrected} (95% interval {found.interval}),"
        f" {less}."
    )
    if found.epochs == ONLY_BEST:
        said += " The choice of its best epoch is not corrected, since only the predictions at that epoch were stored."
    if found.with_seeds:
        said += f" With any seed it is expected to have {found.with_seeds.replace(' (', ' (95% interval ')}."
        return f"{said} The probability that it is the best configuration is {_probabilities(found, stage)}."
    said += f" The probability that it is the best of these networks is {_probabilities(found, stage)}"
    if stage.replication is not None and stage.replication.noun == "fold":
        return f"{said}."
    return f"{said}; with other seeds it is not known, because no configuration has a second seed."


def _probabilities(found: CorrectedAccuracy, stage: StageView) -> str:
    near = found.near.get(stage.ranked[0].trial_ids[0])
    more = "" if near is None else f", that it is {found.rope} of the best {percent(near)}"
    return found.probability + more
