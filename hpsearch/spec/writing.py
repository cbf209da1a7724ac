"""Values and stages as lines of a study file. May import nothing but the standard library."""

import json
import re
from collections.abc import Mapping
from typing import Any


def stage_lines(stage: Mapping[str, Any]) -> str:
    """Write a stage as TOML; each hyperparameter of its space, and each of its configurations, on a line of its own."""
    lines = ["[[stage]]"]
    for key, value in stage.items():
        if key == "space":
            lines += [f"space.{_key(name)} = {toml(entry)}" for name, entry in value.items()]
        elif key == "configurations":
            lines += ["configurations = [", *(f"    {toml(each)}," for each in value), "]"]
        else:
            lines.append(f"{key} = {toml(value)}")
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def toml(value: Any) -> str:
    """Write a value in TOML, tables inline.

    >>> toml({"kind": "grid", "low": 1e-05, "on": True, "hidden": [50], "a b": "x"})
    '{ kind = "grid", low = 1e-05, on = true, hidden = [50], "a b" = "x" }'
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {toml(each)}' for key, each in value.items())} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(each) for each in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value) if isinstance(value, bool) else repr(value)
