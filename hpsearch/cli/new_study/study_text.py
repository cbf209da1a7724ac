"""The study file that `hpsearch new study` writes, and the least that one can be. May import the standard library."""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

USUAL = {
    "lambda": "{ low = 1e-6, high = 1e-1, log = true }",
    "eta": "{ low = 1e-3, high = 0.5, log = true }",
    "batch_size": "[20, 50, 100]",
    "hidden": "[[32], [64], [128]]",
    "dropout": "{ low = 0.0, high = 0.5 }",
    "activation": '["relu", "leaky_relu", "tanh"]',
    "batch_norm": "[false, true]",
    "init": '["he", "gaussian"]',
    "optimiser": '["sgd", "momentum", "adam"]',
}
"""Where a key is searched unless its values are given, as TOML writes them."""

BEST = 3
"""The second stage searches where so many of the first lie."""


@dataclass(frozen=True)
class Answers:
    """What a study file is made from; `space` has the values of each key as TOML, `dataset` a name or a table."""

    name: str
    dataset: str | Mapping[str, Any]
    train: int
    validation: int
    model: str
    space: Mapping[str, str]
    training: Mapping[str, float | int]
    trials: int
    minutes: float | None = None


def study_text(a: Answers) -> str:
    """Return the text of a study file: a coarse stage, a finer one where its best lie, and a final."""
    return "\n".join(
        [
            "# Written by `hpsearch new study`; `hpsearch launch` checks it whole before anything runs.",
            f"name = {_toml(a.name)}",
            "seed = 0",
            "",
            "[data]",
            f"dataset = {_toml(a.dataset)}",
            _noted(f"train = {a.train:_}", "images to learn from"),
            _noted(f"validation = {a.validation:_}", "images that configurations are compared on"),
            "",
            "[model]",
            _noted(f"file = {_toml(a.model)}", "any other key here is a parameter of the model"),
            "",
            "[training]",
            *(
                f"{key} = {value:_}" if isinstance(value, int) else f"{key} = {value}"
                for key, value in a.training.items()
            ),
            *_stages(a),
            "",
            _noted("[final]", "the winner, trained again; only here are the test images looked at"),
            "replicates = 3",
            "",
        ]
    )


def least_study(
    stage: str,
    *,
    training: Mapping[str, str | float],
    model: Mapping[str, str] = MappingProxyType({"file": "'x.py'"}),
    dataset: str = "'digits'",
    train: int = 1,
) -> str:
    """Return the text of a study file that says no more than it must, for values to be checked as such a file's are.

    All values are as TOML writes them; `stage` is the lines of its only stage.
    """
    text = "name = 'check'\n"
    data = {"dataset": dataset, "train": train, "validation": 1}
    for table, keys in (("data", data), ("model", model), ("training", training)):
        text += f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"{text}[[stage]]\nname = 'check'\n{stage}\n"


def combinations(space: Mapping[str, str]) -> int | None:
    """How many configurations a space of choices alone has; None where it has a range."""
    values = [tomllib.loads(f"value = {text}")["value"] for text in space.values()]
    return None if any(isinstance(value, dict) for value in values) else math.prod(map(len, values))


def _stages(a: Answers) -> list[str]:
    few = combinations(a.space)
    space = [f"space.{key} = {text}" for key, text in a.space.items()]
    random = f'kind = "random", trials = {a.trials}'
    if few is not None:  # between choices there is nothing to look at more closely
        name, sampler = ("all", 'kind = "grid"') if few <= a.trials else ("some", random)
        return [*_head(name, sampler, a.minutes), *space]
    finer = max(1, a.trials * 3 // 4)
    minutes = None if a.minutes is None else a.minutes / 2
    around = f'{{ around = "coarse", best = {min(BEST, a.trials)} }}'
    return [
        *_head("coarse", random, minutes),
        *space,
        *_head("fine", f'kind = "random", trials = {finer}', minutes),
        *(f"space.{key} = {around}" for key in a.space),
    ]


def _noted(line: str, note: str) -> str:
    return f"{line:<29} # {note}"


def _head(name: str, sampler: str, minutes: float | None) -> list[str]:
    budget = [] if minutes is None else [f"budget = {{ minutes = {minutes:g} }}"]
    return ["", "[[stage]]", f'name = "{name}"', f"sampler = {{ {sampler} }}", *budget]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)  # TOML writes text, numbers and truth as JSON does
