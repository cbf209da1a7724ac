"""Queries read as pandas frames. May import SQLAlchemy and pandas."""

from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy

from hpsearch.storage.column_types import INFINITE, Real

ROWS = 20_000
"""The most rows of a table of numbers that are Python objects at a time."""


def read(connection: sqlalchemy.Connection, query: sqlalchemy.Select[Any]) -> pd.DataFrame:
    """Read a query as a frame with the types of its columns; structured values are Python objects."""
    rows = connection.execute(query).all()
    data = {
        column.name: pd.Series([row[index] for row in rows], dtype=dtype_of(column))
        for index, column in enumerate(query.selected_columns)
    }
    return pd.DataFrame(data)


def read_numbers(connection: sqlalchemy.Connection, query: sqlalchemy.Select[Any]) -> pd.DataFrame:
    """Read a table of numbers as a frame, NULL as NaN; in parts, because a million rows of objects take much memory."""
    columns = list(query.selected_columns)
    cursor = connection.execute(query).cursor
    parts = [np.empty((0, len(columns)))]
    while cursor is not None and (rows := cursor.fetchmany(ROWS)):
        parts.append(np.array(rows, dtype=np.float64))
    values = np.concatenate(parts)
    if connection.dialect.name == "mysql":  # the cursor returns the values as stored
        values = np.where(np.abs(values) == INFINITE, np.copysign(np.inf, values), values)
    types = ["int64" if isinstance(column.type, sqlalchemy.Integer) else "float64" for column in columns]
    named = enumerate(zip(columns, types, strict=True))
    return pd.DataFrame({column.name: values[:, index].astype(type_) for index, (column, type_) in named})


def dtype_of(column: sqlalchemy.ColumnElement[Any]) -> str:
    if isinstance(column.type, sqlalchemy.Boolean):
        return "bool"
    if isinstance(column.type, sqlalchemy.Integer):
        # By default pandas turns integers with NULLs into floats.
        return "Int64" if getattr(column, "nullable", False) else "int64"
    return "float64" if isinstance(column.type, Real) else "object"
