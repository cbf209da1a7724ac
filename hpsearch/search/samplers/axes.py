"""A hyperparameter's values as numbers that have distances. May import spec."""

import math
from typing import Any

from hpsearch.spec import Choices, Range
from hpsearch.spec.tables.space import same


class Axis:
    """Where the values of one hyperparameter are: from 0 to 1, or a whole number for each value without an order."""

    def __init__(self, entry: Range | Choices) -> None:
        self._entry = entry
        choices = entry.in_order if isinstance(entry, Choices) else ()
        unit = max(1, len(choices) - 1) if isinstance(entry, Choices) and entry.ordered else 1
        self._known = {same(choice): i / unit for i, choice in enumerate(choices)}
        # a listed configuration has the very objects of the choices: 100,000 of them need no texts
        self._by_id = {id(choice): i / unit for i, choice in enumerate(choices)}

    def place(self, value: Any) -> float:
        if isinstance(self._entry, Choices):
            return self._by_id[id(value)] if id(value) in self._by_id else self._known[same(value)]
        scale = math.log if self._entry.log else float
        low, high = scale(self._entry.low), scale(self._entry.high)
        return (scale(value) - low) / (high - low)
