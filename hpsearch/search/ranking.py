"""The ranking of a stage's configurations, which all later stages are based on.

May import storage's records and fronts.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from hpsearch.errors import HpsearchError
from hpsearch.storage.fronts import front_ranks
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, Params, TrialRow


class StageFailedError(HpsearchError):
    """No configuration of a stage finished, so that the stages after it cannot begin."""


@dataclass(frozen=True)
class Ranked:
    """A configuration whose trials, one per replicate, all finished, with the means over them."""

    params: Params
    value: float  # the objective
    score: float  # the same, turned so that a higher one is better
    loss: float  # validation loss
    point: int
    number: int  # of its first trial
    trials: tuple[int, ...]  # their ids
    scores: tuple[float, ...] = ()  # of several objectives
    front: int = 0  # the non-dominated rank by them: 0 on the front


def rank(trials: Sequence[TrialRow]) -> list[Ranked]:
    """The configurations, best first: by the objective, then the lower validation loss, then the trial's number.

    Configurations with more replicates, which were confirmed, come before those with fewer, whose values have a larger
    selection bias. With several objectives the front comes first, then the front of the others, and so on; inside one
    the main objective decides. A configuration with a failed, pruned or unfinished replicate is left out, and so are
    replicates that the budget of minutes stopped.
    """
    points: dict[int, list[TrialRow]] = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: trial.number):
        if not (trial.state == PRUNED and trial.pruned_at is None):
            points[trial.point].append(trial)
    found = []
    for point, members in points.items():
        if all(trial.state == COMPLETE for trial in members):
            score = _mean([-math.inf if trial.score is None else trial.score for trial in members])
            loss = _mean([math.inf if trial.loss is None else trial.loss for trial in members])
            ids = tuple(trial.id for trial in members)
            value = members[0].goal.sign * score
            found.append(Ranked(members[0].params, value, score, loss, point, members[0].number, ids, means(members)))
    if found and found[0].scores:
        ranks = front_ranks([ranked.scores for ranked in found])
        found = [replace(ranked, front=front) for ranked, front in zip(found, ranks, strict=True)]
    return sorted(
        found, key=lambda ranked: (-len(ranked.trials), ranked.front, -ranked.score, ranked.loss, ranked.number)
    )


def _mean(values: Sequence[float]) -> float:
    """The mean; of the one value that most configurations have it is that, without the five microseconds of `fmean`."""
    return float(values[0]) if len(values) == 1 else fmean(values)


def means(members: Sequence[TrialRow]) -> tuple[float, ...]:
    """The mean score of a configuration's trials in each of several objectives; () where there is one."""
    goal = members[0].goal
    if not goal.objectives:
        return ()
    none = (None,) * len(goal.objectives)
    scores = [goal.scores(trial.values or none) for trial in members]
    return tuple(fmean(column) for column in zip(*scores, strict=True))


def require_success(stage: str, trials: Sequence[TrialRow]) -> None:
    """Raise StageFailedError if no configuration of the stage finished."""
    if rank(trials):
        return
    failed = [trial for trial in trials if trial.state == FAILED]
    if failed:
        many = f"all {len(trials)}" if len(failed) == len(trials) else f"{len(failed)} of {len(trials)}"
        raise StageFailedError(f"stage {stage!r}: {many} trials failed, the first because {failed[0].reason}")
    raise StageFailedError(
        f"stage {stage!r}: its budget ended before any configuration was trained; give it a longer one and resume"
    )
