"""The search space of a stage: ranges, choices, and ranges around an earlier stage's best. May import pydantic."""

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.base import Count, Number, Table

Value = int | float | str | bool | list[Any] | dict[str, Any]
"""A hyperparameter's value: any JSON value, such as the choices in `hidden = [[50], [100]]`."""

SMALLEST = 1e-100
"""The least number of a logarithmic range."""

MAX_GRID = 100_000
"""The most points of a grid, and the most trials of a stage."""

MAX_STEPS = 10**9
"""The most steps of a range."""

SHAPES = {"low", "high", "choices", "around"}
"""The keys by which a range, choices and a range around a stage are recognised."""

Points = Annotated[int, Field(ge=2, le=MAX_GRID)]


class Range(Table):
    """Numbers from `low` to `high`, both included; `points` of them, evenly spaced, where a grid is wanted."""

    low: Number
    """The lower end, included."""
    high: Number
    """The upper end, included."""
    log: bool = False
    """Log-uniform; `low` must be above 0."""
    integer: bool = False
    """Whole numbers only. If not given: true for keys of [training] that are whole numbers, and for parameters of the
    model where both ends are whole numbers.
    """
    step: Number | None = None
    """Only the values `low`, `low + step`, `low + 2 * step`, … up to `high`, exact in decimal digits; must divide the
    range. Not with `log`. A grid takes all of them, or `points` of them.
    """
    points: Points | None = None
    """The number of values in a grid, and only there: evenly spaced (in the logarithm where `log`), with both ends.
    Not needed with `step`.
    """
    prior: Number | None = None
    """The value that is thought to be best; the random, tpe and priorband samplers draw around it."""
    confidence: Literal["low", "medium", "high"] | None = None
    """How sure that is: the standard deviation around `prior` is 1/2, 1/4 or 1/8 of the range (of its logarithm where
    `log`). If not given: `"medium"`.
    """

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if self.integer:
            for key, bound in (("low", self.low), ("high", self.high), ("step", self.step)):
                if bound is not None and not isinstance(bound, int):
                    raise wrong(f"must be a whole number, got {show(bound)}", key)
        if self.log and self.low < SMALLEST:
            rule = "above 0" if self.low <= 0 else f"at least {SMALLEST:g}"
            raise wrong(f"must be {rule} where log = true, got {show(self.low)}", "low")
        if self.low >= self.high:
            raise wrong(f"must be below high = {show(self.high)}, got {show(self.low)}", "low")
        if self.step is not None:
            _check_step(self, self.step)
        if self.prior is not None and not self.low <= self.prior <= self.high:
            rule = f"must be between {show(self.low)} and {show(self.high)}, the ends of the range"
            raise wrong(f"{rule}, got {show(self.prior)}", "prior")
        if self.prior is None and self.confidence is not None:
            raise wrong(f"must not be given without a prior, got {show(self.confidence)}", "confidence")
        if self.integer and self.points is not None and self.points > self.high - self.low + 1:
            room = show(int(self.high - self.low + 1))
            raise wrong(f"must be at most {room}, the whole numbers in the range, got {self.points}", "points")
        if self.points is not None and self.points > (self.size or self.points):
            raise wrong(f"must be at most {self.size:_}, the values of the range, got {self.points:_}", "points")
        return self

    @property
    def deviation(self) -> float:
        """The standard deviation of the prior as a share of the range."""
        return {"low": 1 / 2, "medium": 1 / 4, "high": 1 / 8}[self.confidence or "medium"]

    @property
    def size(self) -> int | None:
        """The number of values of a range with a step; None of one without."""
        return None if self.step is None else round((decimal(self.high) - decimal(self.low)) / decimal(self.step)) + 1

    def at(self, index: int) -> int | float:
        """Return `low + index * step`: the float nearest to that decimal number, so that 0.1 + 2 · 0.1 is 0.3."""
        assert self.step is not None
        value = decimal(self.low) + index * decimal(self.step)
        return int(value) if self.integer else float(value)

    def index(self, value: float) -> int:
        """Return the index of the value of a range with a step that is nearest."""
        assert self.step is not None
        assert self.size is not None
        nearest = round((decimal(value) - decimal(self.low)) / decimal(self.step))
        return min(max(nearest, 0), self.size - 1)

    def grid(self) -> list[int | float]:
        """Return the `points` values, in order and without repetitions, the ends exact; with a step by default all."""
        if self.size is not None:
            last = (self.points or self.size) - 1
            indices = (round(Fraction(i * (self.size - 1), last)) for i in range(last + 1))
            return [self.at(i) for i in dict.fromkeys(indices)]
        assert self.points is not None
        last = self.points - 1
        inner = [_between(self, i / last) for i in range(1, last)]
        values = [self.low, *(round(x) if self.integer else x for x in inner), self.high]
        return list(dict.fromkeys(values))


