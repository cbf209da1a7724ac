"""Types of columns that keep the same values in every database, bit for bit. May import SQLAlchemy."""

import json
import math
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Dialect, Double, LargeBinary
from sqlalchemy import Text as _Text
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT
from sqlalchemy.types import TypeDecorator

INFINITE = sys.float_info.max
"""MySQL knows no infinity: there, the largest number stands for it, which no cost comes to without overflowing."""


class Real(TypeDecorator[float]):
    """A double; NaN is NULL everywhere, and no zero negative, as SQLite has it."""

    impl = Double
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """SQLite does so itself."""
        if dialect.name == "sqlite":
            return None
        return _finite if dialect.name == "mysql" else _known

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        """What is read as it is stored, but for MySQL."""
        return _read if dialect.name == "mysql" else None


def _known(value: Any) -> Any:
    return None if value is None or math.isnan(value) else float(value) + 0.0  # nor is there a negative zero


def _finite(value: Any) -> Any:
    known = _known(value)
    return math.copysign(INFINITE, known) if known is not None and math.isinf(known) else known


def _read(value: Any) -> Any:
    return value * 2 if value is not None and abs(value) == INFINITE else value


class _JsonText(TypeDecorator[Any]):
    """MySQL's own JSON type sorts keys."""

    impl = LONGTEXT
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


Json = JSON(none_as_null=True).with_variant(_JsonText(), "mysql")
"""A structured value as text, its keys in their order; None is NULL, not the JSON text "null"."""

Text = _Text().with_variant(LONGTEXT(), "mysql")
Blob = LargeBinary().with_variant(LONGBLOB(), "mysql")
