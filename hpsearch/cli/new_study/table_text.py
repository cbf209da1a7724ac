"""The study file that `new study FILE` writes of a table: gradient boosting, from coarse to fine. May import spec."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.spec.writing import toml

BOOSTING = {
    "classification": "sklearn.ensemble.HistGradientBoostingClassifier",
    "regression": "sklearn.ensemble.HistGradientBoostingRegressor",
}
"""What does well on most tables, takes missing values, and can be pruned after some of its trees."""

PER_EPOCH = 10
"""So many iterations of boosting are an epoch."""

SPACE = {
    "learning_rate": "{ low = 0.02, high = 0.5, log = true }",
    "max_leaf_nodes": "{ low = 4, high = 64, log = true }",
    "min_samples_leaf": "{ low = 2, high = 50, log = true }",
    "l2_regularization": "{ low = 1e-3, high = 10.0, log = true }",
}

DEFAULT = {"learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 20, "l2_regularization": 0.001}
"""About what scikit-learn has: its l2_regularization is 0, which a logarithmic range cannot have."""

BALANCED = '["none", "balanced"]'

RUNGS_FROM = 8
"""With fewer epochs nothing is pruned."""


@dataclass(frozen=True)
class TableStudy:
    """The contents of a study file of a table; `validation` is a number, or a table of folds."""

    name: str
    dataset: Mapping[str, Any]
    task: str
    says_task: bool
    train: int
    validation: int | Mapping[str, int]
    metric: str
    also: Sequence[str]
    imbalanced: bool
    trials: int
    epochs: int
    minutes: float | None


def table_study_text(a: TableStudy) -> str:
    """Return the text of a study file: a coarse stage, a narrow one around its best configurations, and [final]."""
    share = a.minutes and a.minutes / 2
    pruner = ['pruner = { kind = "halving", keep = 0.5 }'] if a.epochs >= RUNGS_FROM else []
    return "\n".join(
        [
            "# Written by `hpsearch new study`; `hpsearch launch` checks all of it before anything runs.",
            f"name = {toml(a.name)}",
            "seed = 0",
            "",
            "[data]",
            *_table("dataset", a.dataset),
            *([f"task = {toml(a.task)}"] if a.says_task else []),
            _noted(f"train = {a.train:_}", "samples to train on"),
            _noted(
                f"validation = {a.validation:_}" if isinstance(a.validation, int) else _folds(a.validation),
                "samples to compare configurations on"
                if isinstance(a.validation, int)
                else "each configuration is trained once for each fold",
            ),
            "",
            "[objective]",
            _noted(f"metric = {toml(a.metric)}", "each class counts the same, the rare ones as well")
            if a.imbalanced
            else f"metric = {toml(a.metric)}",
            _noted(f"also = {toml(list(a.also))}", "recorded, and nothing chosen by them"),
            "",
            "[model]",
            f"estimator = {toml(BOOSTING[a.task])}",
            *([_noted(f"per_epoch = {PER_EPOCH}", "iterations of boosting in each epoch")] if a.epochs > 1 else []),
            *(["", "[training]", f"epochs = {a.epochs}"] if a.epochs > 1 else []),  # else each trial is one fit
            "",
            "[[stage]]",
            'name = "coarse"',
            f'sampler = {{ kind = "random", trials = {a.trials} }}',
            *pruner,
            *([f"budget = {{ minutes = {share:g} }}"] if share else []),
            *(f"space.{key} = {text}" for key, text in SPACE.items()),
            *([f"space.class_weight = {BALANCED}"] if a.imbalanced else []),
            "# what you would use without a search: trained first; if not pruned, the best is compared with it",
            f"default = {toml(DEFAULT | ({'class_weight': 'none'} if a.imbalanced else {}))}",
            "",
            "[[stage]]",
            'name = "narrow"',
            f'sampler = {{ kind = "random", trials = {max(1, a.trials * 3 // 4)} }}',
            *pruner,
            *([f"budget = {{ minutes = {share:g} }}"] if share else []),
            *(
                f'space.{key} = {{ around = "coarse", best = {min(3, a.trials)} }}'
                for key in [*SPACE, *(["class_weight"] if a.imbalanced else [])]
            ),
            "",
            _noted("[final]", "the best configuration, trained again and evaluated on the test set"),
            "",
        ]
    )


def _folds(validation: Mapping[str, int]) -> str:
    return f"validation = {toml(validation)}"


def _table(key: str, table: Mapping[str, Any]) -> list[str]:
    """A table on one line, or a line for each key where it is long."""
    line = f"{key} = {toml(table)}"
    if len(line) <= 120:
        return [line]
    return [f"{key}.{name} = {toml(value)}" for name, value in table.items()]


def _noted(line: str, note: str) -> str:
    return f"{line:<29} # {note}"
