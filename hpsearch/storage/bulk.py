"""Many rows at a time: ids in pieces, and rows whose new ids are wanted. May import SQLAlchemy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert

SIZE = 500
"""SQLite takes 32,766 variables in a statement, older ones 999."""


def chunks(ids: Sequence[int] | Sequence[str]) -> Iterator[Sequence[int] | Sequence[str]]:
    """The ids, at most `SIZE` at a time; nothing of an empty list."""
    return (ids[start : start + SIZE] for start in range(0, len(ids), SIZE))


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows into a table that numbers them itself; return their ids in the order of the rows."""
    (key,) = table.primary_key
    if connection.dialect.insert_executemany_returning_sort_by_parameter_order:
        wanted = insert(table).returning(key, sort_by_parameter_order=True)
        return list(connection.execute(wanted, rows).scalars())
    one_by_one = (connection.execute(insert(table).values(**row)).inserted_primary_key for row in rows)  # MySQL
    return [int(found[0]) for found in one_by_one if found is not None]
