"""How the learning rate η changes with the updates, as the study file says it. May import pydantic."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.tables.base import Count, Positive, Share, Table, of_kind, tag_of

FIRST_OF_PEAK, LAST_OF_FIRST = 1 / 25, 1e-4
"""Where a one-cycle schedule begins and ends unless it says so: parts of its peak and of where it begins."""


class _WarmedUp(Table):
    """A schedule whose first learning rates rise from 0 in a straight line."""

    warmup_epochs: Count | None = None
    """So long η rises from 0 to what the schedule has; shorter than the training, and takes no extra time."""
    warmup_updates: Count | None = None
    """The same in updates."""

    @model_validator(mode="after")
    def _has_one_warm_up_at_most(self) -> Self:
        if self.warmup_epochs is not None and self.warmup_updates is not None:
            raise wrong("must have either warmup_epochs or warmup_updates, not both")
        return self


class Constant(_WarmedUp):
    """The learning rate is `training.eta` throughout."""

    kind: Literal["constant"] = "constant"


class Step(_WarmedUp):
    """The learning rate begins at `training.eta` and is multiplied by `factor` after every `every_epochs` epochs."""

    kind: Literal["step"]
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """What η is multiplied by."""
    every_epochs: Count = 10
    """After every so many epochs."""


class Cyclical(Table):
    """The learning rate goes up from `eta_min` to `eta_max` in one half cycle, and down again in the next.

    With `halving`, the height above `eta_min` is halved after each cycle.
    """

    kind: Literal["cyclical"]
    eta_min: Positive
    """The learning rate that it begins with."""
    eta_max: Positive
    """The highest learning rate."""
    half_cycle_epochs: Count | None = None
    """How long it goes up, and then down; a whole cycle must fit into the training."""
    half_cycle_updates: Count | None = None
    """The same in updates."""
    halving: bool = False
    """Halve the height of the cycles after each."""

    @model_validator(mode="after")
    def _has_one_half_cycle_and_a_rise(self) -> Self:
        if (self.half_cycle_epochs is None) == (self.half_cycle_updates is None):
            raise wrong("must have either half_cycle_epochs or half_cycle_updates")
        if self.eta_min > self.eta_max:
            raise wrong(f"must be at most eta_max = {show(self.eta_max)}, got {show(self.eta_min)}", "eta_min")
        return self


class Cosine(_WarmedUp):
    """The learning rate goes down from `training.eta` to `eta_min` along half a cosine, over the whole training."""

    kind: Literal["cosine"]
    eta_min: Annotated[float, Field(ge=0, le=1e15)] = 0.0
    """The learning rate that it ends with; at most `eta`."""


class OneCycle(Table):
    """One cycle over the whole training (Smith 2018): up from `eta_min` to `eta_max`, down to far below `eta_min`.

    `warm` is the share of the training in which it rises. `first` and `last` are where it begins and ends, whether
    the study file says so or not.
    """

    kind: Literal["one_cycle"]
    eta_max: Positive
    """The highest learning rate."""
    eta_min: Positive | None = None
    """The learning rate that it begins with; a 25th of `eta_max` if not given."""
    eta_end: Positive | None = None
    """The learning rate that it ends with; a 10,000th of `eta_min` if not given."""
    warm: Share = 0.3
    """The share of the training in which it rises."""

    @property
    def first(self) -> float:
        """The learning rate that it begins with."""
        return self.eta_max * FIRST_OF_PEAK if self.eta_min is None else self.eta_min

    @property
    def last(self) -> float:
        """The learning rate that it ends with."""
        return self.first * LAST_OF_FIRST if self.eta_end is None else self.eta_end

    @model_validator(mode="after")
    def _rises_and_falls(self) -> Self:
        if self.eta_min is not None and self.eta_min > self.eta_max:
            raise wrong(f"must be at most eta_max = {show(self.eta_max)}, got {show(self.eta_min)}", "eta_min")
        if self.eta_end is not None and self.eta_min is None:
            raise wrong("is missing; eta_end needs it", "eta_min")
        if self.eta_end is not None and self.eta_end > self.first:
            raise wrong(f"must be at most eta_min = {show(self.first)}, got {show(self.eta_end)}", "eta_end")
        return self


SCHEDULES = (Constant, Step, Cyclical, Cosine, OneCycle)

Schedule = Annotated[
    Annotated[Constant, Tag(TAG + "constant")]
    | Annotated[Step, Tag(TAG + "step")]
    | Annotated[Cyclical, Tag(TAG + "cyclical")]
    | Annotated[Cosine, Tag(TAG + "cosine")]
    | Annotated[OneCycle, Tag(TAG + "one_cycle")],
    Discriminator(tag_of),
    of_kind("constant", "step", "cyclical", "cosine", "one_cycle"),
]
