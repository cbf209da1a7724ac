"""What in a database hpsearch never writes, wherever it is: pages, tables, rows, values. May import SQLAlchemy."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy
from sqlalchemy import Column, Connection, Integer, Table, func, inspect, literal_column, or_, select, text

from hpsearch.errors import DamagedError, raised
from hpsearch.storage import schema
from hpsearch.storage.column_types import INFINITE, LARGEST, Real, refusal
from hpsearch.storage.damage.blobs import TABLES
from hpsearch.storage.damage.checksums import blobs_of
from hpsearch.storage.mirror import tables as mirror

_MOST = 20
"""So many findings are named of a table."""


def sweep(connection: Connection) -> Iterator[str]:
    """Everything that is wrong with pages, tables, rows and values, a line each; of the first of these kinds only."""
    kinds = (
        (_pages, _tables, _values, _numbers, _mirror, _parents) if connection.dialect.name == "sqlite" else (_values,)
    )
    for kind in kinds:
        found = False
        for problem in kind(connection):
            found = True
            yield problem
        if found:
            return  # what follows may be wrong because of it, or cannot be read


def _pages(connection: Connection) -> Iterator[str]:
    for row in connection.execute(text("PRAGMA integrity_check")):
        if row[0] != "ok":
            yield f"SQLite: {' '.join(str(row[0]).split())}"


def _parents(connection: Connection) -> Iterator[str]:
    for table, row_id, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"SQLite: row {row_id} of {table} belongs to no row of {parent}"


def _tables(connection: Connection) -> Iterator[str]:
    """Tables and columns that are missing; Optuna's too."""
    found = inspect(connection)
    there = set(found.get_table_names())
    theirs = (mirror.STUDIES, mirror.TRIALS, *mirror.OF_STUDIES, *mirror.OF_TRIALS)
    for table in (*schema.metadata.sorted_tables, *theirs):
        if table.name not in there:
            yield f"the table {table.name} is missing"
        else:
            columns = {column["name"] for column in found.get_columns(table.name)}
            for name in table.c.keys():  # noqa: SIM118 - a collection of columns is no dict
                if name not in columns:
                    yield f"the table {table.name} has no column {name}"


def _values(connection: Connection) -> Iterator[str]:
    """Values that are of another type, are no JSON, or have another shape."""
    for table in schema.metadata.sorted_tables:
        for column in table.c:
            if getattr(column.type, "place", None) is None or column.name in blobs_of(table):
                continue
            for row_id in _refused(connection, column):
                yield _shown(connection, column, row_id)
    for table in TABLES if connection.dialect.name == "sqlite" else ():
        for name in blobs_of(table):
            for row in _other_types(connection, table, table.c[name], "blob"):
                yield _shown(connection, table.c[name], row)


def _numbers(connection: Connection) -> Iterator[str]:
    """The same of the curves, by SQLite itself: they have millions of numbers."""
    for table in (schema.curves, schema.measurements):
        for column in table.c:
            if isinstance(column.type, Integer):
                types: tuple[str, ...] = ("integer",)
            else:
                types = ("real", "integer") if isinstance(column.type, Real) else ("text",)
            for row_id in _other_types(connection, table, column, *types):
                yield _shown(connection, column, row_id)

    numbers = [each for table in (schema.curves, schema.measurements) for each in table.c if type(each.type) is Real]
    accuracies = [schema.trials.c.test_accuracy, *(each for each in numbers if each.name.endswith("accuracy"))]
    ranges = [(column, or_(column < 0, column > 1), "from 0 to 1") for column in accuracies]
    ranges += [(column, func.abs(column).between(LARGEST, 0.999 * INFINITE), f"below {LARGEST}") for column in numbers]
    for column, wrong, rule in ranges:
        query: Any = select(literal_column(f"{column.table.name}.rowid")).select_from(column.table)
        for row_id in connection.execute(query.where(wrong).limit(_MOST)).scalars():
            yield f"{_owner(connection, column.table, row_id)}: {column} must be {rule}"


