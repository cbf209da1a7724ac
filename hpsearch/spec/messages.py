"""Error messages about a study file, each one line: place, rule, what was given.

May import pydantic and hpsearch.errors.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails, PydanticCustomError

from hpsearch.errors import DamagedError, ModelError, StudyFileError, raised
from hpsearch.text import visible_line

Where = list[str | int]
"""A place in a study file: `["stage", 1, "space", "lambda"]`."""

TAG = "\0"
"""Begins the tags of a union's members; no key of a study file has it, so it is left out of places."""

RULES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be finite",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "is_instance_of": "must be a {class}",
    "sequence_str": "must be a list",
    "dict_type": "must be a table",
    "too_short": "must have at least {min_length}",
    "too_long": "must have at most {max_length}",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}
"""pydantic's types of errors, and our messages for them."""


def wrong(text: str, *key: str | int) -> PydanticCustomError:
    """Make the error that a validator of a table raises: `text` follows the place of `key` inside that table."""
    return PydanticCustomError("rule", "{text}", {"text": text, "key": key})


def fail(place: str, where: Sequence[str | int], text: str) -> StudyFileError:
    """Make the one-line error `place: where text`."""
    return StudyFileError(visible_line(f"{place}: {dotted(where)} {text}" if where else f"{place}: {text}"))


def first_error(place: str, error: ValidationError, where: Sequence[str | int] = ()) -> StudyFileError:
    """Return pydantic's first error as one of ours; `where` is the place of what was validated."""
    found = error.errors(include_url=False)
    path, text = describe(found[0])
    # a list's only item that is wrong makes pydantic find the list too short as well
    others = [other for other in found[1:] if other["loc"] != found[0]["loc"][: len(other["loc"])]]
    more = f" (and {len(others)} more)" if others else ""
    return fail(place, [*where, *path], text + more)


def describe(error: ErrorDetails) -> tuple[Where, str]:
    """Return where one of pydantic's errors is, inside what was validated, and what it says."""
    path = [part for part in error["loc"] if not str(part).startswith(TAG)]
    context = error.get("ctx", {})
    kind = error["type"]
    if kind == "rule":
        return [*path, *context["key"]], context["text"]
    if kind == "missing":
        return path, RULES[kind]
    limits = {name: _limit(limit) for name, limit in context.items()}
    rule = RULES[kind].format(**limits) if kind in RULES else error["msg"]
    return path, f"{rule}, got {show(error['input'])}"


def _limit(limit: Any) -> str:
    return f"{limit:g}" if isinstance(limit, float) else f"{limit:_}" if isinstance(limit, int) else str(limit)


def dotted(where: Sequence[str | int]) -> str:
    """Write a place as the study file would: `stage[1].space.lambda`."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def show(value: Any) -> str:
    """Write a value much as TOML would, on one line, shortened where it is long."""
    if isinstance(value, dict) and value:
        text = "{ " + ", ".join(f"{key} = {show(item)}" for key, item in list(value.items())[:8]) + " }"
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(show(item) for item in value[:8])}{', …' if len(value) > 8 else ''}]"
    elif isinstance(value, bool | None):
        text = json.dumps(value)
    elif isinstance(value, int):
        text = f"{value:_}"
    elif isinstance(value, float | str):
        text = repr(value)
    else:
        text = "{}" if value == {} else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def check_value(what: str, value: Any, expected: Any) -> None:
    """Raise ModelError, beginning with `what`, unless the value is strictly of the expected type."""
    try:
        TypeAdapter(expected).validate_python(value, strict=True)
    except ValidationError as error:
        path, text = describe(error.errors(include_url=False)[0])
        raise ModelError(visible_line(f"{what}{dotted(path)} {text.replace('a Sequence', 'a list')}")) from None
    except PydanticUserError:  # a type that pydantic cannot check
        return


@contextmanager
def stored(what: str) -> Iterator[None]:
    """Raise DamagedError, in one line, for what a database keeps and no study file gives."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        rule = f"{place} {RULES.get(first['type'], first['msg'])}".strip()
        raise DamagedError(
            f"the database holds {what} that is not valid: {rule}, got {first['input']!r:.60}"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"the database holds {what} that is not valid ({raised(error)})") from error
