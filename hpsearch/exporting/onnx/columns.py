"""The columns of a table as inputs of a graph, and the features that a model was trained on. May import data and onnx.

Each column is an input (n, 1), as skl2onnx has it: text of categories, float64 of all else.
"""

from collections.abc import Iterator

import numpy as np
from onnx import TensorProto

from hpsearch.data.tables.cells import MISSING
from hpsearch.data.tables.columns import Column, Columns
from hpsearch.exporting.onnx.graph import Graph

UNKNOWN, GAP = -1, -2
"""What a text becomes that is no category of the training samples, and one that stands for a missing value."""


def encode(graph: Graph, columns: Columns) -> str:
    """Add the inputs and what `Columns.encode` does; return the features (n, features) as float64."""
    parts = []
    for number, column in enumerate(columns.columns):
        if column.kind == "category":
            given = graph.input(column.name, TensorProto.STRING, 1)
            parts += _category(graph, given, column, columns, columns.seen[number])
            continue
        given = graph.input(column.name, TensorProto.DOUBLE, 1)
        if columns.keep_missing or columns.is_plain:
            parts.append(given)
            continue
        parts += _number(graph, given, columns.fills[number], flagged=column.missing)
    return graph.add("Concat", *parts, axis=1)


def _number(graph: Graph, given: str, fill: float, *, flagged: bool) -> list[str]:
    gaps = graph.add("IsNaN", given)
    filled = graph.add("Where", gaps, graph.constant(np.array(fill)), given)
    return [filled, *([graph.add("Cast", gaps, to=TensorProto.DOUBLE)] if flagged else [])]


def _category(graph: Graph, given: str, column: Column, columns: Columns, seen: tuple[bool, ...]) -> list[str]:
    texts = dict(_texts(column, seen))
    if columns.as_codes:
        other = float(len(column.categories))
        gap = np.nan if columns.keep_missing else other
        codes = [gap if index == GAP else other if index == UNKNOWN else float(index) for index in texts.values()]
        found = graph.add(
            "LabelEncoder", given, domain="ai.onnx.ml", keys_strings=[*texts], values_floats=codes, default_float=other
        )
        return [graph.add("Cast", found, to=TensorProto.DOUBLE)]
    found = graph.add(
        "LabelEncoder",
        given,
        domain="ai.onnx.ml",
        keys_strings=[*texts],
        values_int64s=[*texts.values()],
        default_int64=UNKNOWN,
    )
    flagged = column.missing and not columns.keep_missing
    wanted = np.array([[*range(len(column.categories)), *([GAP] if flagged else [])]], np.int64)
    return [graph.add("Cast", graph.add("Equal", found, graph.constant(wanted)), to=TensorProto.DOUBLE)]


def _texts(column: Column, seen: tuple[bool, ...]) -> Iterator[tuple[str, int]]:
    """What each text means: the categories, other spellings of those that are numbers, and what is missing."""
    for text in sorted(MISSING):
        yield from ((each, GAP) for each in (text, text.upper(), text.capitalize(), text.title()))
    yield from (("NaN", GAP), ("-NaN", GAP), ("NaT", GAP))
    numbers = [_number_of(name) for name in column.categories]
    for index, number in enumerate(numbers):
        if number is not None and numbers.count(number) == 1:
            spellings = [repr(number), *([str(int(number))] if number.is_integer() else [])]
            yield from ((each, index if seen[index] else UNKNOWN) for each in spellings)
    for index, name in enumerate(column.categories):  # which are what they are, whatever else they might mean
        yield name, index if seen[index] else UNKNOWN


def _number_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
