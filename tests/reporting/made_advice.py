"""Finished studies with a valid study file, for the sections that read it: advice, references, provenance."""

from typing import Any

import made_study
import numpy as np
import sqlalchemy

HEAD = """\
name = "made"
seed = 0
data = { dataset = "digits", train = 1_000, validation = 400 }
model = { file = "models/mlp.py", hidden = [50] }
[training]
eta = 0.1
batch_size = 100
epochs = 12
[[stage]]
name = "search"
"""
SPACE = {
    "lambda": {"low": 1e-5, "high": 1e-1, "log": True, "integer": False},
    "batch_size": {"choices": [50, 100, 200]},
}
RANDOM = """\
sampler = { kind = "random", trials = 6 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.batch_size = [50, 100, 200]
"""


def make(
    engine: sqlalchemy.Engine,
    configurations: list[dict[str, Any]],
    accuracies: list[float],
    *,
    text: str = HEAD + RANDOM,
    space: Any = SPACE,
    kind: str = "random",
    seeds: int = 1,
    test: bool = False,
) -> made_study.Maker:
    """One search stage with these configurations and accuracies, each with so many seeds."""
    maker = made_study.Maker(engine, text=text)
    maker.samples = 400
    stage = maker.stage("search", kind, space, test=test, data={"train": 1_000, "validation": 400, "test": 10_000})
    for point, (params, accuracy) in enumerate(zip(configurations, accuracies, strict=True)):
        for seed in range(seeds):
            training = {"batch_size": 100, "epochs": 12} | params
            maker.trial(
                stage,
                point * seeds + seed,
                params,
                accuracy,
                test=test,
                point=point,
                replicate=seed,
                configuration={"model": {}, "training": training},
            )
    return maker


def flat(maker: made_study.Maker) -> None:
    """Make every curve of the study flat from epoch 5 on: nothing is still improving."""
    with maker.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "update hpsearch_curves set validation_loss = (select min(o.validation_loss) from hpsearch_curves o"
                " where o.trial_id = hpsearch_curves.trial_id) where epoch > 4"
            )
        )


def spread(low: float, high: float, number: int) -> list[float]:
    """Numbers evenly spaced in the logarithm."""
    return np.geomspace(low, high, number).tolist()
