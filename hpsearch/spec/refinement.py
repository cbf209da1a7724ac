"""The range around an earlier stage's best trials. May import nothing but this package."""

import math
from collections.abc import Sequence
from typing import Any

from hpsearch.spec.checks.limits import Limits
from hpsearch.spec.tables.base import LARGEST
from hpsearch.spec.tables.space import SMALLEST, Around, Choices, Range, decimal, same


def narrow(
    key: str,
    around: Around,
    source: Range | Choices,
    best_values: Sequence[Any],
    tried: Sequence[Any],
    limits: Limits = (-LARGEST, LARGEST),
) -> tuple[Range | Choices, str | None]:
    """Return what to search around an earlier stage's best trials, and a note where that leaves its range.

    `source` is what that stage searched, `tried` all values it tried, failed trials among them, and `best_values`
    the values of its trials that finished, best first, at least one; the first `around.best` of them count.

    Of choices, those values are kept, with `around.neighbours` their neighbours in the choices' order as well.

    A range spans these values, and on each side half of the gap (on the range's own scale) to the next value tried,
    or all of it to the source's bound where none was tried. Only where the very best value is also the outermost one
    tried, and lies within one n-th of the source's length of its bound (n values tried), does the range go on beyond
    that bound: by that n-th of the length, but never to or through zero, nor out of `limits`.
    """
    best = list(best_values[: around.best])
    assert best, "a stage without a finished trial has nothing to be around"
    if isinstance(source, Choices):
        kept = {same(value) for value in best}
        if source.ordered and around.neighbours:
            order = [same(choice) for choice in source.in_order]
            kept |= {
                order[i]
                for j, text in enumerate(order)
                if text in kept
                for i in (j - 1, j + 1)
                if i in range(len(order))
            }
        choices = tuple(choice for choice in source.choices if same(choice) in kept)
        return Choices(choices=choices, ordered=source.ordered), None
    log = source.log if around.log is None else around.log
    span = source.model_copy(update={"log": log})
    known = {*tried, *best}
    low, below = _side(span, best, known, limits[0], upper=False)
    high, above = _side(span, best, known, limits[1], upper=True)
    where = f"of the range of stage {around.around!r} ({_number(source.low)} to {_number(source.high)})"
    notes = [f"{key}: the best value, {_number(best[0])}, is {note.format(where)}" for note in (below, above) if note]
    new = Range(low=low, high=high, log=log, integer=span.integer, step=span.step)
    room = int(high - low) + 1 if span.integer and span.step is None else new.size
    points = around.points if around.points is None or room is None else min(around.points, room)
    return new.model_copy(update={"points": points}), " ".join(notes) or None


def _side(
    span: Range, best: Sequence[float], known: set[float], limit: float, *, upper: bool
) -> tuple[float, str | None]:
    """Return one bound of the range around `best`, and the note about its edge if the best value is on it."""
    sign, outermost = (1, max) if upper else (-1, min)
    bound, last = (span.high if upper else span.low), outermost(best)
    beyond = [x for x in known if sign * x > sign * last]
    if beyond:
        return _half_way(span, last, min(beyond, key=lambda x: sign * x), upper=upper), None
    step = (_on_scale(span, span.high) - _on_scale(span, span.low)) / max(len(known), 2)
    if best[0] != last or abs(_on_scale(span, bound) - _on_scale(span, last)) > step:
        return bound, None
    new = _beyond(span, bound, step, limit, upper=upper)
    edge = f"on the {'upper' if upper else 'lower'} edge {{}}"
    if last != bound:  # within one n-th of it on the range's scale, which is wide of few values
        edge = (
            f"the {'highest' if upper else 'lowest'} that was tried, near the {'upper' if upper else 'lower'} end {{}}"
        )
    if new == bound:
        return bound, f"{edge}, beyond which it cannot go."
    return new, f"{edge}; the new range goes on to {_number(new)}."


def _half_way(span: Range, last: float, neighbour: float, *, upper: bool) -> float:
    middle = math.sqrt(last) * math.sqrt(neighbour) if span.log else last + (neighbour - last) / 2
    if not min(last, neighbour) < middle < max(last, neighbour):  # they are so close that rounding decides
        middle = neighbour
    if span.step is not None:
        return _on_steps(span, middle, up=upper)
    if span.integer:
        return math.ceil(middle) if upper else math.floor(middle)
    return middle


def _beyond(span: Range, bound: float, step: float, limit: float, *, upper: bool) -> float:
    """Return `bound` moved outwards by `step`, at most half of the way to zero, as far as `limit` allows."""
    sign, innermost, outermost = (1, min, max) if upper else (-1, max, min)
    if span.log:
        moved = max(math.exp(_on_scale(span, bound) + sign * step), SMALLEST)
    else:
        moved = bound + sign * step
        if sign * bound <= 0:
            moved = innermost(moved, bound / 2 or bound)  # half of the smallest float is 0
    least = span.step or span.integer
    if least and bound * (bound + sign * least) > 0:
        moved = outermost(moved, bound + sign * least)
    moved = outermost(bound, innermost(moved, limit))
    if span.step is not None:
        return _on_steps(span, moved, up=not upper)
    if span.integer:
        return math.floor(moved) if upper else math.ceil(moved)
    return moved


def _on_steps(span: Range, x: float, *, up: bool) -> float:
    """Return the next value up or down on the steps of `span`, which may be beyond its ends."""
    assert span.step is not None
    steps = (decimal(x) - decimal(span.low)) / decimal(span.step)
    return span.at(math.ceil(steps) if up else math.floor(steps))


def _on_scale(span: Range, x: float) -> float:
    return math.log(x) if span.log else x


def _number(x: float) -> str:
    return f"{x:,}" if isinstance(x, int) else f"{x:.4g}"
