"""Which configurations of a stage do not train on: decided at rungs, from the values there alone, in trial order.

A verdict depends on nothing but the configurations' standings at their rungs, so that it is the same whatever ran first and
however often it was asked for. May import spec.
"""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hpsearch.spec import Halving, Hyperband, Median

Standing = tuple[float, float]
"""A configuration at a rung: its validation accuracy so far, and the validation loss there; means over its replicates."""


@dataclass
class Entrant:
    """A configuration that meets the pruner at `rungs`; `at` has its standing at each it has come to, None if it is lost."""

    number: int
    batch: int
    rungs: tuple[int, ...]
    bracket: int = 0
    at: dict[int, Standing | None] = field(default_factory=dict)
    passed: int = 0  # how many of its rungs it may train beyond
    pruned_at: int | None = None  # the rung at which it was decided against

    @property
    def next_rung(self) -> int | None:
        """Where it waits for a verdict; None once it may train to its end."""
        return None if self.pruned_at is not None or self.passed == len(self.rungs) else self.rungs[self.passed]


@dataclass(frozen=True)
class Verdict:
    """What was decided of a configuration at a rung; `reason` is None if it trains on."""

    entrant: Entrant
    rung: int
    reason: str | None


class Judge(Protocol):
    """Gives each verdict as soon as it can be given."""

    def enter(self, entrant: Entrant) -> None:
        """A configuration was asked for; they come in order."""

    def close(self, batch: int) -> None:
        """No further configuration enters this batch, nor those before it."""

    def arrive(self, entrant: Entrant) -> None:
        """The configuration's standing at its next rung is known."""

    def verdicts(self) -> Iterator[Verdict]:
        """Decide what can be decided now, and mark the entrants so."""


def order(number: int, standing: Standing) -> tuple[float, float, int]:
    """What configurations are sorted by, the best first: as the ranking does it."""
    return -standing[0], standing[1], number


def _verdict(entrant: Entrant, rung: int, reason: str | None) -> Verdict:
    if reason is None:
        entrant.passed += 1
    else:
        entrant.pruned_at = rung
    return Verdict(entrant, rung, reason)


_LOST = "another replicate of its configuration failed"


@dataclass
class _Race:
    """The configurations of one batch, and how many of its rungs are decided."""

    entrants: list[Entrant] = field(default_factory=list)
    decided: int = 0
    arrived: int = 0
    running: int = 0


class HalvingJudge:
    """Successive halving (Jamieson and Talwalkar 2016), batch by batch.

    Once all of a batch's configurations that are still in the race have come to a rung, those train on that are among the
    best share `keep` of all that have come to it so far, those of earlier batches included. With one batch this is
    successive halving; with many its asynchronous form (Li et al. 2020), but in trial order.
    """

    def __init__(self, keep: float, rungs: Sequence[int]) -> None:
        self.keep = keep
        self.rungs = tuple(rungs)
        self._races: defaultdict[int, _Race] = defaultdict(_Race)
        self._closed = -1
        self._came: list[list[tuple[float, float, int]]] = [[] for _ in rungs]
        self._lost = [0] * len(rungs)

    def enter(self, entrant: Entrant) -> None:
        race = self._races[entrant.batch]
        race.entrants.append(entrant)
        race.running += entrant.next_rung is not None

    def close(self, batch: int) -> None:
        self._closed = max(self._closed, batch)

    def arrive(self, entrant: Entrant) -> None:
        self._races[entrant.batch].arrived += 1

    def verdicts(self) -> Iterator[Verdict]:
        before = len(self.rungs)
        for batch in sorted(self._races):
            race = self._races[batch]
            while batch <= self._closed and race.decided < before and race.arrived == race.running:
                yield from self._decide(race)
            before = race.decided
            if not before:
                return

    def _decide(self, race: _Race) -> Iterator[Verdict]:
        index = race.decided
        rung, came = self.rungs[index], self._came[index]
        here = [entrant for entrant in race.entrants if entrant.next_rung == rung]
        for entrant in here:
            standing = entrant.at[rung]
            if standing is None:
                self._lost[index] += 1
            else:
                insort(came, order(entrant.number, standing))
        many = len(came) + self._lost[index]
        kept = max(1, math.ceil(self.keep * many - 1e-9))
        race.decided += 1
        race.arrived = 0
        for entrant in here:
            yield self._judge(entrant, rung, kept, many, came)
        race.running = sum(entrant.next_rung is not None for entrant in here)

    def _judge(self, entrant: Entrant, rung: int, kept: int, many: int, came: Sequence[object]) -> Verdict:
        standing = entrant.at[rung]
        if standing is None:
            return _verdict(entrant, rung, _LOST)
        place = bisect_left(came, order(entrant.number, standing)) + 1  # type: ignore[type-var]
        if place <= kept:
            return _verdict(entrant, rung, None)
        best = "the best one" if kept == 1 else f"the best {kept}"
        return _verdict(entrant, rung, f"place {place} of {many} after epoch {rung}, where {best} went on")


