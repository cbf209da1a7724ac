"""What a stage's images or seeds can tell apart, and how many would tell more. May import our frames, views, power."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking_rows import Row
from hpsearch.reporting.sections.stage import StageView, searched_keys
from hpsearch.reporting.statistics.power import difference_seen, samples_needed, seeds_needed

MOST = 10_000_000
"""More images than this are not counted: nobody will take them."""


@dataclass(frozen=True)
class Gap:
    """The best of a stage and another: their difference as a share, and the images that only one gets right."""

    difference: float
    discordant: float


def roughly(number: float) -> str:
    """Write a number to the one digit that an estimate from a few images deserves.

    >>> roughly(61_234), roughly(1_449), roughly(13.2), roughly(7.2)
    ('about 60,000', 'about 1,500', 'about 15', 'about 8')
    """
    if number > MOST:
        return f"more than {MOST:,}"
    whole = int(np.ceil(number))
    unit: int = 10 ** max(0, len(str(whole)) - 1)
    step = unit // 2 if unit > 1 and whole < 2 * unit else unit
    return f"about {max(1, round(whole / step)) * step:,}"


def resolution(frames: Frames, stage: StageView) -> str:
    """Say which configurations cannot be told from the best, how many images or seeds would do, and what these can show."""
    tied = [row for row in stage.ranked if row.mark == "tied"]
    best = stage.ranked[0].validation
    if not tied or best is None:
        return ""
    if stage.replication and stage.replication.noun == "fold":
        return _sentence(_span(frames, stage, tied), f"over {stage.replication.over}", "", "")
    if stage.replication:
        on = f"over {stage.replication.over} (on the same images)"
        return _sentence(_span(frames, stage, tied), on, _seeds(frames, stage, tied), "")
    gaps = [gap for row in tied if (gap := _gap(frames, stage.ranked[0], row))]
    if not gaps:
        return ""
    discordant = statistics.median(gap.discordant for gap in gaps)
    seen = difference_seen(discordant, best.samples) if discordant else 0.0
    places = formatting.decimals(best.samples)
    shows = f"A difference of {100 * seen:.1f} points would be seen on these images in four of five cases."
    needed = _samples(gaps, stage.ranked[1].mark == "tied", places)
    on = f"on these {best.samples:,} images"
    return _sentence(_span(frames, stage, tied), on, needed, shows if 0 < seen < discordant else "")


def _sentence(span: str, on: str, needed: str, shows: str) -> str:
    parts = [part for part in (f"{on} {span}" if span else "", needed) if part]
    text = "; ".join(parts)
    return " ".join(sentence for sentence in (f"{text[:1].upper()}{text[1:]}." if text else "", shows) if sentence)


def _gap(frames: Frames, best: Row, other: Row) -> Gap | None:
    first, second = frames.correct(best.trial_ids[0]), frames.correct(other.trial_ids[0])
    if first is None or second is None or first.size != second.size:
        return None
    one, two = np.count_nonzero(first & ~second), np.count_nonzero(second & ~first)
    return Gap(float(one - two) / first.size, float(one + two) / first.size)


def _samples(gaps: Sequence[Gap], of_next: bool, places: int) -> str:
    """Say how many images the gap to the next configuration needs, and the middle one of all gaps."""
    middle = sorted(gaps, key=lambda gap: gap.difference)[len(gaps) // 2]
    said = []
    if of_next and gaps[0].difference > 0:
        what = f"the {_points(gaps[0], places)} between the best and the next"
        said.append(f"{_number(gaps[0])} images would be needed to see {what}")
    if middle.difference > 0 and len(gaps) > 2 and middle.difference > 1.2 * gaps[0].difference:
        what = f"the {_points(middle, places)} between the best and the middle one of these"
        said.append(
            f"{_number(middle)} for {what}" if said else f"{_number(middle)} images would be needed to see {what}"
        )
    return ", and ".join(said)


def _number(gap: Gap) -> str:
    return roughly(samples_needed(gap.discordant, gap.difference))


def _points(gap: Gap, places: int) -> str:
    return f"{100 * gap.difference:.{places}f} points"


def _seeds(frames: Frames, stage: StageView, tied: Sequence[Row]) -> str:
    """Say how many seeds the difference from the next configuration needs."""
    best, other = (_by_replicate(frames, stage, row) for row in (stage.ranked[0], tied[0]))
    apart = np.array([best[seed] - other[seed] for seed in best.keys() & other.keys()])
    if stage.ranked[0].validation is None or len(apart) < 2:
        return ""
    samples = stage.ranked[0].validation.samples
    difference, deviation = float(apart.mean()), max(float(apart.std(ddof=1)), 1 / samples)
    needed = seeds_needed(deviation, difference)
    if not isfinite(needed) or difference <= 0 or stage.ranked[1] is not tied[0]:
        return ""
    shown = f"{100 * difference:.{formatting.decimals(samples)}f} points"
    return f"{roughly(needed)} seeds would be needed to see the {shown} between the best and the next"


def _by_replicate(frames: Frames, stage: StageView, row: Row) -> dict[int, float]:
    trials = [trial for trial in frames.by_stage[stage.name] if trial["id"] in row.trial_ids]
    return {trial["replicate"]: trial["value"] or 0.0 for trial in trials}


def _span(frames: Frames, stage: StageView, tied: Sequence[Row]) -> str:
    """Say over which values the configurations that cannot be told from the best spread, "" where nothing can be said.

    With one searched number and none worse in between, that is an interval of configurations; else only where they lie.
    """
    params = {trial["id"]: trial["params"] for trial in frames.by_stage[stage.name]}
    rows = [stage.ranked[0], *tied]
    keys = searched_keys(params[row.trial_ids[0]] for row in stage.ranked)
    labels = dict(zip(searched_keys(params.values()), stage.labels, strict=True))
    spans, varied = [], []
    for key in keys:
        everywhere = [params[row.trial_ids[0]].get(key) for row in stage.ranked]
        values = [params[row.trial_ids[0]].get(key) for row in rows]
        if len({formatting.any_value(value) for value in everywhere}) < 2:
            continue
        varied.append(key)
        if all(formatting.is_number(value) for value in values) and min(values) < max(values):
            low, high = formatting.alike([float(f"{edge:.3g}") for edge in (min(values), max(values))])
            spans.append(f"{labels[key]} from {low} to {high}")
    if len(varied) == 1 and spans:
        edges = [params[row.trial_ids[0]][varied[0]] for row in rows]
        worse = [params[row.trial_ids[0]].get(varied[0]) for row in stage.ranked if row.mark == "worse"]
        if not any(formatting.is_number(value) and min(edges) <= value <= max(edges) for value in worse):
            return f"{spans[0]} cannot be told apart"
    if len(rows) > 2 and spans:
        return f"the configurations that cannot be told from the best spread over {formatting.listing(spans)}"
    return ""
