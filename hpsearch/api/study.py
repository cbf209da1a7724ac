"""A study written in Python: it becomes the text of a study file. May import spec and tomli_w.

That text is checked and stored like a file, so that such a study is resumed, extended and verified like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from typing import Any

import tomli_w

from hpsearch import spec
from hpsearch.api.arrays import data_table
from hpsearch.errors import StudyFileError

PLACE = "<python>"
"""Takes the place of a study file's path, in messages and in the database."""

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; a grid takes `points` of them, evenly spaced.

    With `log` they are spaced, or drawn uniformly, on a logarithmic scale. Where `integer` is None, it depends on the
    hyperparameter, or on the numbers. With `step`, only `low`, `low + step` and so on are searched;
    with `prior`, most values are drawn around it.

    >>> Range(1e-6, 1e-1, log=True)
    Range(low=1e-06, high=0.1, log=True, integer=None, points=None, step=None, prior=None, confidence=None)
    """

    low: float
    high: float
    log: bool = False
    integer: bool | None = None
    points: int | None = None
    step: float | None = None
    prior: float | None = None
    confidence: str | None = None


@dataclass(frozen=True)
class Around:
    """The range of the `best` configurations of an earlier stage; `around` is the name of that stage."""

    around: str
    best: int = 1
    log: bool | None = None
    points: int | None = None
    neighbours: bool = False


@dataclass(frozen=True)
class Stage:
    """One step of the search: a sampler and a space, or a list of configurations. The fields are the keys of [[stage]].

    A space has a `Range`, an `Around` or a list of choices for each hyperparameter. `sampler` is a table, or only its
    kind, e.g. "grid". `from_` is the key `from`, which is a reserved word in Python.
    """

    name: str
    sampler: Table | str | None = None
    space: Mapping[str, "Range | Around | Sequence[Any] | Table"] | None = None
    configurations: Sequence[Table] | None = None
    training: Table | None = None
    model: Table | None = None
    augmentation: Table | None = None
    replicates: int | None = None
    test: bool | None = None
    pruner: Table | None = None
    budget: Table | None = None
    first: Sequence[Table] | None = None
    default: Table | None = None
    from_: str | None = None
    confirm: int | Table | None = None
    constraints: Sequence[str] | None = None
    trial: Table | None = None


@dataclass(frozen=True)
class Study:
    """A study; its fields are the tables of a study file, as mappings (see docs/study-file.md).

    `data` may be samples with their labels, (X, y), and so may `dataset` in it: arrays, or a DataFrame and a column.
    They are kept in the user's cache under their hash, so that a resume finds them. The path of the model file is
    relative to the working directory. Raises StudyFileError for an invalid study, InputError for data that are none.
    """

    name: str
    data: Any = None
    model: Table | None = None
    training: Table | None = None
    stages: Sequence[Stage | Table] = ()
    final: Table | None = None
    seed: int = 0
    description: str | None = None
    augmentation: Table | None = None
    objective: Table | Sequence[Table] | None = None
    references: Sequence[Table] | None = None
    trial: Table | None = None
    text: str = field(init=False, repr=False, compare=False)
    """The same study as the text of a study file."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _toml(_given(self) | {"data": data_table(self.data)}))
        spec.parse(self.text, PLACE)


_FILE_NAMES = {"stages": "stage", "references": "reference", "from_": "from"}


def _given(table: Study | Stage | Range | Around) -> dict[str, Any]:
    """Return the fields that differ from their defaults, by the keys of the study file."""
    chosen = [f for f in fields(table) if f.init and getattr(table, f.name) is not f.default]
    return {_FILE_NAMES.get(f.name, f.name): getattr(table, f.name) for f in chosen}


def _toml(written: Table) -> str:
    stages = written.get("stage")
    for stage in stages if isinstance(stages, list | tuple) else ():
        _refuse_pairs(stage.get("space") if isinstance(stage, Mapping) else getattr(stage, "space", None))
    try:
        table = _plain(written)
        for stage in table.get("stage", ()):
            if isinstance(stage, dict) and isinstance(stage.get("space"), dict):
                stage["space"] = _in_order(stage["space"])
        text = tomli_w.dumps(table)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # a set, a function, a lone surrogate, a recursive list
        raise StudyFileError(f"{PLACE}: cannot be written as a study file: {error}") from error
    return text


def _refuse_pairs(space: Any) -> None:
    """Raise StudyFileError for a pair of numbers: whoever writes (0, 1) means a range, and would get two choices."""
    for key, entry in space.items() if isinstance(space, Mapping) else ():
        if isinstance(entry, tuple) and len(entry) == 2 and all(type(each) in (int, float) for each in entry):
            rule = f"space[{key!r}] must be a range or a list of choices, got {entry}"
            raise StudyFileError(
                f"{PLACE}: {rule}; write Range{entry} for all between them, {list(entry)} for these two"
            )


def _in_order(space: dict[str, Any]) -> dict[str, Any]:
    """Write lists of choices as tables: TOML would move plain lists first, and draws depend on the order of keys."""
    if "choices" in space or space.keys() == {"layers", "units"}:
        return space
    wrapped = {key: {"choices": entry} if isinstance(entry, list) else entry for key, entry in space.items()}
    return {key: _in_order(entry) if isinstance(entry, dict) else entry for key, entry in wrapped.items()}


def _plain(value: Any) -> Any:
    """Return the value converted to the types of TOML, without the keys whose value is None."""
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
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return _plain(value.tolist())
    return value
