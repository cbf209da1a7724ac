"""The study file that `hpsearch new study` writes, and the smallest that is valid. May import spec."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hpsearch.spec.writing import toml

DEFAULT_SPACE = {
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
"""The values of a hyperparameter that is searched without values of its own, in TOML."""

REGRESSION_SPACE = {"eta": "{ low = 1e-4, high = 0.1, log = true }"}
"""The same of a regression where it is different: the squared error's gradient grows with the error."""

LEARNS_FROM = 13
"""So many configurations of choices and TPE is worth it: in batches of 4 the first 12 are random."""

BEST = 3
"""The second stage searches the range of this many best configurations of the first."""


@dataclass(frozen=True)
class Answers:
    """The contents of a study file; `space` has values in TOML, `dataset` is a name or a table."""

    name: str
    dataset: str | Mapping[str, Any]
    task: str | None  # None where the labels say it
    train: int
    validation: int
    model: str
    space: Mapping[str, str]
    training: Mapping[str, float | int | str]
    trials: int
    minutes: float | None = None


_OBJECTIVE = (
    "[objective]",
    'metric = "rmse"',
    'also = ["mae", "r2"]            # recorded, and nothing chosen by them',
    "",
)


def default_space(task: str | None) -> dict[str, str]:
    """The values of a hyperparameter that is searched without values of its own, in TOML, in a study of this task."""
    return DEFAULT_SPACE | (REGRESSION_SPACE if task == "regression" else {})


def study_text(a: Answers) -> str:
    """Return the text of a study file: a coarse stage, a narrow one around its best configurations, and [final]."""
    return "\n".join(
        [
            "# Written by `hpsearch new study`; `hpsearch launch` checks all of it before anything runs.",
            f"name = {toml(a.name)}",
            "seed = 0",
            "",
            "[data]",
            f"dataset = {toml(a.dataset)}",
            *([] if a.task is None else [f"task = {toml(a.task)}"]),
            _noted(f"train = {a.train:_}", "samples to train on"),
            _noted(f"validation = {a.validation:_}", "samples to compare configurations on"),
            "",
            *(_OBJECTIVE if a.task == "regression" else ()),
            "[model]",
            _noted(f"file = {toml(a.model)}", "any other key here is a parameter of the model"),
            "",
            "[training]",
            *(
                f"{key} = {value:_}" if isinstance(value, int) else f"{key} = {toml(value)}"
                for key, value in a.training.items()
            ),
            *_stages(a),
            "",
            _noted("[final]", "the best configuration, trained again and evaluated on the test set"),
            "replicates = 3",
            "",
        ]
    )


def minimal_study(
    stage: str,
    *,
    training: Mapping[str, str | float],
    model: Mapping[str, str] = MappingProxyType({"file": "'x.py'"}),
    dataset: str = "'digits'",
    task: str = "classification",
    train: int = 1,
) -> str:
    """Return the text of a study file with nothing but what is required, to check values by the rules of such a file.

    All values are in TOML; `stage` is the lines of its only stage.
    """
    text = "name = 'check'\n"
    data = {"dataset": dataset, "task": toml(task), "train": train, "validation": 1}
    for table, keys in (("data", data), ("model", model), ("training", training)):
        text += f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"{text}[[stage]]\nname = 'check'\n{stage}\n"


def grid_size(space: Mapping[str, str]) -> int | None:
    """How many configurations a space of choices has; None for a space with a range."""
    values = [tomllib.loads(f"value = {text}")["value"] for text in space.values()]
    return None if any(isinstance(value, dict) for value in values) else math.prod(map(len, values))


def _stages(a: Answers) -> list[str]:
    size = grid_size(a.space)
    space = [f"space.{key} = {text}" for key, text in a.space.items()]
    random = f'kind = "random", trials = {a.trials}'
    if size is not None:  # there is nothing finer between choices
        if size > a.trials >= LEARNS_FROM:
            learning = f'kind = "tpe", trials = {a.trials}, batch = 4'
            return [*_head("tpe", learning, a.minutes), _confirm(a.trials), *space, *_default(a.space)]
        name, sampler = ("grid", 'kind = "grid"') if size <= a.trials else ("random", random)
        return [*_head(name, sampler, a.minutes), *space, *_default(a.space)]
    trials = max(1, a.trials * 3 // 4)
    minutes = None if a.minutes is None else a.minutes / 2
    around = f'{{ around = "coarse", best = {min(BEST, a.trials)} }}'
    return [
        *_head("coarse", random, minutes),
        *space,
        *_default(a.space),
        *_head("narrow", f'kind = "random", trials = {trials}', minutes),
        *(f"space.{key} = {around}" for key in a.space),
    ]


def _confirm(trials: int) -> str:
    """Return the line by which the best of a stage train again, in about a fifth as many trainings as it has trials.

    Where one seed's score is noisy, that finds more than as many further configurations (docs/benchmarks.md).
    """
    best, replicates = (3, 5) if trials >= 48 else (2, 3)
    return _noted(f"confirm = {{ best = {best}, replicates = {replicates} }}", "one seed may be luck")


def _default(space: Mapping[str, str]) -> list[str]:
    """Return a comment that names a configuration of the space as the default."""
    pairs = []
    for key, text in space.items():
        entry = tomllib.loads(f"value = {text}")["value"]
        inside = entry["high"] if isinstance(entry, dict) and "high" in entry else entry
        if isinstance(inside, list):
            inside = inside[0]
        if isinstance(inside, dict):  # with ranges of its own, or around another stage
            return []
        pairs.append(f"{key} = {toml(inside)}")
    note = "# what you would use without a search: trained first, and the report says whether the best is better"
    return [note, f"# default = {{ {', '.join(pairs)} }}"]


def _noted(line: str, note: str) -> str:
    return f"{line:<29} # {note}"


def _head(name: str, sampler: str, minutes: float | None) -> list[str]:
    budget = [] if minutes is None else [f"budget = {{ minutes = {minutes:g} }}"]
    return ["", "[[stage]]", f'name = "{name}"', f"sampler = {{ {sampler} }}", *budget]
