"""Learning-rate schedules, η as a function of the update: [training].schedule. May import pydantic."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.tables.base import Count, Positive, Share, Table, of_kind, tag_of

FIRST_OF_PEAK, LAST_OF_FIRST = 1 / 25, 1e-4
"""Defaults of a one-cycle schedule: its first rate as a share of eta_max, its last as a share of the first."""


class _WarmedUp(Table):
    """A schedule with an optional linear warm-up."""

    warmup_epochs: Count | None = None
    """Linear warm-up of η from 0 over so many epochs. They are part of the training's length, and not all of it."""
    warmup_updates: Count | None = None
    """The same in updates."""

    @model_validator(mode="after")
    def _has_one_warm_up_at_most(self) -> Self:
        if self.warmup_epochs is not None and self.warmup_updates is not None:
            raise wrong("must have either warmup_epochs or warmup_updates, not both")
        return self


class Constant(_WarmedUp):
    """The learning rate is `training.eta` at every update."""

    kind: Literal["constant"] = "constant"


class Step(_WarmedUp):
    """Step decay: the learning rate `training.eta` is multiplied by `factor` after every `every_epochs` epochs."""

    kind: Literal["step"]
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The factor."""
    every_epochs: Count = 10
    """The number of epochs between two steps."""


class Cyclical(Table):
    """Triangular (Smith 2017): η rises from `eta_min` to `eta_max` in one half cycle and falls back in the next.

    With `halving`, the height above `eta_min` is halved after each cycle.
    """

    kind: Literal["cyclical"]
    eta_min: Positive
    """The learning rate at the start."""
    eta_max: Positive
    """The highest learning rate."""
    half_cycle_epochs: Count | None = None
    """The length of the rise and of the fall; a whole cycle must fit into the training."""
    half_cycle_updates: Count | None = None
    """The same in updates."""
    halving: bool = False
    """Halve the height after each cycle ("triangular2")."""

    @model_validator(mode="after")
    def _has_one_half_cycle_and_a_rise(self) -> Self:
        if (self.half_cycle_epochs is None) == (self.half_cycle_updates is None):
            raise wrong("must have either half_cycle_epochs or half_cycle_updates")
        if self.eta_min > self.eta_max:
            raise wrong(f"must be at most eta_max = {show(self.eta_max)}, got {show(self.eta_min)}", "eta_min")
        return self


class Cosine(_WarmedUp):
    """Cosine annealing: η falls from `training.eta` to `eta_min` along half a cosine over the whole training."""

    kind: Literal["cosine"]
    eta_min: Annotated[float, Field(ge=0, le=1e15)] = 0.0
    """The learning rate at the end; at most `eta`."""


class OneCycle(Table):
    """One cycle over the whole training (Smith 2018): η rises from `eta_min` to `eta_max` and falls to `eta_end`.

    `warm` is the share of the training in which it rises. `first` and `last` are the first and last rates, given or
    default.
    """

    kind: Literal["one_cycle"]
    eta_max: Positive
    """The highest learning rate."""
    eta_min: Positive | None = None
    """The learning rate at the start; `eta_max` / 25 if not given."""
    eta_end: Positive | None = None
    """The learning rate at the end; `eta_min` / 10,000 if not given."""
    warm: Share = 0.3
    """The share of the training in which it rises."""

    @property
    def first(self) -> float:
        """The learning rate at the start."""
        return self.eta_max * FIRST_OF_PEAK if self.eta_min is None else self.eta_min

    @property
    def last(self) -> float:
        """The learning rate at the end."""
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
