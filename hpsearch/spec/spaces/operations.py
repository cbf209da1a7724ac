"""What the parts of a constraint compute from the values of a configuration. May import the standard library."""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 1e100
"""Whole numbers beyond this are computed as floats, so that no constraint takes long."""

Values = Mapping[str, Any]
Evaluate = Callable[[Values], Any]


class ConstraintError(Exception):
    """A constraint that cannot be read or computed; `str(error)` says what is wrong and in which column."""


class _Absent:
    """The value of a hyperparameter that a configuration does not have, and of what is computed from it."""


ABSENT = _Absent()


def value_of(values: Values, name: str) -> Any:
    """Return what a name in a constraint stands for, of a table with a `kind` that kind; ABSENT if there is none."""
    found = _plain(values, name)
    return found.get("kind", found) if isinstance(found, dict) else found


def _plain(values: Values, name: str) -> Any:
    if name in values:
        return values[name]
    for key in values:
        if key.startswith(f"{name}.units.") or ("[" in key and re.sub(r"\[[^\]]*\]", "", key) == name):
            return values[key] if "[" in key else [values[each] for each in values if each.startswith(f"{name}.units.")]
    head, _, rest = name.rpartition(".")
    table = _plain(values, head) if head else ABSENT
    return table.get(rest, ABSENT) if isinstance(table, dict) else ABSENT


def _power(base: float, exponent: float) -> float:
    if isinstance(base, int) and isinstance(exponent, int) and 0 <= exponent <= 64 and abs(base) < 2**53:
        return int(base**exponent)
    return math.pow(base, exponent)


ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "len": len,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
    "sum": sum,
}
OF_LISTS = ("len", "max", "min", "sum")
WORDS = {"true": True, "false": False}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def both(conditions: list[Evaluate]) -> Evaluate:
    return _decided(conditions, by=False)


def either(conditions: list[Evaluate]) -> Evaluate:
    return _decided(conditions, by=True)


def _decided(conditions: list[Evaluate], *, by: bool) -> Evaluate:
    """Evaluate conditions in turn: the first that is `by` decides; else what is absent leaves it open."""

    def evaluate(values: Values) -> Any:
        unknown = False
        for condition in conditions:
            found = condition(values)
            if found is by:
                return by
            unknown = unknown or found is ABSENT
        return ABSENT if unknown else not by

    return evaluate


def arithmetic(compute: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(values: Values) -> Any:
        one, other = left(values), right(values)
        if one is ABSENT or other is ABSENT:
            return ABSENT
        found = compute(one, other)
        return float(found) if type(found) is int and abs(found) > LARGEST else found

    return evaluate


def equality(left: Evaluate, right: Evaluate, wanted: bool) -> Evaluate:
    def evaluate(values: Values) -> Any:
        one, other = left(values), right(values)
        if one is ABSENT or other is ABSENT:
            return ABSENT
        return (one == other and isinstance(one, bool) == isinstance(other, bool)) == wanted

    return evaluate


def membership(left: Evaluate, right: Evaluate, wanted: bool) -> Evaluate:
    def evaluate(values: Values) -> Any:
        one, other = left(values), right(values)
        return ABSENT if one is ABSENT or other is ABSENT else (one in other) == wanted

    return evaluate
