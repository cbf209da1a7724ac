"""Which configurations of a space keep the constraints, and whether any does. May import the tables."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpsearch.spec.spaces.branches import Space, combinations, complete, count
from hpsearch.spec.spaces.expressions import Constraint, constraint
from hpsearch.spec.tables.space import Choices, Range

ENUMERATED = 100_000
"""A space of at most so many configurations is looked through; of a larger one, so many are drawn at most."""

DRAWN = 20_000


def constraints_of(texts: Sequence[str]) -> tuple[Constraint, ...]:
    """Read constraints that are known to be valid."""
    return tuple(constraint(text) for text in texts)


def kept(constraints: Sequence[Constraint], params: Mapping[str, Any]) -> bool:
    """Tell whether a configuration keeps all constraints."""
    return not any(each.breaks(params) for each in constraints)


def emptied_by(space: Space, constraints: Sequence[Constraint], *, as_grid: bool = False) -> tuple[int, str] | None:
    """Return the first constraint that leaves no configuration of the space, and how that is known; None where one is.

    A finite space is looked through; of another, configurations are drawn at random.
    """
    if not constraints:
        return None
    size = size_of(space, as_grid=as_grid)
    exact = size <= ENUMERATED
    reached = [0] * len(constraints)
    for params in all_of(space, as_grid=as_grid) if exact else _drawn(space):
        for j, each in enumerate(constraints):
            if each.breaks(params):
                break
            reached[j] += 1
        else:
            return None
    first = reached.index(0)
    of = f"the {size:_} configurations of the space" if exact else f"{DRAWN:_} configurations drawn at random"
    rest = reached[first - 1] if first else None
    if rest is None:
        return first, f"none of {of} keeps it"
    return first, f"none of the {rest:_} keeps it that keep those before it, of {of}"


def size_of(space: Space, *, as_grid: bool = False) -> float:
    """Return the number of configurations of a space, infinite where a range of it has no steps."""
    return count(space, lambda _, entry: _number(entry, as_grid=as_grid))


def _number(entry: Range | Choices, *, as_grid: bool) -> float:
    if isinstance(entry, Choices):
        return len(entry.choices)
    if as_grid:
        return entry.points or entry.size or 1
    if entry.size is not None:
        return entry.size
    return entry.high - entry.low + 1 if entry.integer else math.inf


def all_of(space: Space, *, as_grid: bool = False) -> Iterator[dict[str, Any]]:
    """Yield all configurations of a finite space, or those of its grid; the last hyperparameter varies fastest."""
    return combinations(space, lambda _, entry: entry.grid() if as_grid else _listed(entry))


def _listed(span: Range | Choices) -> Sequence[Any]:
    if isinstance(span, Choices):
        return span.choices
    if span.size is not None:
        return [span.at(i) for i in range(span.size)]
    return list(range(int(span.low), int(span.high) + 1))


def _drawn(space: Space) -> Iterator[dict[str, Any]]:
    rng = random.Random(0)
    for _ in range(DRAWN):
        yield complete(space, lambda _, entry: _draw(entry, rng))


def _draw(entry: Range | Choices, rng: random.Random) -> Any:
    if isinstance(entry, Choices):
        return rng.choice(entry.choices)
    if entry.size is not None:
        return entry.at(rng.randrange(entry.size))
    if entry.integer and not entry.log:
        return rng.randint(int(entry.low), int(entry.high))
    value = rng.uniform(*map(math.log, (entry.low, entry.high))) if entry.log else rng.uniform(entry.low, entry.high)
    value = min(max(math.exp(value) if entry.log else value, entry.low), entry.high)
    return round(value) if entry.integer else value