class Choices(Table):
    """One of the listed values."""

    choices: Annotated[tuple[Any, ...], Field(strict=False, max_length=1000)]
    """The values; a list alone means the same."""
    ordered: bool = False
    """Whether the values have an order, which samplers and importance then use, and `around` for `neighbours`: numbers
    by their value, others as they are listed. If not given: true where all are numbers.
    """

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_ordered(cls, given: Any) -> Any:
        if isinstance(given, dict) and "ordered" not in given and isinstance(given.get("choices"), list | tuple):
            return given | {"ordered": are_numbers(given["choices"])}
        return given

    @model_validator(mode="after")
    def _has_distinct_choices(self) -> "Choices":
        if not self.choices:
            raise wrong("must have at least one choice, got []")
        seen = [same(choice) for choice in self.choices]
        for i, text in enumerate(seen):
            if text in seen[:i]:
                raise wrong(f"must not repeat a choice, got {show(self.choices[i])} twice{self._hint}")
        return self

    @property
    def _hint(self) -> str:
        return ""

    @property
    def in_order(self) -> tuple[Any, ...]:
        """The choices by their value where they are numbers and ordered, else as they are listed."""
        return tuple(sorted(self.choices)) if self.ordered and are_numbers(self.choices) else self.choices

    def grid(self) -> list[Any]:
        """Return the choices as they are listed."""
        return list(self.choices)


class Branching(Choices):
    """Choices to which other hyperparameters of the space belong; a study file writes those inside the choices."""

    active: Annotated[tuple[Annotated[tuple[str, ...], Field(strict=False)], ...], Field(strict=False)]
    """For each choice the names of those that there are where it is taken; they come after it in the space."""

    @property
    def _hint(self) -> str:
        return "; they must differ in more than what is searched inside them, such as in a kind"

    def belonging(self, value: Any) -> tuple[str, ...]:
        """Return the hyperparameters that belong to a choice."""
        wanted = same(value)
        return next(
            (keys for choice, keys in zip(self.choices, self.active, strict=True) if same(choice) == wanted), ()
        )


def is_numeric(entry: Range | Choices) -> bool:
    """Tell whether the values have an order, as those of a range."""
    return isinstance(entry, Range) or entry.ordered


class Around(Table):
    """A range around the `best` trials of the earlier stage `around`; `log` is that stage's if not given."""

    around: str
    """The name of an earlier stage whose space has this hyperparameter."""
    best: Count = 1
    """How many of its best trials the range spans; at most its number of trials."""
    log: bool | None = None
    """The scale of the new range, as in that stage if not given; not for choices."""
    points: Points | None = None
    """For a grid; not for choices. Where the range has fewer whole numbers than points, all of them are taken."""
    neighbours: bool = False
    """Of choices with an order: search the next smaller and the next larger one of each, too."""


def are_numbers(values: Sequence[Any]) -> bool:
    """Tell whether there are values and all are numbers."""
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def decimal(x: float) -> Fraction:
    """Return the decimal number that a float is written as."""
    return Fraction(repr(x))


def same(value: Any) -> str:
    """Return text that is equal for equal values of a hyperparameter, and only for those (1 is not true)."""
    return json.dumps(_as_floats(value), sort_keys=True)


def is_near(one: Any, other: Any) -> bool:
    """Whether two values of a hyperparameter are equal but for the rounding of a grid."""
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other))
    return math.isclose(one, other, rel_tol=1e-9) if numbers else same(one) == same(other)


def _as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_floats(item) for item in value]
    return float(value) if type(value) is int and abs(value) < 2**53 else value


def _check_step(span: Range, step: float) -> None:
    """Refuse a step that does not divide the range, with the nearest range that it does divide."""
    if step <= 0:
        raise wrong(f"must be above 0, got {show(step)}", "step")
    if span.log:
        raise wrong(f"must not be given where log = true; list the values as choices, got {show(step)}", "step")
    low, steps = decimal(span.low), (decimal(span.high) - decimal(span.low)) / decimal(step)
    if steps > MAX_STEPS:
        raise wrong(f"must give at most {MAX_STEPS:_} steps from low to high, got {show(step)}", "step")
    if steps.denominator > 1:
        high = low + max(1, round(steps)) * decimal(step)
        near = show(int(high) if span.integer else float(high))
        rule = f"must divide the range from {show(span.low)} to {show(span.high)}, which is {float(steps):g} steps"
        raise wrong(
            f"{rule}, got {show(step)}; the nearest range that it divides is {show(span.low)} to {near}", "step"
        )


def _between(span: Range, fraction: float) -> float:
    if span.log:
        between = math.exp((1 - fraction) * math.log(span.low) + fraction * math.log(span.high))
    else:
        between = span.low + fraction * (span.high - span.low)
    return min(max(between, span.low), span.high)  # rounding may leave a range of a few units in the last place


def _as_table(given: Any) -> Any:
    if isinstance(given, list):
        return {"choices": given}
    if not isinstance(given, dict | Table):
        raise wrong(f"must be a range, a list of choices or a range around a stage, got {show(given)}")
    if isinstance(given, dict) and not SHAPES & given.keys():
        rule = "must have low and high, or choices, or around"
        raise wrong(f"{rule}, got {show(given)}{did_you_mean(next(iter(given), ''), SHAPES)}")
    return given


def _shape(given: Any) -> str:
    if isinstance(given, Table):
        return TAG + type(given).__name__.lower()
    kinds = (("around", "around"), ("active", "branching"), ("choices", "choices"))
    return TAG + next((kind for key, kind in kinds if key in given), "range")


Entry = Annotated[
    Annotated[Range, Tag(TAG + "range")]
    | Annotated[Choices, Tag(TAG + "choices")]
    | Annotated[Branching, Tag(TAG + "branching")]
    | Annotated[Around, Tag(TAG + "around")],
    Discriminator(_shape),
    BeforeValidator(_as_table),
]
"""What a space says of one hyperparameter; its keys decide which of the three it is."""
