"""The base of every table of a study file, and the values that several tables share. May import pydantic."""

import math
from functools import cache
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from hpsearch.spec.messages import TAG, show, wrong
from hpsearch.spec.suggestions import did_you_mean

MAX_NAME = 250
"""A study's and a stage's name together stay below the 512 characters that a database column holds."""

LARGEST = 1e15
"""Bound of a range's numbers: below 2**53, where whole numbers are still exact as floats."""


class Table(BaseModel):
    """An immutable table that refuses unknown keys and values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _is_a_table_of_known_keys(cls, given: Any) -> Any:
        if isinstance(given, cls):
            return given
        if not isinstance(given, dict):
            raise wrong(f"must be a table, got {show(given)}")
        known = cls.key_names()
        for key in given:
            if key not in known and cls.model_config["extra"] != "allow":
                raise wrong(f"is not a key{did_you_mean(str(key), known)}", str(key))
        return given

    @classmethod
    @cache  # asked for eleven times a trial
    def key_names(cls) -> tuple[str, ...]:
        """Return the keys as the study file writes them."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def of(cls, given: Any) -> Self:
        """Validate a table from its keys and values as the study file writes them."""
        return cls.model_validate(given)


def tag_of(given: Any) -> str | None:
    """Return the union's tag for a table with a `kind`."""
    kind = given.get("kind") if isinstance(given, dict) else getattr(given, "kind", None)
    return TAG + kind if isinstance(kind, str) else None


def of_kind(*kinds: str, or_text: bool = False) -> BeforeValidator:
    """Refuse a table whose `kind` is none of these, before pydantic selects the member of the union."""

    def check(given: Any) -> Any:
        if isinstance(given, Table) or (or_text and isinstance(given, str)):
            return given
        if not isinstance(given, dict):
            raise wrong(f"must be a table with a kind, got {show(given)}")
        if given.get("kind") not in kinds:
            got = f", got {show(given['kind'])}" if "kind" in given else ""
            raise wrong(f"must be one of {', '.join(map(repr, kinds))}{got}", "kind")
        return given

    return BeforeValidator(check)


def check_name(name: str) -> str:
    """Return the name of a study or a stage; raise a validator's error where it is no valid name."""
    if any(not c.isprintable() for c in name):
        raise wrong(f"must not contain control characters, got {name!r}")
    if name != name.strip() or name.startswith(".") or "/" in name or "\\" in name:
        raise wrong(f"must not begin with '.', contain '/' or '\\', or begin or end with a space, got {show(name)}")
    return name


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(f"must be a number, got {show(value)}")
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise wrong(f"must be between -{LARGEST:g} and {LARGEST:g}, got {show(value)}")
    return value


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(check_name)]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
Share = Annotated[float, Field(gt=0, lt=1)]
Number = Annotated[int | float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
"""A whole number stays an int: a range between ints has whole values."""
