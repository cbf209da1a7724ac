"""Early stopping of trials that are worse than others: [stage].pruner. May import pydantic."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, PrivateAttr, Tag, model_validator

from hpsearch.spec.messages import TAG, wrong
from hpsearch.spec.tables.base import LARGEST, Count, Share, Table, of_kind, tag_of

MAX_RUNGS = 1000

Epochs = Annotated[tuple[Count, ...], Field(strict=False, min_length=1, max_length=MAX_RUNGS)]
"""A list of rungs."""

Rungs = Annotated[
    Annotated[Count, Field(le=MAX_RUNGS), Tag(TAG + "count")] | Annotated[Epochs, Tag(TAG + "epochs")],
    Discriminator(lambda given: TAG + ("epochs" if isinstance(given, list | tuple) else "count")),
]
"""A number of rungs, or a list of them."""

Audit = Annotated[float, Field(ge=0, lt=1)]
"""The probability that a trial is trained on although it would be pruned."""

AUDIT = 0.05


class _Pruner(Table):
    """What pruners share: rungs, which do not depend on a trial's length.

    Where the file gives neither `rungs` nor `min_epochs`, `hpsearch.spec.rungs` chooses them, and the launch stores
    them. Until then, and in studies that were launched before there was a choice, they begin at the first epoch.
    """

    min_epochs: Count | None = None
    """The first rung, where `rungs` is not a list. If not given: chosen by the length of the training and its schedule.
    """
    _chosen: tuple[int, ...] | None = PrivateAttr(None)

    @property
    def first(self) -> int:
        """The first rung, where they are not chosen."""
        return self.min_epochs or 1

    def choosing(self, rungs: Sequence[int]) -> Self:
        """Return the pruner with these rungs, where the file leaves them open."""
        found = self.model_copy()
        found._chosen = tuple(rungs)
        return found


class _WithRungs(_Pruner):
    """A pruner whose `rungs` may be given."""

    rungs: Rungs | None = None
    """The epochs at which trials are pruned: a list (`[2, 4, 8]`), or how many; all that fit if not given."""
    audit: Audit = AUDIT
    """The probability that a trial is trained on although it would be pruned, so that the report can estimate how often
    pruning loses the best one; 0 is never.
    """

    @model_validator(mode="after")
    def _has_rising_rungs(self) -> Self:
        if not isinstance(self.rungs, tuple):
            return self
        for i, (rung, following) in enumerate(itertools.pairwise(self.rungs), 1):
            if following <= rung:
                raise wrong(f"must be above {rung:_}, the rung before it, got {following:_}", "rungs", i)
        if self.min_epochs is not None:
            rule = "must not be given beside a list of rungs, whose first it would be"
            raise wrong(f"{rule}, got {self.min_epochs:_}", "min_epochs")
        return self


class Halving(_WithRungs):
    """Successive halving (Jamieson & Talwalkar 2016): each rung keeps the best share `keep` of its trials."""

    in_batches: ClassVar[bool] = True
    """Whether it compares the trials of a batch with each other."""

    kind: Literal["halving"]
    keep: Share = 1 / 3
    """The share of trials that each rung keeps; 1 / the reduction factor."""

    def rungs_for(self, epochs: int) -> tuple[int, ...]:
        """Return the rungs of a trial of so many epochs; those of a shorter one are the first of a longer one's."""
        return _rungs(self._chosen or self.rungs, self.first, self.keep, epochs)


class Hyperband(_Pruner):
    """Hyperband (Li et al. 2018): brackets of successive halving, each of which prunes from a later rung on."""

    in_batches: ClassVar[bool] = True

    kind: Literal["hyperband"]
    keep: Share = 1 / 3
    """The share of trials that each rung keeps; 1 / the reduction factor."""
    audit: Audit = AUDIT
    """The probability that a trial is trained on although it would be pruned, so that the report can estimate how often
    pruning loses the best one; 0 is never.
    """

    def rungs_for(self, epochs: int) -> tuple[int, ...]:
        """Return all rungs of a training of so many epochs: those of the bracket that prunes first."""
        return _rungs(self._chosen, self.first, self.keep, epochs)

    def brackets_for(self, epochs: int) -> tuple[tuple[int, ...], ...]:
        """Return the rungs of each bracket, that which prunes first at the beginning; the last bracket has none."""
        rungs = self.rungs_for(epochs)
        return tuple(rungs[first:] for first in range(len(rungs) + 1))

    def bracket_of(self, number: int, epochs: int) -> int:
        """Return the bracket of the point of that number, where the stage's longest training has so many epochs.

        A bracket with s rungs gets points in proportion to η^s/(s+1), η = 1/keep, as in Hyperband, for any number of
        points as nearly as whole points can: bracket after bracket takes its rounded share of what is left.
        """
        last = len(self.rungs_for(epochs))
        for bracket, share in enumerate(_parts(last + 1, self.keep)):
            before, after = (math.floor(n * share + 0.5) for n in (number, number + 1))
            if after > before:
                return bracket
            number -= before
        return last


class Median(_WithRungs):
    """The median rule (Golovin et al. 2017): prunes a trial that is below the median of the trials before it."""

    in_batches: ClassVar[bool] = False

    kind: Literal["median"]
    startup: Count = 5
    """The first configurations, so many, are not pruned; below the stage's number of configurations."""

    def rungs_for(self, epochs: int) -> tuple[int, ...]:
        """Return the rungs of a trial of so many epochs; those of a shorter one are the first of a longer one's."""
        if self.rungs is None:
            return tuple(range(self._chosen[0] if self._chosen else self.first, epochs))
        return _rungs(self._chosen or self.rungs, self.first, 1 / 2, epochs)


def _rungs(given: int | tuple[int, ...] | None, first: int, keep: float, epochs: int) -> tuple[int, ...]:
    """Return the rungs below `epochs`: those given, or so many (None: all) in proportion 1/keep from `first` on."""
    rungs = iter(given) if isinstance(given, tuple) else itertools.islice(_geometric(first, keep), given)
    return tuple(itertools.takewhile(lambda rung: rung < epochs, rungs))


def _geometric(rung: int, keep: float) -> Iterator[int]:
    while True:
        yield rung
        rung = max(rung + 1, round(min(rung / keep, LARGEST)))


def _parts(brackets: int, keep: float) -> list[float]:
    """Return the share that each bracket gets of the points that the brackets before it leave; the last gets all."""
    shares, power = [], 1.0
    for rungs in range(brackets - 1, -1, -1):
        shares.append(power / (rungs + 1))
        power *= keep  # not keep**n, which another machine's library may round otherwise
    left = list(itertools.accumulate(reversed(shares)))[::-1]  # added up from the smallest
    return [share / rest for share, rest in zip(shares, left, strict=True) if rest]


Pruner = Annotated[
    Annotated[Halving, Tag(TAG + "halving")]
    | Annotated[Hyperband, Tag(TAG + "hyperband")]
    | Annotated[Median, Tag(TAG + "median")],
    Discriminator(tag_of),
    of_kind("halving", "hyperband", "median"),
]
