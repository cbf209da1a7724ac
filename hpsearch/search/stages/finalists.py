"""Which configurations of the last stage the final trains again. May import spec and storage."""

from collections.abc import Sequence

from hpsearch.search.ranking import Ranked
from hpsearch.spec import Final
from hpsearch.storage.fronts import front_ranks
from hpsearch.storage.records import Goal


def finalists(final: Final, goal: Goal, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The best configuration; with several objectives those of the front, or by `prefer` the best of these.

    Of configurations that are equal in every objective, only the first is taken.
    """
    if not goal.objectives:
        return list(ranked[:1])
    front = list({each.scores: each for each in reversed(ranked) if each.front == 0}.values())[::-1]
    if final.prefer is None or not front:
        return front
    k = [each.metric for each in goal.objectives].index(final.prefer)
    tolerance = final.tolerance or 0.0
    best = max(each.scores[k] for each in front)
    near = [each for each in front if each.scores[k] >= best or best - each.scores[k] <= tolerance * (1 + 1e-12)]
    ranks = front_ranks([(*each.scores[:k], *each.scores[k + 1 :]) for each in near])
    return [each for each, rank in zip(near, ranks, strict=True) if rank == 0]


def final_note(final: Final, stage: str, winners: Sequence[Ranked], *, several: bool) -> str:
    """What the final trains, and why, for the report."""
    if not several:
        return f"The best configuration of stage {stage!r}, its trial {winners[0].number}, trained again."
    trials = f"trial{'s' * (len(winners) > 1)} {', '.join(str(each.number) for each in winners)}"
    if final.prefer is None:
        return f"The front of stage {stage!r}, its {trials}, trained again."
    within = f"within {final.tolerance or 0:g} of the best {final.prefer}, the best in the other objectives"
    return f"Of the front of stage {stage!r}, {within}: its {trials}, trained again."