def _mirror(connection: Connection) -> Iterator[str]:
    """Optuna's tables that cannot be read."""
    for table in (mirror.STUDIES, mirror.TRIALS, *mirror.OF_STUDIES, *mirror.OF_TRIALS):
        try:
            for _ in connection.execute(select(table).execution_options(yield_per=1000)):
                pass
        except (DamagedError, LookupError, ValueError, TypeError, sqlalchemy.exc.DatabaseError) as error:
            yield f"Optuna's table {table.name} cannot be read ({raised(error)})"


def _other_types(connection: Connection, table: Table, column: Column[Any], *types: str) -> list[int]:
    """The rows of SQLite in which a column has another type, or NULL where there must be a value."""
    kind = func.typeof(column)
    allowed = (*types, "null") if column.nullable else types
    query: Any = select(literal_column(f"{table.name}.rowid")).select_from(table).where(kind.not_in(allowed))
    return list(connection.execute(query.limit(_MOST)).scalars())


def _refused(connection: Connection, column: Column[Any]) -> list[Any]:
    """The rows whose value of a column cannot be read, by their key."""
    try:
        for value in connection.execute(select(column)).scalars():
            if value is None and not column.nullable:
                raise refusal(str(column), "there", None)
        return []
    except (DamagedError, sqlalchemy.exc.DatabaseError):
        pass
    query = select(*_row_key(connection, column.table)).select_from(column.table)
    return [key for key in map(tuple, connection.execute(query).all()) if _reason(connection, column, key)][:_MOST]


def _row_key(connection: Connection, table: Any) -> list[Any]:
    """What names a row: its number in SQLite, whatever is in its columns, else its key."""
    if connection.dialect.name == "sqlite":
        return [literal_column(f"{table.name}.rowid")]
    return list(table.primary_key)


def _reason(connection: Connection, column: Column[Any], key: Any) -> str | None:
    """Why a value cannot be read; None if it can."""
    values = key if isinstance(key, tuple) else (key,)
    wanted = [one == value for one, value in zip(_row_key(connection, column.table), values, strict=True)]
    try:
        value = connection.execute(select(column).where(*wanted)).scalar()
    except (DamagedError, sqlalchemy.exc.DatabaseError) as error:
        said = str(error)
        return said if said.startswith(f"{column} must") else f"{column} must be text in UTF-8"
    return f"{column} must not be empty" if value is None and not column.nullable else None


def _shown(connection: Connection, column: Column[Any], key: Any) -> str:
    """What is wrong with a value, and the study, stage or trial that it belongs to."""
    why = _reason(connection, column, key)
    if why is None:
        why = f"{column} must be {'bytes' if column.table in TABLES else 'a number'}"
    return f"{_owner(connection, column.table, key)}: {why}"


def _owner(connection: Connection, table: Any, key: Any) -> str:
    """The study and the stage or trial that a row belongs to, as far as they can be read."""
    values = key if isinstance(key, tuple) else (key,)
    wanted = [one == value for one, value in zip(_row_key(connection, table), values, strict=True)]
    study, stage, trial = schema.studies, schema.stages, schema.trials
    names = [study.c.name, stage.c.name, trial.c.number]
    above = stage.outerjoin(study)
    joins: dict[Any, tuple[int, Any]] = {
        study: (1, study),
        stage: (2, above),
        schema.labels: (2, schema.labels.outerjoin(above)),
        trial: (3, trial.outerjoin(above)),
        schema.claims: (1, schema.claims.outerjoin(study)),
    }
    joins |= {of: (3, of.outerjoin(trial.outerjoin(above))) for of in schema.OF_TRIALS}
    if table not in joins:
        return "the database"
    many, source = joins[table]
    try:
        row = connection.execute(select(*names[:many]).select_from(source).where(or_(*wanted))).first()
    except (DamagedError, sqlalchemy.exc.DatabaseError):
        row = None
    if row is None or None in row:
        return f"row {', '.join(map(str, values))} of {table.name}"
    words = [f"study {row[0]!r}", *(f"stage {name!r}" for name in row[1:2]), *(f"trial {row[1]}:{n}" for n in row[2:])]
    return ", ".join(words if many < 3 else (words[0], words[2]))
