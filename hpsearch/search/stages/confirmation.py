"""Further replicates of a stage's best configurations, until one is significantly better than the others.

A pure function of the values so far: it says which configurations get another replicate, or how the comparison ended.
May import spec, NumPy and SciPy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from hpsearch.spec import Confirm

ALPHA = 0.05
"""The probability, over all rounds and configurations, of calling a configuration worse that is as good as the best."""

_FEWEST = 3
"""With fewer replicates a paired test has no power."""


@dataclass(frozen=True)
class Replicates:
    """A configuration by its number, with the values of its replicates in order; None for one that failed."""

    number: int
    values: Sequence[float | None]
    trial: int = 0  # the number of its first trial, by which messages name it


@dataclass(frozen=True)
class Round:
    """The configurations that train one more replicate, and its number; or, without any, how the comparison ended."""

    numbers: tuple[int, ...]
    replicate: int
    outcome: str | None = None


def next_round(confirm: Confirm, base: int, ranked: Sequence[Replicates]) -> Round:
    """What to train next; `ranked` has the configurations whose `base` replicates all finished, the best first.

    After each round the configurations are compared with the best one by paired t-tests over the replicates, which
    share their seeds; those that are significantly worse are dropped. The error rate is divided over the rounds by
    Bonferroni's method, and over the configurations by Holm's.
    """
    candidates = list(ranked[: confirm.best])
    rounds = max(1, confirm.replicates - max(base, _FEWEST) + 1)
    worse = False
    for replicates in range(base, confirm.replicates + 1):
        if any(len(c.values) < replicates for c in candidates):
            missing = tuple(c.number for c in candidates if len(c.values) < replicates)
            return Round(missing, replicates - 1)
        candidates = [c for c in candidates if None not in c.values[:replicates]]
        if candidates and replicates >= _FEWEST:
            before, candidates = candidates, _not_worse(candidates, replicates, ALPHA / rounds)
            worse |= len(candidates) < len(before)
        if len(candidates) <= 1:
            return _catch_up(candidates, ranked) or Round((), replicates, _result(candidates, replicates, worse=worse))
    names = ", ".join(str(c.trial) for c in candidates)
    which = f"the configurations of trials {names}"
    outcome = f"After {confirm.replicates} replicates {which} are not statistically distinguishable."
    return Round((), confirm.replicates, outcome)


def _catch_up(candidates: Sequence[Replicates], ranked: Sequence[Replicates]) -> Round | None:
    """Replicate the best as often as the others: those with more, from before an extension, would rank above it."""
    most = max((len(c.values) for c in ranked), default=0)
    if candidates and len(candidates[0].values) < most:
        return Round((candidates[0].number,), len(candidates[0].values))
    return None


def _result(candidates: Sequence[Replicates], replicates: int, *, worse: bool) -> str:
    """The sentence on a comparison that left at most one; `worse` if another was found significantly worse."""
    if not candidates:
        return "All of the best configurations failed with a further replicate."
    if not worse:
        return f"There was no other configuration left to confirm that of trial {candidates[0].trial} against."
    return f"After {replicates} replicates the configuration of trial {candidates[0].trial} is clearly the best."


def _not_worse(candidates: Sequence[Replicates], replicates: int, alpha: float) -> list[Replicates]:
    """Those that are not significantly worse than the one with the highest mean, by Holm's method."""
    values: Mapping[int, np.ndarray] = {c.number: np.array(c.values[:replicates], dtype=float) for c in candidates}
    best = max(candidates, key=lambda c: (fmean(values[c.number]), -c.number))
    found = {c.number: paired_p(values[best.number], values[c.number]) for c in candidates if c is not best}
    worse: set[int] = set()
    for index, number in enumerate(sorted(found, key=lambda number: found[number])):
        if found[number] > alpha / (len(found) - index):
            break
        worse.add(number)
    return [c for c in candidates if c.number not in worse]


def paired_p(a: np.ndarray, b: np.ndarray) -> float:
    """The two-sided p-value of Student's paired t-test; 1 where the differences do not vary."""
    from scipy.special import stdtr  # takes 0.2 s, and most studies do without

    difference = a - b
    if np.ptp(difference) < 1e-12:  # of accuracies, whose steps are one sample
        return 1.0
    t = difference.mean() / np.sqrt(difference.var(ddof=1) / len(difference))
    return float(2.0 * stdtr(len(difference) - 1, -abs(t)))
