"""How many samples or seeds a stage would need to distinguish its best configurations. May import our views, power."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView, hyperparameters_of
from hpsearch.reporting.statistics.power import (
    detectable_difference,
    samples_needed,
    samples_needed_range,
    seeds_needed,
    seeds_needed_range,
)
from hpsearch.storage.records import ACCURACY

MOST = 10_000_000
"""A larger number of samples is not given."""


@dataclass(frozen=True)
class Gap:
    """The best of a stage and another: their difference in accuracy, the share of samples that only one gets right."""

    only_best: int  # how many samples only the best classifies correctly
    only_other: int
    samples: int

    @property
    def difference(self) -> float:
        return (self.only_best - self.only_other) / self.samples

    @property
    def discordant(self) -> float:
        return (self.only_best + self.only_other) / self.samples


def roughly(number: float) -> str:
    """Write a number rounded to one digit, which is the precision of the estimate.

    >>> roughly(61_234), roughly(1_449), roughly(13.2), roughly(7.2)
    ('about 60,000', 'about 1,500', 'about 15', 'about 8')
    """
    return f"about {_rounded(number):,}" if number <= MOST else f"more than {MOST:,}"


def _rounded(number: float) -> int:
    whole = int(np.ceil(number))
    unit: int = 10 ** max(0, len(str(whole)) - 1)
    step = unit // 2 if unit > 1 and whole < 2 * unit else unit
    return max(1, round(whole / step)) * step


def sample_size(frames: Frames, stage: StageView) -> str:
    """Say which configurations are ties, and how many samples or seeds would distinguish them."""
    tied = [row for row in stage.ranked if row.mark == "tied"]
    best = stage.ranked[0].validation
    if not tied or best is None:
        return ""
    if stage.replication and stage.replication.noun == "fold":
        return _sentence(_span(frames, stage, tied), f"over {stage.replication.over}", "", "")
    if stage.replication:
        same = "" if stage.goal.of_function else " (on the same samples)"
        on = f"over {stage.replication.over}{same}"
        return _sentence(_span(frames, stage, tied), on, _seeds(frames, stage, tied), "")
    on = f"on these {best.samples:,} samples"
    if frames.goal != ACCURACY:  # how many samples another metric needs is not estimated
        return _sentence(_span(frames, stage, tied), on, "", "")
    gaps = [gap for row in tied if (gap := _gap(frames, stage.ranked[0], row))]
    if not gaps:
        return ""
    discordant = statistics.median(gap.discordant for gap in gaps)
    seen = detectable_difference(discordant, best.samples) if discordant else 0.0
    places = formatting.decimals(best.samples)
    shows = f"These samples show a difference of {100 * seen:.1f} points with a power of 80%."
    needed = _samples(gaps, stage.ranked[1].mark == "tied", places)
    return _sentence(_span(frames, stage, tied), on, needed, shows if 0 < seen < discordant else "")


def _sentence(span: str, on: str, needed: str, shows: str) -> str:
    parts = [part for part in (f"{on}, {span}" if span else "", needed) if part]
    text = "; ".join(parts)
    return " ".join(sentence for sentence in (f"{text[:1].upper()}{text[1:]}." if text else "", shows) if sentence)


def _gap(frames: Frames, best: Row, other: Row) -> Gap | None:
    first, second = frames.correct(best.trial_ids[0]), frames.correct(other.trial_ids[0])
    if first is None or second is None or first.size != second.size:
        return None
    one, two = np.count_nonzero(first & ~second), np.count_nonzero(second & ~first)
    return Gap(int(one), int(two), first.size)


def _samples(gaps: Sequence[Gap], of_next: bool, places: int) -> str:
    """Say how many samples the difference from the next configuration needs, and the median of the differences."""
    middle = sorted(gaps, key=lambda gap: gap.difference)[len(gaps) // 2]
    said = []
    if of_next and gaps[0].difference > 0:
        said.append((gaps[0], "the next"))
    if middle.difference > 0 and len(gaps) > 2 and middle.difference > 1.2 * gaps[0].difference:
        said.append((middle, "the median of the ties"))
    if not said:
        return ""
    spans = [samples_needed_range(gap.only_best, gap.only_other, gap.samples) for gap, _ in said]
    if len(said) > 1 and not any(_has_end(span) for span in spans):  # one sentence for both
        return how_many(inf, min(spans), gaps[0].samples, "samples", "its ties")
    return "; ".join(
        how_many(
            samples_needed(gap.discordant, gap.difference),
            span,
            gap.samples,
            "samples",
            f"{other} ({_points(gap, places)} lower)",
        )
        for (gap, other), span in zip(said, spans, strict=True)
    )


def _has_end(span: tuple[float, float]) -> bool:
    return isfinite(span[1]) and span[1] <= MOST


def how_many(number: float, span: tuple[float, float], had: int, noun: str, other: str) -> str:
    """Say how many samples or seeds are needed, with the range; that it cannot be said where that has no upper end.

    Nor can it where no more are needed than there are, `had`: the number is that of a test of the two alone, and those
    have not distinguished them among all that were compared.

    >>> how_many(30_000, (11_000, 200_000), 5_000, "samples", "the next")
    'about 30,000 samples (5–95% range 10,000 to 200,000) would be needed to distinguish the best from the next'
    >>> how_many(2, (2, 30), 2, "seeds", "the next")
    'how many seeds would distinguish the best from the next cannot be said (more than these 2)'
    """
    low, _ = span
    if not _has_end(span) or _rounded(number) <= had:
        least = f" (at least {roughly(low)})" if isfinite(low) and low <= MOST else ""
        least = f" (more than these {had:,})" if low <= had else least
        return f"how many {noun} would distinguish the best from {other} cannot be said{least}"
    ends = " to ".join(roughly(end).removeprefix("about ") for end in span)
    return f"{roughly(number)} {noun} (5–95% range {ends}) would be needed to distinguish the best from {other}"


def _points(gap: Gap, places: int) -> str:
    return f"{100 * gap.difference:.{places}f} points"


def _seeds(frames: Frames, stage: StageView, tied: Sequence[Row]) -> str:
    """Say how many seeds would distinguish the best from the next configuration."""
    best, other = (_by_replicate(frames, stage, row) for row in (stage.ranked[0], tied[0]))
    differences = np.array([best[seed] - other[seed] for seed in best.keys() & other.keys()])
    if stage.ranked[0].validation is None or len(differences) < 2:
        return ""
    goal, samples = stage.goal, stage.ranked[0].validation.samples
    least = 1 / samples if goal.share and samples else 0.0
    difference, deviation = float(goal.sign * differences.mean()), max(float(differences.std(ddof=1)), least)
    if not deviation:
        return ""
    if difference <= 0 or stage.ranked[1] is not tied[0]:
        return ""
    needed = seeds_needed(deviation, difference)
    span = seeds_needed_range(deviation, difference, len(differences))
    shown = f"{goal_text.size(goal, difference, formatting.decimals(samples))} {'higher' if goal.sign < 0 else 'lower'}"
    return how_many(needed, span, len(differences), "seeds", f"the next ({shown})")


def _by_replicate(frames: Frames, stage: StageView, row: Row) -> dict[int, float]:
    trials = [trial for trial in frames.by_stage[stage.name] if trial["id"] in row.trial_ids]
    return {trial["replicate"]: trial["value"] or 0.0 for trial in trials}


def _span(frames: Frames, stage: StageView, tied: Sequence[Row]) -> str:
    """Say which values of the hyperparameters the ties have, "" where nothing can be said.

    With one numeric hyperparameter and no worse configuration in between, all of the range is a tie.
    """
    params = {trial["id"]: trial["params"] for trial in frames.by_stage[stage.name]}
    rows = [stage.ranked[0], *tied]
    names = hyperparameters_of(params[row.trial_ids[0]] for row in stage.ranked)
    labels = dict(zip(hyperparameters_of(params.values()), stage.labels, strict=True))
    spans, varied = [], []
    for key in names:
        everywhere = [params[row.trial_ids[0]].get(key) for row in stage.ranked]
        values = [params[row.trial_ids[0]].get(key) for row in rows]
        if len({formatting.any_value(value) for value in everywhere}) < 2:
            continue
        varied.append(key)
        if all(formatting.is_number(value) for value in values) and min(values) < max(values):
            low, high = formatting.uniform([float(f"{edge:.3g}") for edge in (min(values), max(values))])
            spans.append(f"{labels[key]} from {low} to {high}")
    if len(varied) == 1 and spans:
        edges = [params[row.trial_ids[0]][varied[0]] for row in rows]
        worse = [params[row.trial_ids[0]].get(varied[0]) for row in stage.ranked if row.mark == "worse"]
        if not any(formatting.is_number(value) and min(edges) <= value <= max(edges) for value in worse):
            return f"the configurations with {spans[0]} are not statistically distinguishable"
    if len(rows) > 2 and spans:
        ties = "the configurations that are not statistically distinguishable from the best"
        return f"{ties} span {formatting.listing(spans)}"
    return ""
