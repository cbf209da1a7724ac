"""Spaces in which some hyperparameters belong to a choice of another: which are active, and what a study file writes.

May import the tables of the study file.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hpsearch.spec.messages import show, stored, wrong
from hpsearch.spec.tables.space import SHAPES, Branching, Choices, Range, are_numbers

Space = Mapping[str, Range | Choices]

MOST_LAYERS = 100

_LAYERS = {"layers", "units"}
"""The keys by which a list of layers is recognised."""


def bare(key: str) -> str:
    """Return the key of a hyperparameter in [training] or [model]: of `optimiser[adam].beta1`, `optimiser.beta1`."""
    return re.sub(r"\[[^\]]*\]", "", key) if "[" in key else key


def branches(space: Mapping[str, Any]) -> dict[str, Branching]:
    """Return the hyperparameters to whose choices others belong."""
    return {key: entry for key, entry in space.items() if isinstance(entry, Branching)}


def roots(space: Mapping[str, Any]) -> list[str]:
    """Return the hyperparameters that belong to no other, in order."""
    inner = {key for entry in branches(space).values() for keys in entry.active for key in keys}
    return [key for key in space if key not in inner]


def belonging(stored: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the hyperparameters of a space, as a database keeps it, that belong to a choice of another."""
    return {key for entry in stored.values() for keys in entry.get("active", ()) for key in keys}


