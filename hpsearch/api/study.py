"""A study written in Python, as the text of the study file that it stands for. May import spec and tomli_w.

There is one set of rules: what is built here becomes TOML, is checked as a file is, and is stored as a file is, so that
it resumes, grows and is verified like one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from typing import Any

import tomli_w

from hpsearch import spec
from hpsearch.errors import StudyFileError

PLACE = "<python>"
"""Stands before messages, and in the database, where a study file's path would."""

Keys = Mapping[str, Any]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `points` of them, evenly spaced, where a grid is wanted.

    With `log` they are spaced, or drawn, evenly on a logarithmic scale. `integer` is decided by the key, or by the two
    numbers, where it is None.

    >>> Range(1e-6, 1e-1, log=True)
    Range(low=1e-06, high=0.1, log=True, integer=None, points=None)
    """

    low: float
    high: float
    log: bool = False
    integer: bool | None = None
    points: int | None = None


@dataclass(frozen=True)
class Around:
    """The range in which the `best` configurations of an earlier stage lie, by that stage's name."""

    around: str
    best: int = 1
    log: bool | None = None
    points: int | None = None


@dataclass(frozen=True)
class Stage:
    """One step of the search: a sampler and a space, or a list of configurations. The keys are those of [[stage]].

    A space has a `Range`, an `Around` or a list of choices for each key. `sampler` is a table, or its kind alone where
    that says all: "grid". `from_` stands for the file's `from`, a word that Python keeps to itself.
    """

    name: str
    sampler: Keys | str | None = None
    space: Mapping[str, "Range | Around | Sequence[Any] | Keys"] | None = None
    configurations: Sequence[Keys] | None = None
    training: Keys | None = None
    model: Keys | None = None
    augmentation: Keys | None = None
    replicates: int | None = None
    test: bool | None = None
    pruner: Keys | None = None
    budget: Keys | None = None
    first: Sequence[Keys] | None = None
    from_: str | None = None
    confirm: int | Keys | None = None


@dataclass(frozen=True)
class Study:
    """A study as its file would say it; tables are mappings with the file's own keys (see docs/study-file.md).

    The model's file is found from the working directory. Raises StudyFileError, one line, as a study file does.
    """

    name: str
    data: Keys
    model: Keys
    training: Keys
    stages: Sequence[Stage | Keys]
    final: Keys | None = None
    seed: int = 0
    description: str | None = None
    augmentation: Keys | None = None
    references: Sequence[Keys] | None = None
    text: str = field(init=False, repr=False, compare=False)
    """The study file that this is."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _toml(_given(self)))
        spec.parse(self.text, PLACE)


_FILE_NAMES = {"stages": "stage", "references": "reference", "from_": "from"}


def _given(table: Study | Stage | Range | Around) -> dict[str, Any]:
    """Return what is not as it would be anyway, by the file's keys."""
    chosen = [f for f in fields(table) if f.init and getattr(table, f.name) is not f.default]
    return {_FILE_NAMES.get(f.name, f.name): getattr(table, f.name) for f in chosen}


def _toml(written: Keys) -> str:
    try:
        table = _plain(written)
        for stage in table.get("stage", ()):
            if isinstance(stage, dict) and isinstance(stage.get("space"), dict):
                stage["space"] = _in_order(stage["space"])
        text = tomli_w.dumps(table)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # a set, a function, half a character, a list in itself
        raise StudyFileError(f"{PLACE}: cannot be written as a study file: {error}") from error
    return text


def _in_order(space: dict[str, Any]) -> dict[str, Any]:
    """Write lists of choices as tables: TOML would put plain lists first, and a draw depends on the keys' order."""
    if "choices" in space:
        return space
    wrapped = {key: {"choices": entry} if isinstance(entry, list) else entry for key, entry in space.items()}
    return {key: _in_order(entry) if isinstance(entry, dict) else entry for key, entry in wrapped.items()}


def _plain(value: Any) -> Any:
    """Return the value as TOML knows it; a key whose value is None is not given."""
    if isinstance(value, Range | Around | Stage):
        value = _given(value)
        if isinstance(value.get("sampler"), str):
            value["sampler"] = {"kind": value["sampler"]}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"keys must be text, got {key!r}")
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _plain(value.tolist())
    return value
