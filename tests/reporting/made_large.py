"""A search of thousands of trials, inserted in bulk, to measure the report's speed, memory and size."""

import made_study
import numpy as np
import sqlalchemy

from hpsearch.metrics import parse
from hpsearch.reporting.statistics.contributions import contributions
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
        of_best = {"trial_id": trial, "split": "validation", "epoch": best + 1, "samples": SAMPLES}
        predictions.append(of_best | {"correct": np.packbits(right).tobytes()})
    with maker.engine.begin() as connection:
        connection.execute(schema.trials.insert(), trials)
        places = ", ".join("?" * len(schema.curves.c))
        for start in range(0, len(curves), 100_000):
            connection.exec_driver_sql(
                f"INSERT INTO hpsearch_curves VALUES ({places})", curves[start : start + 100_000]
            )
        connection.execute(schema.predictions.insert(), predictions)


EPOCHS_KEPT = 4
"""So many epochs of 5,000 samples and two classes are 160 kB, the default of `evidence`."""

SCORED = """\
name = "scored"
data = {{ dataset = "digits", train = 1_000, validation = 300 }}
objective = {{ metric = "{metric}" }}
model = {{ file = "models/mlp.py", hidden = [50] }}
training = {{ eta = 0.1, batch_size = 100, epochs = 20 }}
[[stage]]
name = "coarse"
sampler = {{ kind = "random", trials = {trials} }}
space.lambda = {{ low = 1e-5, high = 1e-1, log = true }}
space.eta = {{ low = 1e-4, high = 1, log = true }}
"""


def make_scored(engine: sqlalchemy.Engine, trials: int, metric: str, epochs: int = 20) -> None:
    """A random search by a metric of two classes' scores, which are stored at the best four epochs of each trial."""
    direction = "minimize" if metric == "log_loss" else "maximize"
    objective = {"metric": metric, "direction": direction, "share": False}
    text = SCORED.format(metric=metric, trials=trials)
    maker = made_study.Maker(engine, "scored", objective=objective, classes=["no", "yes"], text=text)
    stage, random = maker.stage("coarse", "random", RANGES, trials=trials), maker.random
    labels, measure = (random.random(SAMPLES) < 0.3).astype(np.uint8), parse(metric)
    hard = random.standard_normal((SAMPLES, 2)).astype(np.float32)
    own = labels[:, None] == np.arange(2)
    rows: dict[sqlalchemy.Table, list[dict]] = {schema.trials: [], schema.curves: [], schema.predictions: []}
    for number in range(trials):
        params = {"lambda": float(10 ** random.uniform(-5, -1)), "eta": float(10 ** random.uniform(-4, 0))}
        skill = 1.2 - 0.1 * abs(np.log10(params["eta"]) + 1) + 0.02 * random.normal()
        values = {}
        for epoch in range(epochs - EPOCHS_KEPT + 1, epochs + 1):
            outputs = skill * own + 0.8 * hard + 0.5 * random.standard_normal(hard.shape, dtype=np.float32)
            outputs = outputs.astype(np.float32)
            p = np.exp(outputs.astype(np.float64))
            p /= p.sum(axis=1, keepdims=True)
            values[epoch] = float(contributions(measure, labels.astype(np.int64), p, ("no", "yes")).mean())
            of_epoch = {"trial_id": number + 1, "split": "validation", "epoch": epoch, "samples": SAMPLES}
            right = np.packbits(outputs.argmax(axis=1) == labels).tobytes()
            rows[schema.predictions].append(of_epoch | {"correct": right, "outputs": outputs.tobytes()})
            curve = {"trial_id": number + 1, "epoch": epoch, "eta": 0.1, "value": values[epoch]}
            rows[schema.curves].append(curve | {"train_loss": 0.5, "validation_loss": 0.6, "validation_accuracy": 0.7})
        best = (min if direction == "minimize" else max)(values, key=lambda epoch: values[epoch])
        configuration = {"model": {"hidden": [50]}, "training": {"batch_size": 100} | params, "objective": objective}
        trial = {"id": number + 1, "stage_id": stage, "number": number, "point": number, "replicate": 0}
        trial |= {"params": params, "configuration": configuration, "state": "complete", "epochs": epochs}
        trial |= {"epochs_done": epochs, "seconds": 3.0, "best_epoch": best, "value": values[best]}
        rows[schema.trials].append(trial)
    known = {"stage_id": stage, "split": "validation", "fold": 0, "samples": SAMPLES, "labels": labels.tobytes()}
    with maker.engine.begin() as connection:
        connection.execute(schema.labels.insert(), known)
        for table, each in rows.items():
            connection.execute(table.insert(), each)
