"""Long lists of ids in pieces: SQLite takes 32,766 variables in a statement, older ones 999. Imports nothing."""

from collections.abc import Iterator, Sequence

SIZE = 500


def chunks(ids: Sequence[int] | Sequence[str]) -> Iterator[Sequence[int] | Sequence[str]]:
    """The ids, at most `SIZE` at a time; nothing of an empty list."""
    return (ids[start : start + SIZE] for start in range(0, len(ids), SIZE))
