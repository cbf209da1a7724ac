"""The ranking of a stage's configurations, which all later stages are based on. May import storage's records."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from hpsearch.errors import HpsearchError
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


def rank(trials: Sequence[TrialRow]) -> list[Ranked]:
    """The configurations, best first: by the objective, then the lower validation loss, then the trial's number.

    Configurations with more replicates, which were confirmed, come before those with fewer, whose values have a larger
    selection bias. A configuration with a failed, pruned or unfinished replicate is left out, and so are replicates
    that the budget of minutes stopped.
    """
    points: dict[int, list[TrialRow]] = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: trial.number):
        if not (trial.state == PRUNED and trial.pruned_at is None):
            points[trial.point].append(trial)
    found = []
    for point, members in points.items():
        if all(trial.state == COMPLETE for trial in members):
            score = fmean(-math.inf if trial.score is None else trial.score for trial in members)
            loss = fmean(math.inf if trial.loss is None else trial.loss for trial in members)
            ids = tuple(trial.id for trial in members)
            value = members[0].goal.sign * score
            found.append(Ranked(members[0].params, value, score, loss, point, members[0].number, ids))
    return sorted(found, key=lambda ranked: (-len(ranked.trials), -ranked.score, ranked.loss, ranked.number))


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
