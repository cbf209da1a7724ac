"""Further replicates of a stage's best configurations, until the best of them is clear.

A pure function of the values so far: it says who gets another replicate, or that the race is over. May import spec,
NumPy and SciPy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from scipy.special import stdtr

from hpsearch.spec import Confirm

ALPHA = 0.05
"""The chance, over all looks and all configurations, of calling a configuration worse that is as good as the best."""

_FEWEST = 3
"""With fewer replicates a paired test says nothing."""


@dataclass(frozen=True)
class Contestant:
    """A configuration by its number, with the values of its replicates in order; None for one that failed."""

    number: int
    values: Sequence[float | None]
    trial: int = 0  # the number of its first trial, which it is called by


@dataclass(frozen=True)
class Round:
    """Who trains one more replicate, which; or, with nobody, in words how it ended."""

    numbers: tuple[int, ...]
    replicate: int
    outcome: str | None = None


def next_round(confirm: Confirm, base: int, ranked: Sequence[Contestant]) -> Round:
    """What to train next; `ranked` has the configurations whose `base` replicates all finished, the best first.

    After each round the configurations are compared with the leader by paired t-tests over the replicates, which share
    their seeds; those that are worse leave the race. The error rate is shared out evenly over the looks (Bonferroni)
    and over the configurations by Holm's method.
    """
    field: list[Contestant] = list(ranked[: confirm.best])
    looks = max(1, confirm.replicates - max(base, _FEWEST) + 1)
    worse = False
    for replicates in range(base, confirm.replicates + 1):
        if any(len(contestant.values) < replicates for contestant in field):
            missing = tuple(c.number for c in field if len(c.values) < replicates)
            return Round(missing, replicates - 1)
        field = [contestant for contestant in field if None not in contestant.values[:replicates]]
        if field and replicates >= _FEWEST:
            before, field = field, _not_worse(field, replicates, ALPHA / looks)
            worse |= len(field) < len(before)
        if len(field) <= 1:
            return _catch_up(field, ranked) or Round((), replicates, _clear(field, replicates, worse=worse))
    names = ", ".join(str(contestant.trial) for contestant in field)
    outcome = f"After {confirm.replicates} replicates the configurations of trials {names} cannot be told apart."
    return Round((), confirm.replicates, outcome)


def _catch_up(field: Sequence[Contestant], ranked: Sequence[Contestant]) -> Round | None:
    """Before the study grew, others may have been confirmed with more replicates, which the ranking goes by first."""
    most = max((len(contestant.values) for contestant in ranked), default=0)
    if field and len(field[0].values) < most:
        return Round((field[0].number,), len(field[0].values))
    return None


def _clear(field: Sequence[Contestant], replicates: int, *, worse: bool) -> str:
    """In words, why nobody is left to compare; `worse` if another was found to be."""
    if not field:
        return "All of the best configurations failed with a further replicate."
    if not worse:
        return f"There was no other configuration left to confirm that of trial {field[0].trial} against."
    return f"After {replicates} replicates the configuration of trial {field[0].trial} is clearly the best."


def _not_worse(field: Sequence[Contestant], replicates: int, alpha: float) -> list[Contestant]:
    """Those that Holm's method does not tell from the one with the highest mean."""
    values: Mapping[int, np.ndarray] = {c.number: np.array(c.values[:replicates], dtype=float) for c in field}
    leader = max(field, key=lambda c: (fmean(values[c.number]), -c.number))
    found = {c.number: paired_p(values[leader.number], values[c.number]) for c in field if c is not leader}
    worse: set[int] = set()
    for place, number in enumerate(sorted(found, key=lambda number: found[number])):
        if found[number] > alpha / (len(found) - place):
            break
        worse.add(number)
    return [contestant for contestant in field if contestant.number not in worse]


def paired_p(a: np.ndarray, b: np.ndarray) -> float:
    """The two-sided p-value of Student's paired t-test; 1 where the differences do not vary, and say nothing."""
    difference = a - b
    if np.ptp(difference) < 1e-12:  # of accuracies, whose steps are one image
        return 1.0
    t = difference.mean() / np.sqrt(difference.var(ddof=1) / len(difference))
    return float(2.0 * stdtr(len(difference) - 1, -abs(t)))  # scipy.stats takes a fifth of a second to import
