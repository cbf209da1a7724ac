"""Types of columns that keep the same values in every database, bit for bit. May import SQLAlchemy.

Here stored values become Python's, and here those are refused that hpsearch does not write: SQLite takes any value in
any column, and a file may be damaged. Where a type has a `place` (see `placed`), it checks what is read.
"""

import json
import math
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, Dialect, Double, LargeBinary
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT
from sqlalchemy.types import TypeDecorator, TypeEngine

from hpsearch.errors import DamagedError
from hpsearch.storage.damage.shapes import Shape, mismatch

INFINITE = sys.float_info.max
"""MySQL knows no infinity: there, the largest number stands for it, which no cost comes to without overflowing."""

LARGEST = 1e300
"""A finite number is smaller: of larger ones the sum may overflow, for which `math.fsum` raises an error."""

_MOST = 2**31 - 1
"""The largest integer of PostgreSQL and MySQL, and therefore here."""

_SHOWN = 40
"""So many characters of a value that is not valid are shown."""

Processor = Callable[[Any], Any]


def placed(table: sqlalchemy.Table) -> sqlalchemy.Table:
    """Tell the types of a table's columns where they are, so that they check what is read."""
    for column in table.c:
        column.type = column.type.copy()
        column.type.place = f"{table.name}.{column.name}"  # type: ignore[attr-defined]
    return table


def refusal(place: str, rule: str, value: Any) -> DamagedError:
    """The error of a value that is not what hpsearch writes there."""
    shown = repr(value)
    return DamagedError(f"{place} must be {rule}, got {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}")


def _checking(of: TypeEngine[Any], rule: str, valid: Callable[[Any], bool], then: Processor | None) -> Processor | None:
    """What a value passes when it is read: a check, then what its type makes of it; None if there is nothing to do."""
    place = getattr(of, "place", None)
    if place is None:
        return then

    def checked(value: Any) -> Any:
        if value is None:
            return None
        if not valid(value):
            raise refusal(place, rule, value)
        return then(value) if then else value

    return checked


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _number(value: Any) -> bool:
    return type(value) in (float, int) and not LARGEST <= abs(value) < INFINITE


def _text(value: Any) -> bool:
    return type(value) is str


class _Placed(TypeEngine[Any]):
    """Keeps its place, which SQLAlchemy does not know of, in the copies that it makes for each dialect."""

    def adapt(self, cls: Any, **given: Any) -> Any:
        made = super().adapt(cls, **given)
        made.__dict__.update({name: value for name, value in vars(self).items() if name in ("place", "among")})
        return made


class Integer(_Placed, sqlalchemy.Integer):
    """A whole number that is not negative."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        return _checking(self, f"a whole number from 0 to {_MOST}", _whole, super().result_processor(dialect, coltype))


class Boolean(_Placed, sqlalchemy.Boolean):
    """0 or 1."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        then = super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]
        return _checking(self, "0 or 1", lambda value: type(value) in (int, bool) and value in (0, 1), then)


class String(_Placed, sqlalchemy.String):
    """A text of limited length."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        return _checking(self, "text", _text, super().result_processor(dialect, coltype))


class Word(String):
    """One of a few words."""

    def __init__(self, *among: str) -> None:
        super().__init__(16)
        self.among = among

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        rule = f"{', '.join(self.among[:-1])} or {self.among[-1]}"
        then = sqlalchemy.String.result_processor(self, dialect, coltype)
        return _checking(self, rule, lambda value: _text(value) and value in self.among, then)


class Moment(String):
    """A time, ISO 8601 in UTC."""

    def __init__(self) -> None:
        super().__init__(32)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        then = sqlalchemy.String.result_processor(self, dialect, coltype)
        return _checking(self, "a time with its zone", _moment, then)


def _moment(value: Any) -> bool:
    try:
        return _text(value) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


class _Text(_Placed, sqlalchemy.Text):
    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        return _checking(self, "text", _text, super().result_processor(dialect, coltype))


class _Blob(_Placed, LargeBinary):
    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        then = super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]
        return _checking(self, "bytes", lambda value: isinstance(value, bytes | bytearray | memoryview), then)


class Real(TypeDecorator[float]):
    """A double; NaN is NULL everywhere, and no zero negative, as SQLite has it."""

    impl = Double
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        """SQLite does so itself."""
        if dialect.name == "sqlite":
            return None
        return _finite if dialect.name == "mysql" else _known

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        """What is read as it is stored, but for MySQL."""
        then = _read if dialect.name == "mysql" else None
        return _checking(self, "a number", _number, then)


class Seconds(Real):
    """A span of time; a damaged one would not be a number of hours, or their sum infinite."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        return _checking(
            self, "a number of seconds", lambda value: type(value) in (float, int) and abs(value) < 1e12, None
        )


def _known(value: Any) -> Any:
    return None if value is None or math.isnan(value) else float(value) + 0.0  # nor is there a negative zero


def _finite(value: Any) -> Any:
    known = _known(value)
    return math.copysign(INFINITE, known) if known is not None and math.isinf(known) else known


def _read(value: Any) -> Any:
    return value * 2 if value is not None and abs(value) == INFINITE else value


class Json(TypeDecorator[Any]):
    """A structured value as text, its keys in their order; None is NULL, not the JSON text "null".

    MySQL's own JSON type sorts keys.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, shape: Shape = None) -> None:
        super().__init__(none_as_null=True)
        self._shape = shape

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LONGTEXT() if dialect.name == "mysql" else JSON(none_as_null=True))

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        if dialect.name == "mysql":
            return lambda value: None if value is None else json.dumps(value)
        return super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        then = json.loads if dialect.name == "mysql" else super().result_processor(dialect, coltype)
        place = getattr(self, "place", "a JSON column")

        def read(value: Any) -> Any:
            if value is None:
                return None
            try:
                found = then(value) if then else value
            except (ValueError, TypeError, RecursionError) as error:
                raise refusal(place, "JSON", value) from error
            if rule := mismatch(found, self._shape):
                raise refusal(place, rule, found)
            return found

        return read


Text = _Text().with_variant(LONGTEXT(), "mysql")
Blob = _Blob().with_variant(LONGBLOB(), "mysql")
