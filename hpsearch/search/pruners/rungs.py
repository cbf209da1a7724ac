"""A stage's configurations on their way from rung to rung: their standings there, and what the judge makes of them.

May import spec and storage's records.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from hpsearch.search.pruners.pruner import Entrant, Standing, Verdict, judge_of, meeting
from hpsearch.spec import Halving, Hyperband, Median
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, TrialRow

Curve = Sequence[tuple[int, float, float]]
"""(epoch, validation accuracy, validation loss), in order."""


@dataclass
class Track:
    """A trial's standing at each rung it has come to: that of its kept weights, had it ended there."""

    best: Standing | None = None
    at: dict[int, Standing] = field(default_factory=dict)

    def add(self, rungs: Container[int], curve: Curve, *, last: bool) -> None:
        """Take further epochs in; `last` where the last epoch's weights are kept, and not the best one's."""
        for epoch, value, loss in curve:
            if last or self.best is None or value > self.best[0]:
                self.best = value, loss
            if epoch in rungs:
                self.at[epoch] = self.best


class Rungs:
    """Follows all configurations of a stage with a pruner."""

    def __init__(self, pruner: Halving | Hyperband | Median, longest: int) -> None:
        """`longest` is the number of epochs of the stage's longest training."""
        self.pruner, self.longest = pruner, longest
        self._judge = judge_of(pruner, longest)
        self._entrants: list[Entrant] = []
        self._rungs: list[frozenset[int]] = []
        self._tracks: dict[int, Track] = {}

    def enter(self, batch: int, epochs: int) -> None:
        """The next configuration, which trains for so many epochs."""
        number = len(self._entrants)
        rungs, bracket = meeting(self.pruner, number, self.longest)
        entrant = Entrant(number, batch, tuple(rung for rung in rungs if rung < epochs), bracket)
        self._entrants.append(entrant)
        self._rungs.append(frozenset(entrant.rungs))
        self._judge.enter(entrant)

    def close(self, batch: int) -> None:
        """No further configuration enters this batch."""
        self._judge.close(batch)

    def follow(self, row: TrialRow, curve: Curve) -> None:
        """A trial has trained on, or ended."""
        last = row.configuration["training"].get("keep") == "last"
        self._tracks.setdefault(row.id, Track()).add(self._rungs[row.point], curve, last=last)

    def arrive(self, number: int, rows: Sequence[TrialRow]) -> None:
        """Hand a configuration to the judge if all its replicates have come to its next rung."""
        entrant = self._entrants[number]
        rung = entrant.next_rung
        if rung is None or rung in entrant.at:
            return
        found: list[Standing | None] = []
        for row in rows:
            track = self._tracks.get(row.id, Track())
            if rung in track.at:
                found.append(track.at[rung])
            elif row.state == COMPLETE:  # it stopped early, and stays what it is
                found.append(track.best)
            elif row.state in (FAILED, PRUNED):
                found.append(None)
            else:
                return
        standings = [standing for standing in found if standing is not None]
        whole = len(standings) == len(found)
        entrant.at[rung] = (fmean(s[0] for s in standings), fmean(s[1] for s in standings)) if whole else None
        self._judge.arrive(entrant)

    def verdicts(self) -> list[Verdict]:
        """What can be decided now."""
        return list(self._judge.verdicts())

    def limit(self, number: int) -> int | None:
        """The epoch at which the configuration waits for a verdict; None if it may train to its end."""
        return self._entrants[number].next_rung

    def values(self, number: int) -> tuple[tuple[int, float], ...]:
        """The configuration's validation accuracies at the rungs it has come to."""
        return tuple((rung, s[0]) for rung, s in sorted(self._entrants[number].at.items()) if s is not None)
