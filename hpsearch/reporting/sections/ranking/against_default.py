"""Whether the best configuration is better than the default one that the study names. May import our frames and views.

The default's difference from the best is that of the ranking: with the interval that holds for all differences of the
table at once, and p adjusted over it, so that it has paid for the best being the best of many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import Record, configuration_state
from hpsearch.reporting.sections.ranking.comparison import Compared, compared, runs_of
from hpsearch.reporting.sections.ranking.default import trials_of_default
from hpsearch.reporting.sections.ranking.replicates import configurations_of, counted
from hpsearch.reporting.sections.ranking.rows import out_of_time, pruned, samples_of, why
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.statistics.comparison.best import AgainstBest
from hpsearch.storage.records import Goal

BETTER, UNKNOWN, NOT_BETTER, BEST = "better", "not known", "not better", "the default is the best"


@dataclass(frozen=True)
class AgainstDefault:
    """The best configuration of a stage against the default one.

    `verdict` says whether the best is better. The difference is that of their values of the objective, the best's less
    the default's, with its simultaneous 95% interval and p, which are None where nothing is known of them.
    """

    trial: str
    state: str
    verdict: str
    sentence: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    def facts(self) -> dict[str, Any]:
        """Return all as values for JSON."""
        return dict(vars(self))


def against_default(frames: Frames, stages: Sequence[StageView], search: StageView | None) -> AgainstDefault | None:
    """Compare the best of the last search stage with the default; None where none is named, or has begun."""
    members = trials_of_default(frames)
    if not members:
        return None
    first = next(stage for stage in stages if stage.name == members[0]["stage"])
    held = counted(members)
    trial = formatting.trial_names(first.name, sorted(each["number"] for each in held))
    row = next((each for each in first.rows if held[0]["id"] in each.trial_ids), None)
    pairs = zip(first.labels, row.values, strict=True) if row else ()
    about = ", ".join(f"{label} = {value}" for label, value in pairs if value != formatting.MISSING)
    named = f"The default configuration ({f'{about}; ' if about else ''}{trial})"
    state = configuration_state([each["state"] for each in members])
    if not held[0]["rank"]:
        return AgainstDefault(trial, state, UNKNOWN, f"{named} {_unfinished(members, state, frames.goal)}")
    if search is None:
        return None
    return _finished(frames, search, held, trial, f"{named} has a {frames.goal.measured} of")


def _unfinished(members: Sequence[Record], state: str, goal: Goal) -> str:
    cannot = "the study cannot tell whether the best is better than it"
    ended = next((each for each in members if each["state"] == state), members[0])
    if state == "failed":
        return f"failed: {why(ended).rstrip('.')}. So {cannot}."
    if state == "pruned" and out_of_time(ended):
        return f"was stopped before its end: {why(ended).rstrip('.')}. So {cannot}."
    if state == "pruned":
        behind = "It was behind others there; by how much the best is better at its end is not known."
        return f"was {pruned(ended, goal)}. {behind}"
    return f"has not finished yet, so {cannot}."


def _finished(frames: Frames, search: StageView, held: list[Record], trial: str, begun: str) -> AgainstDefault:
    goal = frames.goal
    ranked = [each for each in map(counted, configurations_of(frames.by_stage[search.name])) if each[0]["rank"]]
    ids = [each[0]["id"] for each in ranked]
    folds = search.replication is not None and search.replication.noun == "fold"
    mean = runs_of(frames, held, folds=folds).mean
    stage = next(row for row in frames.stage_rows if row["name"] == search.name)
    samples = samples_of(frames, stage, ranked[0][0], "validation") or 0
    places = formatting.decimals(samples)
    said = f"{begun} {goal_text.text(goal, goal.sign * mean, places)}."
    if held[0]["id"] == ids[0]:
        said += f" It is itself the best of {search.name}: the search found no better one."
        return AgainstDefault(trial, "complete", BEST, said)
    best = search.name if search.name == held[0]["stage"] else f"the last search stage ({search.name})"
    row = next((each for each in search.ranked if held[0]["id"] in each.trial_ids), None)
    seeds = search.replication is not None
    if row is not None:
        found = _turned(row.verdict.found) if row.verdict else None
    else:  # of an earlier stage, on the same validation samples
        ahead = mean > runs_of(frames, ranked[0], folds=folds).mean
        ranked = [held, *ranked] if ahead else [*ranked, held]
        table = compared(frames, ranked, samples, search.replication.folds if search.replication else None)
        found = _difference(table, ahead, held[0]["id"], ids[0])
        seeds = table is not None and table.evidence.seeds is not None
    if found is None:
        return AgainstDefault(trial, "complete", UNKNOWN, f"{said} {_no_evidence(best)}")
    difference, low, high = found.difference, found.low, found.high
    edges = sorted((goal.sign * low, goal.sign * high))
    value = goal.sign * difference
    numbers = ", ".join(
        (
            f"simultaneous 95% interval {goal_text.difference(goal, edges[0], places)} to"
            f" {goal_text.difference(goal, edges[1], places)}",
            formatting.p_value(found.p),
        )
    )
    gap = (
        f"the best less the default is {goal_text.difference(goal, value, places)}{' points' * goal.share} ({numbers})"
    )
    verdict = (BETTER if difference > 0 else NOT_BETTER) if found.worse else UNKNOWN
    if verdict == BETTER:
        said += f" The best of {best} is statistically significantly better than the default: {gap}."
    elif verdict == NOT_BETTER:
        said += f" The best of {best} is statistically significantly worse than the default: {gap}."
    else:
        said += f" The study cannot tell whether the best of {best} is better than the default: {gap}."
    if not seeds:
        which = "trials" if goal.of_function else "trained models"
        said += f" That is about these {which}: no configuration has a second seed."
    return AgainstDefault(trial, "complete", verdict, said, value, edges[0], edges[1], found.p)


def _difference(table: Compared | None, ahead: bool, default: int, best: int) -> AgainstBest | None:
    """Return the best's score less the default's, of a table whose first is the default where that is ahead."""
    found = table.verdicts.get(best if ahead else default) if table else None
    if found is None:
        return None
    return found.found if ahead else _turned(found.found)


def _turned(found: AgainstBest) -> AgainstBest:
    """Return the best's score less that of the other."""
    return AgainstBest(-found.difference, -found.high, -found.low, found.p, found.worse)


def _no_evidence(best: str) -> str:
    return (
        f"The study cannot tell whether the best of {best} is better: neither what each sample contributes to the"
        " objective nor a second seed is known."
    )
