"""From a file to a validated study. May import tomllib, pydantic and hpsearch.errors."""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpsearch.errors import StudyFileError, nearest
from hpsearch.spec.checks.study import check
from hpsearch.spec.messages import Where, dotted, fail, first_error, show
from hpsearch.spec.tables.study import Study
from hpsearch.text import visible_line

MAX_BYTES = 1_000_000
"""The largest size of a study file."""

MAX_DEPTH = 20
"""The most tables or lists inside each other."""

ONLY_REPORTED = ("description", "reference")
"""Keys of a study file that only its report uses: no result depends on them."""

FORMER_NAMES: tuple[tuple[str, str | None, dict[str, str]], ...] = (
    ("stage", None, {"settings": "configurations"}),
    ("reference", None, {"setting": "configuration"}),
    ("data.dataset", "npz", {"images": "samples", "test_images": "test_samples"}),
)
"""Keys that earlier versions called otherwise: the table, its `kind` if only one kind has them, {former: present}.

The text of every stored study is read by them, so an entry stays for good.
"""


def read(path: Path) -> Study:
    """Read and validate a study file. Raises StudyFileError, one line, for whatever is wrong with it."""
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return a study file's text, to be parsed and kept. Raises StudyFileError if it cannot be read as text."""
    try:
        if path.exists() and not path.is_file():
            raise fail(str(path), [], "must be a file")
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise fail(str(path), [], f"must have at most {MAX_BYTES:_} bytes, got {path.stat().st_size:_}")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise fail(str(path), [], f"no such study file{_nearest_file(path)}") from None
    except UnicodeDecodeError as error:
        raise fail(str(path), [], f"must be UTF-8 text, but byte {error.start + 1:_} is not") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise fail(str(path), [], f"cannot be read: {reason}") from None


def parse(text: str, place: str) -> Study:
    """Validate the text of a study file; `place` stands before the message of the StudyFileError it may raise."""
    given = _toml(text, place)
    try:
        study = Study.of(given)
    except ValidationError as error:
        raise first_error(place, error) from None
    study._place = place
    check(study)
    return study


def difference(old_text: str, new_text: str, place: str = "new study file") -> list[str]:
    """Return what differs between two study files, key by key: "training.batch_size: 100 → 200".

    Comments, order, formatting, former names and the keys in `ONLY_REPORTED` make no difference. Raises StudyFileError
    if one of the files is not TOML; `place` is what it calls the new one.
    """
    return list(differences(old_text, new_text, place).values())


def differences(old_text: str, new_text: str, place: str = "new study file") -> dict[str, str]:
    """Return what `difference` does, by the places in the files: "stage[0].sampler.trials"."""
    old, new = _values(old_text, "old study file"), _values(new_text, place)
    return {
        key: visible_line(f"{key}: {_shown(key, old)} → {_shown(key, new)}")
        for key in dict.fromkeys([*old, *new])
        if _text(key, old) != _text(key, new)
    }


def _values(text: str, place: str) -> dict[str, Any]:
    """Return the values of a study file that its results depend on, by place."""
    given = {key: value for key, value in _toml(text, place).items() if key not in ONLY_REPORTED}
    return {dotted(where): value for where, value in _leaves(given)}


def _toml(text: str, place: str) -> dict[str, Any]:
    try:
        given = tomllib.loads(text)
        for where, value in _leaves(given):
            if problem := _broken_rule(value):
                raise fail(place, where, f"{problem}, got {show(value)}")
            if any("\0" in str(part) for part in where):
                raise fail(place, where, "must not contain NUL")
    except StudyFileError:
        raise
    except ValueError as error:  # TOMLDecodeError, and what Python's int() refuses
        raise fail(place, [], f"is not TOML: {_explained(str(error))}") from None
    except RecursionError:
        raise fail(place, [], "is nested too deeply") from None
    _rename(given, place)
    return given


def _explained(message: str) -> str:
    """Explain tomllib's message where a key of a hyperparameter is given beside its list of choices."""
    found = re.fullmatch(r"Cannot mutate immutable namespace \((.*'space', .*)\) (\(at .*\))", message)
    if not found:
        return message
    key = ".".join(re.findall(r"'([^']*)'", found[1]))
    return (
        f"{key} is a list or a table in one line, so that no {key}.… can be added {found[2]}; what belongs to a choice"
        ' is written inside it: [{ kind = "momentum", momentum = { low = 0.5, high = 0.9 } }, …]'
    )


def _rename(given: dict[str, Any], place: str) -> None:
    """Give the keys in `FORMER_NAMES` their present names, in place. A key under both names raises StudyFileError."""
    for path, kind, names in FORMER_NAMES:
        for where, table in _tables(given, path.split(".")):
            if kind is not None and table.get("kind") != kind:
                continue
            for former, present in names.items():
                if former in table and present in table:
                    raise fail(place, [*where, present], f"must not be given twice: {former!r} is its former name")
            renamed = {names.get(key, key): value for key, value in table.items()}
            table.clear()
            table.update(renamed)  # in the same order


def _tables(
    given: Any, path: Sequence[str], where: tuple[str | int, ...] = ()
) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Yield the tables at a path, each with its place: one, or all of an array of tables."""
    if isinstance(given, list):
        for i, item in enumerate(given):
            yield from _tables(item, path, (*where, i))
    elif isinstance(given, dict) and path:
        yield from _tables(given.get(path[0]), path[1:], (*where, path[0]))
    elif isinstance(given, dict):
        yield list(where), given


def _leaves(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the place and value of everything that is no table; a list without tables is one value."""
    if len(where) > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict) and (value or not where):
        for key, item in value.items():
            yield from _leaves(item, (*where, key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for i, item in enumerate(value):
            yield from _leaves(item, (*where, i))
    else:
        yield where, value


def _broken_rule(value: Any, depth: int = 0) -> str | None:
    """Return the rule that a TOML value breaks whatever its key is; None if it breaks none."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, list):
        return next((problem for item in value if (problem := _broken_rule(item, depth + 1))), None)
    if isinstance(value, dict):
        return _broken_rule([*value, *value.values()], depth)
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be finite"
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "must fit in 64 bits"
    if isinstance(value, str):
        return "must not contain NUL" if "\0" in value else None
    return "must not be a date or time"


def _shown(key: str, leaves: dict[str, Any]) -> str:
    return show(leaves[key]) if key in leaves else "not given"


def _text(key: str, leaves: dict[str, Any]) -> str:
    return json.dumps(leaves[key]) if key in leaves else ""


def _nearest_file(path: Path) -> str:
    named = path.parent / "studies" / f"{path.name.removesuffix('.toml')}.toml"
    if named.is_file():
        return f"; did you mean {str(named)!r}?"
    if not path.parent.is_dir():
        return f"; there is no directory {str(path.parent)!r}"
    return nearest(path.name, (file.name for file in path.parent.glob("*.toml")))