def complete(space: Space, value: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Return a configuration: the value of each hyperparameter that is active by the choices before it."""
    splitting = branches(space)
    if not splitting:
        return {key: value(key, entry) for key, entry in space.items()}
    active, found = set(roots(space)), dict[str, Any]()
    for key, entry in space.items():
        if key in active:
            found[key] = value(key, entry)
            if key in splitting:
                active.update(splitting[key].belonging(found[key]))
    return found


def within(space: Space, given: Mapping[str, Any]) -> Space:
    """Return the part of a space in which these hyperparameters have these values."""
    found: dict[str, Range | Choices] = {}
    active = set(roots(space))
    for key, entry in space.items():
        if key not in active:
            continue
        found[key] = entry
        if not isinstance(entry, Branching):
            found[key] = Choices(choices=(given[key],), ordered=False) if key in given else entry
        elif key in given:
            inner = entry.belonging(given[key])
            found[key] = Branching(choices=(given[key],), ordered=False, active=(inner,))
            active.update(inner)
        else:
            active.update(name for names in entry.active for name in names)
    return found


def combinations(space: Space, values: Callable[[str, Any], Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield all configurations of these values, the last hyperparameter varying fastest."""

    def options(key: str) -> list[dict[str, Any]]:
        entry = space[key]
        inner = entry.belonging if isinstance(entry, Branching) else lambda _: ()
        return [{key: value} | rest for value in values(key, entry) for rest in together(inner(value))]

    def together(keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        for parts in itertools.product(*map(options, keys)):
            yield {key: value for part in parts for key, value in part.items()}

    return together(roots(space))


def count(space: Mapping[str, Any], size: Callable[[str, Any], float]) -> float:
    """Return the number of `combinations`, where a hyperparameter without branches has so many values."""

    def of(key: str) -> float:
        entry = space[key]
        if isinstance(entry, Branching):
            return sum(math.prod(map(of, keys)) for keys in entry.active)
        return size(key, entry)

    return math.prod(map(of, roots(space)))


def grid(space: Space) -> list[dict[str, Any]]:
    """Return the configurations of a grid, in the order of its trials: the last hyperparameter varies fastest."""
    return list(combinations(space, lambda _, entry: entry.grid()))


# As a study file writes them


def branched(given: Any) -> Any:
    """Return a space with the ranges and lists inside choices as hyperparameters of their own, after these choices."""
    if not isinstance(given, dict):
        return given
    flat: dict[str, Any] = {}
    for key, entry in given.items():
        if isinstance(entry, dict) and "active" in entry:
            raise wrong("is not a key; write what belongs to a choice inside it", key, "active")
        found = _branched(key, entry)
        if twice := found.keys() & flat.keys():
            raise wrong("must not be given twice, by itself and inside a choice or as layers", min(twice))
        flat |= found
    return flat


def _branched(key: str, entry: Any) -> dict[str, Any]:
    if _is_layers(entry):
        return _layers(key, entry)
    choices = entry.get("choices") if isinstance(entry, dict) else entry
    if not isinstance(choices, list) or not any(_split(choice)[1] for choice in choices):
        return {key: entry}
    parts = [_split(choice) for choice in choices]
    named = [found for _, found in parts]
    labels = _labels([template for template, _ in parts])
    active: list[list[str]] = []
    below: dict[str, Any] = {}
    for label, found in zip(labels, named, strict=True):
        keys: list[str] = []
        for inner, part in found.items():
            alike = all(other[inner] == part for other in named if inner in other)
            flat = _branched(f"{key}.{inner}" if alike else f"{key}[{label}].{inner}", part)
            below |= flat
            keys.append(next(iter(flat)))
        active.append(keys)
    table = entry if isinstance(entry, dict) else {}
    return {key: table | {"choices": [template for template, _ in parts], "active": active}, **below}


def _split(choice: Any) -> tuple[Any, dict[str, Any]]:
    """Divide a choice into what is fixed and what is searched, by names: `{"block.units": {"low": …}}`."""
    if not isinstance(choice, dict):
        return choice, {}
    fixed: dict[str, Any] = {}
    searched: dict[str, Any] = {}
    for key, value in choice.items():
        if isinstance(value, list) or _is_layers(value) or (isinstance(value, dict) and SHAPES & value.keys()):
            if isinstance(value, dict) and "around" in value:
                raise wrong(f"must not be around a stage inside a choice; the whole choice can be, got {show(value)}")
            searched[key] = value
        elif isinstance(value, dict):
            fixed[key], below = _split(value)
            searched |= {f"{key}.{inner}": part for inner, part in below.items()}
        else:
            fixed[key] = value
    return fixed, searched


def _labels(templates: Sequence[Any]) -> list[str]:
    """Return a short name for each choice: its kind, or its number where that is none or not unique."""
    kinds = [str(each.get("kind", "")) if isinstance(each, dict) else "" for each in templates]
    return [
        kind if re.fullmatch(r"[\w-]+", kind) and kinds.count(kind) == 1 else str(i) for i, kind in enumerate(kinds)
    ]


def _is_layers(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.keys() == _LAYERS


def _layers(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the number of layers, and the units of each layer, which belongs to the numbers that have it."""
    match entry["layers"]:
        case [int() as least, int() as most] if 1 <= least <= most <= MOST_LAYERS and not isinstance(least, bool):
            numbers = range(least, most + 1)
        case given:
            rule = f"must be the fewest and the most layers, such as [1, 3], at most {MOST_LAYERS}"
            raise wrong(f"{rule}, got {show(given)}", key, "layers")
    units = [f"{key}.units.{i}" for i in range(1, numbers[-1] + 1)]
    active = [units[:number] for number in numbers]
    return {f"{key}.layers": {"choices": list(numbers), "active": active}} | dict.fromkeys(units, entry["units"])


def composed(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters by the keys of [training] and [model], with the units of layers as one list."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        match = re.fullmatch(r"(.+)\.units\.\d+", key)
        if match:
            found.pop(f"{bare(match[1])}.layers", None)
            found.setdefault(bare(match[1]), []).append(value)
        else:
            found[bare(key)] = value
    return found


def entry_from_json(entry: Mapping[str, Any]) -> Range | Choices:
    """Return an entry of a space that a database keeps. Choices of earlier versions have no order.

    Raises DamagedError.
    """
    with stored("a range or choices"):
        if "choices" not in entry:
            return Range.model_validate(entry)
        return (Branching if "active" in entry else Choices).model_validate({"ordered": False, **entry})


def as_written(space: Space) -> dict[str, Any]:
    """Return a space as a study file has it: what belongs to a choice inside it, and layers in one table."""
    return {key: entry for name in roots(space) for key, entry in _written_entry(space, name).items()}


def _written_entry(space: Space, name: str) -> dict[str, Any]:
    entry, key = space[name], bare(name)
    if not isinstance(entry, Branching):
        if isinstance(entry, Choices):
            order = {} if entry.ordered == are_numbers(entry.choices) else {"ordered": entry.ordered}
            return {key: {"choices": list(entry.choices), **order} if order else list(entry.choices)}
        left_out = {field for field in ("log", "integer") if not getattr(entry, field)}
        return {key: entry.model_dump(exclude_none=True, exclude=left_out)}
    if f"{name.removesuffix('.layers')}.units.1" in entry.active[-1]:
        units = _written_entry(space, entry.active[-1][0])
        return {
            key.removesuffix(".layers"): {
                "layers": [entry.choices[0], entry.choices[-1]],
                "units": next(iter(units.values())),
            }
        }
    choices = []
    for choice, names in zip(entry.choices, entry.active, strict=True):
        inner = [pair for each in names for pair in _written_entry(space, each).items()]
        choices.append(written({key: choice} | dict(inner))[key])
    return {key: choices}


def written(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as a configuration in a study file has them: what belongs to a choice inside it."""
    found: dict[str, Any] = {}
    for key, value in composed(params).items():
        parent = next((name for name in found if key.startswith(f"{name}.") and isinstance(found[name], dict)), None)
        if parent is None:
            found[key] = value
            continue
        inner = found[parent] = dict(found[parent])
        *path, last = key.removeprefix(f"{parent}.").split(".")
        for part in path:
            inner[part] = inner = dict(inner.get(part, {}))
        inner[last] = value
    return found


def separated(space: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration, as `written`, by the names of the hyperparameters of a space."""
    return {name: item for key, value in row.items() for name, item in _separated(space, key, value).items()}


def _separated(space: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    if isinstance(space.get(f"{key}.layers"), Branching) and isinstance(value, list):
        return {f"{key}.layers": len(value)} | {f"{key}.units.{i}": each for i, each in enumerate(value, 1)}
    entry = space.get(key)
    if not isinstance(entry, Branching) or not isinstance(value, dict):
        return {key: value}
    for choice, keys in zip(entry.choices, entry.active, strict=True):
        flat = _flat(value)
        inner = {name.removesuffix(".layers"): bare(name).removeprefix(f"{bare(key)}.") for name in keys}
        inner = {name: last.removesuffix(".layers") for name, last in inner.items()}
        rest = {name: item for name, item in flat.items() if name not in inner.values()}
        if rest == _flat(choice):
            below = [_separated(space, name, flat[last]) for name, last in inner.items() if last in flat]
            return {key: choice} | {name: item for part in below for name, item in part.items()}
    return {key: value}


def _flat(table: Any) -> dict[str, Any]:
    """Return a table by the names of its keys and of those of tables in it; a table with a kind also stays one."""
    found: dict[str, Any] = {}
    for key, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, dict) and "kind" not in value:
            found |= {f"{key}.{inner}": item for inner, item in _flat(value).items()}
        else:
            found[key] = value
    return found
