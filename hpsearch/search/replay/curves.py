"""Configurations that trained to their end, with their scores after each epoch. May import storage's records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpsearch.search.pruners.pruner import Score, sort_key
from hpsearch.search.pruners.rungs import Curve, TrialScores, mean_score
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, Params, TrialRow


@dataclass(frozen=True)
class Trained:
    """A configuration that trained to its end, whatever a pruner may decide of it in a replay.

    `scores` has what its weights would have been worth if it had ended there, epoch by epoch from 1; it may be shorter
    than `epochs`, where all its trials stopped early. `trained` are the epochs of each of its trials.
    """

    number: int  # of its first trial
    params: Params
    epochs: int
    scores: tuple[Score, ...]
    trained: tuple[int, ...]

    def at(self, epoch: int) -> Score:
        """Return the score after an epoch; that of the end for later ones."""
        return self.scores[min(epoch, len(self.scores)) - 1]

    @property
    def end(self) -> Score:
        """The score that the configuration is ranked by."""
        return self.scores[-1]

    def cost(self, until: int | None = None) -> int:
        """Return the epochs of all its trials together, at most to this one."""
        return sum(each if until is None else min(each, until) for each in self.trained)


def best_of(configurations: Sequence[Trained]) -> Trained:
    """Return the best configuration, as the ranking has it."""
    return min(configurations, key=lambda each: sort_key(each.number, each.end))


def trained_of(
    rows: Sequence[TrialRow], curves: Mapping[int, Curve], replicates: int
) -> tuple[list[Trained], Counter[str]]:
    """Return a stage's configurations that trained to their end, and how many of the others are in which state.

    Of a configuration that was confirmed, only the replicates that all configurations have count. `curves` are by trial
    id.
    """
    points: dict[int, list[TrialRow]] = {}
    for row in sorted(rows, key=lambda row: row.number):
        if row.replicate < replicates:
            points.setdefault(row.point, []).append(row)
    found: list[Trained] = []
    left_out: Counter[str] = Counter()
    for members in points.values():
        states = {row.state for row in members}
        if states != {COMPLETE} or len(members) < replicates:
            left_out[next((state for state in (FAILED, PRUNED) if state in states), "unfinished")] += 1
            continue
        found.append(_trained(members, [curves[row.id] for row in members]))
    return found, left_out


def _trained(rows: Sequence[TrialRow], curves: Sequence[Curve]) -> Trained:
    done = tuple(curve[-1][0] for curve in curves)
    longest = max(done)
    by_trial = []
    for row, curve in zip(rows, curves, strict=True):
        scores = TrialScores()
        last = row.configuration["training"].get("keep") == "last"
        scores.add(range(1, longest + 1), curve, row.goal.sign, last=last)
        by_trial.append(scores)
    means = [
        mean_score([each.at.get(epoch) or each.best or (0.0, 0.0) for each in by_trial])
        for epoch in range(1, longest + 1)
    ]
    first = rows[0]
    return Trained(first.number, first.params, first.epochs, tuple(means), done)
