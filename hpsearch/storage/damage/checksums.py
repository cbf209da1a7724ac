"""The checksum beside each blob: CRC-32, which finds every flipped bit at 2 GB/s. May import SQLAlchemy."""

import zlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Column, Table

_SUFFIX = "_checksum"


def checksum(content: bytes | None) -> int | None:
    """The CRC-32 of the bytes as they are stored; None where there are none."""
    return None if content is None else zlib.crc32(content)


def checksum_of(blob: str) -> Column[int]:
    """The column beside a blob's, which fills itself whenever a row is inserted without it.

    A row that is copied takes along the checksum that was computed when its blob was made.
    """
    return Column(f"{blob}{_SUFFIX}", BigInteger, default=_of_parameter(blob))


def _of_parameter(blob: str) -> Callable[[Any], int | None]:
    return lambda context: checksum(context.get_current_parameters().get(blob))


def blobs_of(table: Table) -> dict[str, Column[int]]:
    """The blobs of a table by name, each with the column of its checksum."""
    return {name.removesuffix(_SUFFIX): column for name, column in table.c.items() if name.endswith(_SUFFIX)}
