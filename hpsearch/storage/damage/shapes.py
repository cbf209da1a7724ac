"""What structured values look like: which keys they have, and of which types. May import the standard library."""

from collections.abc import Mapping, Sequence
from typing import Any

Shape = Any
"""A type; `[shape]` of a list's items; `{"key": shape, "key?": shape}` of a table with keys that it must or may have.

`{"*": shape}` is a table whose values all have that shape; of several tables in a tuple one must fit; None is anything.
"""

number = (int, float)

_NAMES = {
    dict: "a table",
    list: "a list",
    str: "text",
    int: "a whole number",
    bool: "true or false",
    number: "a number",
}


def mismatch(value: Any, shape: Shape, place: str = "") -> str | None:
    """What a value ought to be, as a rule for a message; None if it is."""
    match shape:
        case None:
            return None
        case tuple() if isinstance(shape[0], dict):  # a list would fit a pattern of a sequence, too
            rules = [mismatch(value, each, place) for each in shape]
            return None if None in rules else rules[0]
        case [inner]:
            return _of_type(value, list, place) or _first(value, inner, place)
        case {"*": inner}:
            return _of_type(value, dict, place) or _first(value.values(), inner, place)
        case dict() as keys:
            return _of_type(value, dict, place) or _of_keys(value, keys, place)
    return _of_type(value, shape, place)


def _of_type(value: Any, kind: Any, place: str) -> str | None:
    boolean = isinstance(value, bool) and kind is not bool  # True is no number
    name = _NAMES[kind]
    return f"{name}{f' at {place!r}' if place else ''}" if boolean or not isinstance(value, kind) else None


def _first(values: Sequence[Any], shape: Shape, place: str) -> str | None:
    return next((rule for value in values if (rule := mismatch(value, shape, place))), None)


def _of_keys(value: Mapping[str, Any], keys: Mapping[str, Shape], place: str) -> str | None:
    for name, shape in keys.items():
        key = name.rstrip("?")
        inside = f"{place}.{key}" if place else key
        if key not in value:
            if key == name:
                return f"a table with {inside!r}"
        elif (value[key] is not None or key == name) and (rule := mismatch(value[key], shape, inside)):
            return rule
    return None
