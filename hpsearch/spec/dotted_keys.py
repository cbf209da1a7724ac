"""Turns keys that TOML nests, `schedule.eta_max = …`, back into dotted names. May import nothing but this package."""

from collections.abc import Iterable
from typing import Any

from hpsearch.spec.messages import wrong
from hpsearch.spec.tables.space import SHAPES
from hpsearch.spec.tables.training import TABLES, is_training_key


def flat_space(given: Any) -> Any:
    """Return a space with `schedule.eta_max = {…}`, which TOML nests, as one key."""
    if not isinstance(given, dict):
        return given
    _refuse_augmentation(given)
    flat: dict[str, Any] = {}
    for key, entry in given.items():
        if isinstance(entry, dict) and not SHAPES & entry.keys() and _holds_entries(key, entry):
            flat |= {f"{key}.{inner}": item for inner, item in entry.items()}
        else:
            flat[key] = entry
    return flat


def _holds_entries(key: str, table: dict[str, Any]) -> bool:
    """Tell whether a table holds hyperparameters, or is a mistyped range."""
    if key in (*TABLES, "training", "model"):
        return True
    return not is_training_key(key) and bool(table) and all(isinstance(item, dict) for item in table.values())


def _refuse_augmentation(given: dict[str, Any]) -> None:
    for key in given:
        if key.split(".")[0] == "augmentation":
            rule = "cannot be searched; it is the same for all trials of a stage"
            raise wrong(f"{rule} (augmentation = {{ … }} in [[stage]])", key)


def flat_configuration(given: Any) -> Any:
    """Return a configuration with `schedule = { eta_max = 1 }` as `schedule.eta_max`; a table with a kind stays one."""
    if not isinstance(given, dict):
        return given
    _refuse_augmentation(given)
    flat: dict[str, Any] = {}
    for key, value in given.items():
        if key in TABLES and isinstance(value, dict) and "kind" not in value:
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[key] = value
    return flat


def flat_first(given: Any, hyperparameters: Iterable[str]) -> Any:
    """Return the configurations to try first under the names that the space has for their hyperparameters."""
    if not isinstance(given, list | tuple):
        return given
    names = tuple(hyperparameters)
    return [
        {name: value for key in row for name, value in _flat(key, row[key], names)} if isinstance(row, dict) else row
        for row in given
    ]


def _flat(key: str, value: Any, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and key not in names and any(name.startswith(f"{key}.") for name in names):
        return [pair for inner, item in value.items() for pair in _flat(f"{key}.{inner}", item, names)]
    return [(key, value)]
