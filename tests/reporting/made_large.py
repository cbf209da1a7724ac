"""A search of thousands of trials, inserted in bulk, to measure the report's speed, memory and size."""

import made_study
import numpy as np
import sqlalchemy

from hpsearch.storage import schema

SAMPLES = 5_000
RANGES = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}, "eta": {"low": 1e-4, "high": 1.0, "log": True}}


def make_large(engine: sqlalchemy.Engine, trials: int, epochs: int, name: str = "large") -> None:
    """A random search over λ and η in two stages, coarse and fine."""
    maker = made_study.Maker(engine, name)
    fine = {"lambda": {"low": 1e-4, "high": 1e-2, "log": True}, "eta": {"low": 1e-2, "high": 0.3, "log": True}}
    sizes = (trials - trials // 2, trials // 2)
    number = 1
    for stage_name, space, size in zip(("coarse", "fine"), (RANGES, fine), sizes, strict=True):
        make_stage(maker, stage_name, space, range(number, number + size), epochs)
        number += size


def make_stage(maker: made_study.Maker, name: str, space: dict, ids: range, epochs: int) -> None:
    """One stage with a trial for each id."""
    stage = maker.stage(name, "random", space, trials=len(ids))
    random, difficulty = maker.random, maker.difficulty[:SAMPLES]
    configurations = {
        key: 10 ** random.uniform(np.log10(entry["low"]), np.log10(entry["high"]), size=len(ids))
        for key, entry in space.items()
    }
    ceiling = (
        0.52
        - 0.04 * (np.log10(configurations["lambda"]) + 3) ** 2
        - 0.03 * (np.log10(configurations["eta"]) + 1.3) ** 2
    )
    ceiling = np.clip(ceiling + 0.01 * random.normal(size=len(ids)), 0.12, 0.6)
    shape = 1 - np.exp(-5 * np.arange(1, epochs + 1) / epochs)
    trials, curves, predictions = [], [], []
    for index, trial in enumerate(ids):
        params = {key: float(values[index]) for key, values in configurations.items()}
        accuracy = 0.1 + (ceiling[index] - 0.1) * shape + 0.003 * random.normal(size=epochs)
        score = difficulty + 0.35 * random.normal(size=SAMPLES)
        right = score < np.quantile(score, accuracy.max())
        accuracy[accuracy.argmax()] = right.mean()
        best = int(accuracy.argmax())
        configuration = {"model": {"hidden": [50]}, "training": {"batch_size": 100} | params}
        trials.append(
            {"id": trial, "stage_id": stage, "number": index, "point": index, "replicate": 0, "params": params}
            | {
                "configuration": configuration,
                "state": "complete",
                "epochs": epochs,
                "epochs_done": epochs,
                "seconds": 3.0,
            }
            | {"best_epoch": best + 1, "value": float(accuracy[best])}
        )
        loss = 2.3 - 2.2 * accuracy
        metrics = (loss - 0.05, loss - 0.25, accuracy + 0.06, loss + 0.2, loss, accuracy, accuracy)
        columns = np.column_stack([np.full(epochs, params["eta"]), *metrics]).tolist()
        curves += [(trial, epoch, *row) for epoch, row in enumerate(columns, start=1)]
        predictions.append((trial, "validation", best + 1, SAMPLES, np.packbits(right).tobytes(), None))
    with maker.engine.begin() as connection:
        connection.execute(schema.trials.insert(), trials)
        places = ", ".join("?" * len(schema.curves.c))
        for start in range(0, len(curves), 100_000):
            connection.exec_driver_sql(
                f"INSERT INTO hpsearch_curves VALUES ({places})", curves[start : start + 100_000]
            )
        connection.exec_driver_sql("INSERT INTO hpsearch_predictions VALUES (?, ?, ?, ?, ?, ?, NULL)", predictions)
