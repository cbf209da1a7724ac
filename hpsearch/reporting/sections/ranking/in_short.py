"""The first lines of a report: the best configuration, its score, how much better it is, how sure that is, what next.

May import our frames and views. `summary` has the same in detail.
"""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.base_rate import base_rate
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.advice import Advice
from hpsearch.reporting.sections.ranking.against_default import BEST, BETTER, NOT_BETTER, AgainstDefault
from hpsearch.reporting.sections.ranking.rows import Row, why
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.selection.final_test import FinalTest
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy, percent
from hpsearch.reporting.sections.summary import better_before, configuration, final, last_search
from hpsearch.storage.records import ACCURACY, FAILED, INTERRUPTED, RUNNING

DIVERGED = ("NaN", "infinite")
"""Words in the reason of a trial whose training diverged."""


@dataclass(frozen=True)
class Line:
    """One of the first lines: what it is about, and what it says; `anchor` is the section that it links to."""

    label: str
    text: str
    anchor: str = ""


def in_short(
    frames: Frames,
    stages: Sequence[StageView],
    corrected: Sequence[CorrectedAccuracy],
    default: AgainstDefault | None,
    tested: FinalTest | None,
    advice: Sequence[Advice],
) -> list[Line]:
    """Return at most five lines, none while nothing has finished or failed."""
    search = last_search(stages)
    if search is None or search.ranked[0].validation is None:
        return failed_in_short(frames)
    best = search.ranked[0]
    found = next((each for each in corrected if each.stage == search.name), None)
    named = f"{configuration(search, best)} ({best.trial})"
    lines = [
        Line(f"Best{_of_front(search)}", f"{named}{_so_far(frames)}.{_before(stages, search)}"),
        Line("Score", _score(stages, search, found, tested)),
        Line("Better by", _better(frames, search, default)),
        Line("How sure", _sure(search, found)),
        _next(frames, search, advice),
    ]
    return [line for line in lines if line.text]


def _of_front(search: StageView) -> str:
    """Several objectives have no single best: the lines are about the best by the main one."""
    return f" {search.goal.metric} of the front" if search.goal.objectives else ""


def _before(stages: Sequence[StageView], search: StageView) -> str:
    """Say that an earlier stage's best has a better value, which may be due to chance."""
    stage = better_before(stages, search)
    if stage is None:
        return ""
    row, goal = stage.ranked[0], search.goal
    return (
        f" {row.trial} of an earlier stage has a {goal_text.better(goal)} {goal.measured}, {row.objective},"
        " which does not show that it is better."
    )


def _so_far(frames: Frames) -> str:
    if frames.study["state"] == "complete":
        return ""
    ended = int((frames.trials["state"] == "complete").sum())
    return f", so far: the study is {frames.study['state']}, with {ended:,} of {len(frames.trials):,} trials finished"


