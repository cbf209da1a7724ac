"""The configurations that reached a rung, in order. May import storage's fronts."""

from bisect import bisect_left, insort

from hpsearch.search.pruners.pruner import Score, sort_key
from hpsearch.storage.fronts import front_ranks, order


class Places:
    """Gives each configuration at a rung its place among all that have reached it so far.

    With one objective they are in the order of the ranking. With several, by non-dominated rank; of equal rank, by the
    larger crowding distance (Deb et al. 2002), and then by number.
    """

    def __init__(self) -> None:
        self._sorted: list[tuple[float, float, int]] = []
        self._vectors: list[tuple[int, tuple[float, ...]]] = []  # of several objectives, by number
        self._places: dict[int, int] = {}  # by number, until another one is added

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, number: int, score: Score) -> None:
        """A configuration reached the rung."""
        insort(self._sorted, sort_key(number, score))
        if score[2:]:
            insort(self._vectors, (number, score[2:]))
            self._places.clear()

    def place(self, number: int, score: Score) -> int:
        """The place of a configuration that was added, from 1."""
        if not self._vectors:
            return bisect_left(self._sorted, sort_key(number, score)) + 1
        if not self._places:
            best_first = order([vector for _, vector in self._vectors])
            self._places = {self._vectors[i][0]: place for place, i in enumerate(best_first, 1)}
        return self._places[number]

    def ahead(self, score: Score) -> tuple[int, int]:
        """By several objectives: the non-dominated rank (from 1) of a further one, and how many have a better one."""
        *others, own = front_ranks([*(vector for _, vector in self._vectors), score[2:]])
        return own + 1, sum(rank < own for rank in others)
