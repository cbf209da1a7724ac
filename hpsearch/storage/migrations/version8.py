"""Version 8: a checksum beside each blob, so that damage to it is noticed. Changes no result."""

import zlib
from typing import Any

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, bindparam, inspect, select, update

from hpsearch.storage.column_types import Blob

VERSION = 8

_AT_ONCE = 20

_KEYS = {"trial_id": Integer, "stage_id": Integer, "epoch": Integer, "fold": Integer, "kind": String, "split": String}
_TABLES = {
    "hpsearch_weights": (("trial_id", "kind"), ("content",)),
    "hpsearch_predictions": (("trial_id", "split", "epoch"), ("correct", "predicted", "outputs")),
    "hpsearch_labels": (("stage_id", "split", "fold"), ("labels", "scale")),
}
"""By table, its key and its blobs."""


def migrate(operations: Operations) -> None:
    """Add the columns, and compute what they hold from the blobs as they are now.

    Whoever opens the database to write makes the tables that are missing, so that some may have the columns.
    """
    for name, (key, blobs) in _TABLES.items():
        there = {column["name"] for column in inspect(operations.get_bind()).get_columns(name)}
        for blob in blobs:
            if f"{blob}_checksum" not in there:
                operations.add_column(name, Column(f"{blob}_checksum", BigInteger))
            _fill(operations, name, key, blob)


def _fill(operations: Operations, name: str, key: tuple[str, ...], blob: str) -> None:
    connection = operations.get_bind()
    keys: list[Column[Any]] = [Column(each, _KEYS[each]) for each in key]
    content, checksum = Column(blob, Blob), Column(f"{blob}_checksum", BigInteger)
    table = Table(name, MetaData(), *keys, content, checksum)
    missing = connection.execute(select(*keys).where(content.is_not(None), checksum.is_(None))).all()
    wanted = [column == bindparam(f"of_{column.name}") for column in keys]
    query, change = select(content).where(*wanted), update(table).where(*wanted).values({checksum: bindparam("found")})
    for start in range(0, len(missing), _AT_ONCE):
        rows = [{f"of_{part}": value for part, value in row._mapping.items()} for row in missing[start:][:_AT_ONCE]]
        found = [zlib.crc32(connection.execute(query, row).scalar_one()) for row in rows]
        connection.execute(change, [row | {"found": one} for row, one in zip(rows, found, strict=True)])