def _score(
    stages: Sequence[StageView], search: StageView, found: CorrectedAccuracy | None, tested: FinalTest | None
) -> str:
    """Give the test value where there is one, and the validation value, corrected where that is known."""
    metric, best = search.goal.metric, search.ranked[0]
    parts = []
    if tested:
        last = final(stages)
        seeds = len([row for row in last.ranked if row.test]) if last else 0
        again = f"trained again with {formatting.count(seeds, 'seed')}" if seeds > 1 else "trained again"
        parts.append(f"test {metric} {tested.value} (95% interval {tested.interval}; {again}), the one to report")
    elif best.test:
        interval = f" (95% interval {best.test.interval})" if best.test.has_interval else ""
        parts.append(f"test {metric} {best.test.text}{interval}")
    measured = search.goal.measured
    if found:
        text = found.with_seeds or f"{found.corrected} ({found.interval})"
        text = f"{text.replace(' (', ' (95% interval ')} corrected for selection bias"
        parts.append(f"{measured} {best.objective} as measured, {text}{', for any seed' * bool(found.with_seeds)}")
    else:
        interval = f" (95% interval {best.interval})" if best.validation and best.validation.has_interval else ""
        biased = ", not corrected for selection bias" if len(search.ranked) > 1 else ""
        parts.append(f"{measured} {best.objective}{interval}{biased}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _better(frames: Frames, search: StageView, default: AgainstDefault | None) -> str:
    """Compare the best, as measured, with the second, with the default, and with the base rate."""
    parts = [*_second(search), *_default(search, default), *_base(frames, search)]
    parts.sort(key=lambda part: not part.startswith("not better"))  # what matters most
    which = f"{'all ' * (len(parts) > 1)}by the {search.goal.measured} as measured"
    measured = [which] * any("not known" not in part for part in parts)
    return f"{'; '.join([*parts, *measured])}." if parts else ""


def _size(search: StageView, score: float) -> str:
    """Write by how much a score is better, with its sign."""
    samples = search.ranked[0].validation.samples if search.ranked[0].validation else 0
    return goal_text.difference(search.goal, score, formatting.decimals(samples))


def _second(search: StageView) -> list[str]:
    if len(search.ranked) < 2 or search.goal.objectives:
        return []
    second = search.ranked[1]
    found = second.verdict.found if second.verdict else None
    if found is None:
        if second.validation is None or search.ranked[0].validation is None:
            return []
        gap = search.goal.sign * (search.ranked[0].validation.value - second.validation.value)
        return [f"{_points(search, gap)} than the second, not tested"]
    verdict = "significant" if found.worse else "not significant"
    edges = f"{_size(search, -found.high)} to {_size(search, -found.low)}"
    return [f"{_points(search, -found.difference)} than the second (95% interval {edges}; {verdict})"]


def _points(search: StageView, score: float) -> str:
    text = _size(search, score).lstrip("+")
    if not search.goal.share:
        return text
    return f"{text} point" if text in ("1", "1.0", "1.00") else f"{text} points"


def _default(search: StageView, default: AgainstDefault | None) -> list[str]:
    if default is None:
        return []
    if default.verdict == BEST:
        return ["the default is itself the best"]
    if default.difference is None or default.low is None or default.high is None:
        why = {"pruned": ", since that was stopped before its end", "failed": ", since that failed"}
        return [f"than the default: not known{why.get(default.state, '')}"]
    sign = search.goal.sign
    low, high = sorted((sign * default.low, sign * default.high))
    verdict = {BETTER: "significant", NOT_BETTER: "significantly worse"}.get(default.verdict, "not significant")
    edges = f"{_size(search, low)} to {_size(search, high)}"
    return [f"{_points(search, sign * default.difference)} than the default (95% interval {edges}; {verdict})"]


def _base(frames: Frames, search: StageView) -> list[str]:
    """Compare with always predicting the commonest class, by accuracy."""
    base, best = base_rate(frames), search.ranked[0].validation
    if base is None or best is None or frames.goal != ACCURACY:
        return []
    about = f"always predicting class {base.name} ({formatting.percent(base.validation, 1)})"
    if not base.exceeded(best.value, best.samples):
        return [f"not better, beyond noise, than {about}"]
    return [f"{_points(search, best.value - base.validation)} than {about}"]


def _sure(search: StageView, found: CorrectedAccuracy | None) -> str:
    """Say how many others may be as good, and how probably this one is the best, or as good as matters."""
    compared = [row for row in search.ranked if row.mark in ("tied", "worse")]
    tied = [row for row in compared if row.mark == "tied"]
    parts = []
    if compared and not tied:
        others = f"all {len(compared):,} others" if len(compared) > 1 else "the one other"
        parts.append(f"sure: it is statistically significantly better than {others} of {search.name}")
    elif compared:
        which = f"all {len(tied):,}" if len(tied) == len(compared) else f"{len(tied):,} of the {len(compared):,}"
        number = f"{which} others" if len(compared) > 1 else "the one other"
        are = "are" if len(tied) > 1 else "is"
        text = f"not sure which is best: {number} of {search.name} {are} not statistically distinguishable from it"
        parts.append(f"{text}{_equivalent(tied)}")
    elif len(search.ranked) > 1:
        parts.append("not known: the others were not compared with it")
    if found:
        near = found.near.get(search.ranked[0].trial_ids[0]) if found.rope else None
        within = "" if near is None else f", and {found.rope} of the best with probability {percent(near)}"
        models = "" if found.worth else " of these trained models"
        parts.append(f"it is the best{models} with probability {found.probability}{within}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _equivalent(tied: Sequence[Row]) -> str:
    number = sum(row.verdict is not None and row.verdict.equivalent for row in tied)
    return f", and {number:,} shown to be equivalent" if number else ""


def _next(frames: Frames, search: StageView, advice: Sequence[Advice]) -> Line:
    if advice:
        return Line("Next", " ".join(f"{each.title}: {each.action}." for each in advice), "next-steps")
    if frames.study["state"] != "complete":
        return Line("Next", _go_on(frames))
    if len(search.ranked) > 1 and not search.replication and not any(row.verdict for row in search.ranked):
        how = "a further stage with their `configurations` and `replicates = 3`"
        text = f"To know how sure it is, repeat the best few with several seeds: {how}."
        if frames.goal.of_function:
            text = "If the function depends on its seed, give `replicates=3` to know how sure it is; if not, nothing."
        return Line("Next", text)
    return Line("Next", "Nothing: the report's rules suggest no further stage.")


def _go_on(frames: Frames) -> str:
    """What to do with a study that is not complete."""
    name = shlex.quote(str(frames.study["name"]))
    if frames.study["state"] == INTERRUPTED:
        return f"Go on with `hpsearch resume {name}`."
    if frames.study["state"] == FAILED:
        return f"See why with `hpsearch status {name} --failures`."
    return "Wait for the end of the study."


def failed_in_short(frames: Frames) -> list[Line]:
    """Say why all trials failed that have ended, and what to do; nothing where none failed."""
    failed = [trial for trial in frames.rows if trial["state"] == "failed"]
    ended = [trial for trial in frames.rows if trial["state"] not in ("waiting", "running")]
    if not failed:
        return []
    causes = Counter(why(trial) for trial in failed).most_common()
    many = f"{len(failed):,} of " * (len(failed) < len(ended)) or "all "
    many += formatting.count(len(ended), "trial")
    so_far = " so far" if frames.study["state"] in (RUNNING, INTERRUPTED) else ""
    first = f"None: {many} failed{so_far}."
    text, number = causes[0]
    times = f" ({number:,} of {len(failed):,})" if len(causes) > 1 else ""
    lines = [Line("Best", first), Line("Why", f"{text}{times}.", "rankings")]
    name = shlex.quote(str(frames.study["name"]))
    if frames.study["state"] == RUNNING:
        return [
            *lines,
            Line("Next", f"Stop it and correct the cause, if it is one: `hpsearch status {name} --failures`."),
        ]
    remedy = "search smaller learning rates (η)" if any(each in text for each in DIVERGED) else "correct the cause"
    again = f"then launch the study again, under another name or after `hpsearch delete {name}`"
    return [*lines, Line("Next", f"Failed trials are not trained again: {remedy}, {again}.")]