class HyperbandJudge:
    """Hyperband (Li et al. 2018): brackets of successive halving, from eager to patient, side by side."""

    def __init__(self, keep: float, brackets: Sequence[Sequence[int]]) -> None:
        self._brackets = [HalvingJudge(keep, rungs) for rungs in brackets]

    def enter(self, entrant: Entrant) -> None:
        self._brackets[entrant.bracket].enter(entrant)

    def close(self, batch: int) -> None:
        for bracket in self._brackets:
            bracket.close(batch)

    def arrive(self, entrant: Entrant) -> None:
        self._brackets[entrant.bracket].arrive(entrant)

    def verdicts(self) -> Iterator[Verdict]:
        for bracket in self._brackets:
            yield from bracket.verdicts()


class MedianJudge:
    """The median rule (Golovin et al. 2017): a configuration below the median of those before it at a rung does not go on.

    Those before it are all earlier configurations that came to the rung. The first `startup` configurations always go on.
    """

    def __init__(self, startup: int, rungs: Sequence[int]) -> None:
        self.startup = startup
        self.rungs = tuple(rungs)
        self._entrants: list[Entrant] = []
        self._cursors = [0] * len(rungs)
        self._came: list[list[float]] = [[] for _ in rungs]

    def enter(self, entrant: Entrant) -> None:
        self._entrants.append(entrant)

    def close(self, batch: int) -> None:
        pass  # a verdict needs only the configurations before

    def arrive(self, entrant: Entrant) -> None:
        pass

    def verdicts(self) -> Iterator[Verdict]:
        for index, rung in enumerate(self.rungs):
            while self._cursors[index] < len(self._entrants):
                entrant = self._entrants[self._cursors[index]]
                at = entrant.next_rung
                if at is not None and (at < rung or (at == rung and rung not in entrant.at)):
                    break
                self._cursors[index] += 1
                if entrant.next_rung == rung:
                    yield self._judge(entrant, index)

    def _judge(self, entrant: Entrant, index: int) -> Verdict:
        rung, came = self.rungs[index], self._came[index]
        standing = entrant.at[rung]
        if standing is None:
            return _verdict(entrant, rung, _LOST)
        value = standing[0]
        middle = (came[(len(came) - 1) // 2] + came[len(came) // 2]) / 2 if came else value
        reason = None
        if entrant.number >= self.startup and value < middle:
            reason = f"{value:.2%} after epoch {rung}, below {middle:.2%}, the median of the {len(came)} before it"
        insort(came, value)
        return _verdict(entrant, rung, reason)


def judge_of(pruner: Halving | Hyperband | Median, epochs: int) -> Judge:
    """The judge of a stage whose longest training has so many epochs."""
    if isinstance(pruner, Hyperband):
        return HyperbandJudge(pruner.keep, pruner.brackets_for(epochs))
    rungs = pruner.rungs_for(epochs)
    return HalvingJudge(pruner.keep, rungs) if isinstance(pruner, Halving) else MedianJudge(pruner.startup, rungs)


def meeting(pruner: Halving | Hyperband | Median, number: int, epochs: int) -> tuple[tuple[int, ...], int]:
    """The rungs at which configuration `number` meets the pruner, and its bracket; `epochs` as for `judge_of`."""
    if not isinstance(pruner, Hyperband):
        return pruner.rungs_for(epochs), 0
    bracket = pruner.bracket_of(number, epochs)
    return pruner.brackets_for(epochs)[bracket], bracket
