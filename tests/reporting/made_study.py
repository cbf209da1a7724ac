"""Makes plausible studies in a real SQLite file, so that reports can be tested without training."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy

from hpsearch.storage import schema

TEXT = """\
name = "{name}"
description = "Two-layer network: λ and the batch size, coarse to fine."
seed = 0

[data]
dataset = "made-up"
"""

OF_ACCURACY = {
    "accuracy": lambda accuracy: accuracy,
    "loss": lambda accuracy: 2.3 - 2.2 * accuracy,
    "balanced_accuracy": lambda accuracy: accuracy - 0.05,
    "f1_macro": lambda accuracy: accuracy - 0.08,
    "rmse": lambda accuracy: 90 * (1 - accuracy),
    "mae": lambda accuracy: 70 * (1 - accuracy),
    "r2": lambda accuracy: 2 * accuracy - 0.4,
}
"""Metrics as functions of the accuracy, so that a study of another objective has the same order."""


def make_engine(folder: Path) -> sqlalchemy.Engine:
    url = sqlalchemy.URL.create("sqlite", database=str(folder / "made.db"))
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)

    @sqlalchemy.event.listens_for(engine, "connect")
    def do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    schema.metadata.create_all(engine)
    return engine


class Maker:
    """Inserts one study, row by row, with a generator of its own."""

    def __init__(self, engine: sqlalchemy.Engine, name: str = "made", *, state: str = "complete", **columns: Any):
        self.engine = engine
        self.random = np.random.default_rng(7)
        self.image_shape = columns.pop("image_shape", (3, 32, 32))
        self.classes = columns.pop(
            "classes", ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
        )
        self.objective, self.also = columns.pop("objective", None), columns.pop("also", ())
        self.metric = self.objective["metric"] if self.objective else "accuracy"
        self.sign = -1 if self.objective and self.objective["direction"] == "minimize" else 1
        base_rate = columns.pop("base_rate", None)
        self.samples, self.test_samples = 5_000, 10_000
        self.position = 0
        self.best: tuple[float, int, dict[str, Any]] = (0.0, 0, {})
        row = {
            "name": name,
            "text": TEXT.format(name="made"),
            "path": "studies/made.toml",
            "workspace": "/home/someone/workspace",
            "state": state,
            "created_at": "2025-03-01T08:00:00+00:00",
            "finished_at": "2025-03-01T08:02:41+00:00" if state == "complete" else None,
            "launches": 2,
            "environment": {"hpsearch": "0.1.0", "python": "3.12.3", "numpy": "2.4.0", "machine": "x86_64"},
            "data": {
                "dataset": "made-up",
                "fingerprint": "5f" * 32,
                "classes": self.classes,
                "image_shape": list(self.image_shape),
            }
            | ({"base_rate": base_rate} if base_rate else {}),
            "model": {"file": "models/mlp.py", "hash": "a1" * 32, "text": "…"},
        }
        self.study = self.insert(schema.studies, row | columns)
        self.difficulty = self.random.normal(size=self.test_samples)

    def insert(self, table: sqlalchemy.Table, row: dict[str, Any]) -> int:
        with self.engine.begin() as connection:
            return connection.execute(table.insert().values(row)).inserted_primary_key[0]

    def insert_all(self, table: sqlalchemy.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self.engine.begin() as connection:
                connection.execute(table.insert(), rows)

    def stage(self, name: str, kind: str, space: Any, **columns: Any) -> int:
        row = {
            "study_id": self.study,
            "position": self.position,
            "name": name,
            "kind": kind,
            "state": "complete",
            "test": False,
            "trials": None,
            "space": space,
            "notes": [],
            "data": {"train": 45_000, "validation": self.samples, "test": self.test_samples, "path": "…"},
        }
        self.position += 1
        row |= columns
        if self.objective:
            row["data"] = row["data"] | {"objective": self.objective}
        return self.insert(schema.stages, row)

    def trial(
        self,
        stage: int,
        number: int,
        params: dict[str, Any],
        ceiling: float = 0.5,
        *,
        epochs: int = 12,
        test: bool = False,
        **columns: Any,
    ) -> int:
        """A finished trial whose validation accuracy ends near `ceiling`, with curves, predictions and weights."""
        row = {
            "stage_id": stage,
            "number": number,
            "point": columns.pop("point", number),
            "replicate": columns.pop("replicate", 0),
            "params": params,
            "configuration": {"model": {"hidden": [50]}, "training": {"batch_size": 100} | params},
            "state": "complete",
            "epochs": epochs,
            "epochs_done": epochs,
            "parameters": 154_160,
            "seconds": 0.37 * epochs,
        }
        curves = self.curves(ceiling + 0.006 * self.random.normal(), epochs)
        best = max(curves, key=lambda point: point["validation_accuracy"])
        right = self.right(best["validation_accuracy"], self.samples)
        best["validation_accuracy"] = float(right.mean())
        row |= {"best_epoch": best["epoch"], "value": self.value(best["validation_accuracy"])}
        row |= {"value": best["validation_loss"]} if self.metric == "loss" else {}
        if self.objective:
            row["configuration"] |= {"objective": self.objective}
        self.best = max(self.best, (best["validation_accuracy"], stage, params), key=lambda result: result[0])
        tested = self.right(ceiling - 0.003 + 0.003 * self.random.normal(), self.test_samples)
        if test:
            row |= {"test_cost": 1.6, "test_loss": 1.4, "test_accuracy": float(tested.mean())}
            row |= {"test_value": self.value(row["test_accuracy"]), "test_metrics": self.metrics(row["test_accuracy"])}
            row |= {"test_accuracy": None} if not self.classes else {}
        trial = self.insert(schema.trials, row | columns)
        self.insert_all(schema.curves, [self.curve(trial, point) for point in curves])
        self.insert_all(schema.measurements, [row for point in curves for row in self.measurements(trial, point)])
        self.predictions(trial, "validation", right)
        if test:
            self.predictions(trial, "test", tested)
        return trial

    def value(self, accuracy: float) -> float:
        """The objective of a trial with this accuracy."""
        return OF_ACCURACY[self.metric](accuracy)

    def metrics(self, accuracy: float) -> dict[str, float]:
        """What hpsearch_metrics has of it."""
        names = [name for name in (self.metric, *self.also) if name not in ("accuracy", "loss")]
        return {name: OF_ACCURACY[name](accuracy) for name in names}

    def curve(self, trial: int, point: dict[str, Any]) -> dict[str, Any]:
        """One epoch, with its objective; without classes it has no accuracy."""
        validation = point["validation_accuracy"]
        none: dict[str, Any] = {}
        if not self.classes:  # targets in standard deviations
            none = {name: 0.5 * value for name, value in point.items() if name.endswith(("cost", "loss"))}
            none |= {"train_accuracy": None, "validation_accuracy": None}
        value = point["validation_loss"] if self.metric == "loss" else self.value(validation)
        return {"trial_id": trial} | point | none | {"value": value}

    def measurements(self, trial: int, point: dict[str, Any]) -> list[dict[str, Any]]:
        """The further metrics of one epoch."""
        train = self.metrics(point["train_accuracy"])
        return [
            {"trial_id": trial, "epoch": point["epoch"], "metric": name, "train": train[name], "validation": found}
            for name, found in self.metrics(point["validation_accuracy"]).items()
        ]

    def unfinished(self, stage: int, number: int, params: dict[str, Any], state: str, **columns: Any) -> int:
        """A trial without results: waiting, or failed in its first epochs."""
        row = {
            "stage_id": stage,
            "number": number,
            "point": number,
            "replicate": 0,
            "params": params,
            "configuration": {"model": {}, "training": {}},
        }
        row |= {"state": state, "epochs": 12, "epochs_done": 0, "seconds": 0.0}
        return self.insert(schema.trials, row | columns)

    def insert_curve(self, trial: int, epoch: int, **metrics: float | None) -> None:
        self.insert(schema.curves, {"trial_id": trial, "epoch": epoch, "eta": 0.1} | metrics)

    def insert_finished(self, rows: list[dict[str, Any]]) -> None:
        """Insert many finished trials of one epoch at once; `validation` is the accuracy."""
        always = {
            "replicate": 0,
            "configuration": {"model": {}, "training": {}},
            "state": "complete",
            "epochs": 1,
            "epochs_done": 1,
            "best_epoch": 1,
        }
        always["seconds"] = 0.1
        with self.engine.begin() as connection:
            for number, row in enumerate(rows, start=1):
                accuracy = row.pop("validation")
                connection.execute(
                    schema.trials.insert().values(
                        always | {"point": row["number"]} | row | {"id": number, "value": accuracy}
                    )
                )
                curve = {"trial_id": number, "epoch": 1, "eta": 0.1, "validation_accuracy": accuracy}
                connection.execute(schema.curves.insert().values(curve))

    def curves(self, ceiling: float, epochs: int) -> list[dict[str, Any]]:
        points = []
        for epoch in range(1, epochs + 1):
            progress = 1 - np.exp(-3.0 * epoch / epochs) + 0.03 * np.cos(epoch)
            accuracy = min(1.0, 0.1 + (ceiling - 0.1) * progress)
            accuracy += 0.004 * self.random.normal()
            loss = 2.3 - 2.2 * accuracy
            point = {"epoch": epoch, "eta": 10 ** (-3 + 2 * abs((epoch % 4) / 2 - 1))}
            point |= {"train_cost": loss - 0.05, "train_loss": loss - 0.25, "train_accuracy": min(1.0, accuracy + 0.06)}
            point |= {"validation_cost": loss + 0.2, "validation_loss": loss, "validation_accuracy": accuracy}
            points.append(point)
        return points

    def right(self, accuracy: float, samples: int) -> np.ndarray:
        """Which samples a classifier gets right: mostly the easy ones, so that classifiers agree as real ones do."""
        score = self.difficulty[:samples] + 0.35 * self.random.normal(size=samples)
        return score < np.quantile(score, min(accuracy, 1.0))

    def predictions(self, trial: int, split: str, right: np.ndarray) -> None:
        correct = np.packbits(right).tobytes() if self.classes else b""
        row = {"trial_id": trial, "split": split, "samples": right.size, "correct": correct}
        row["outputs"] = None if self.classes else right.astype(np.float32).tobytes()
        self.insert(schema.predictions, row | {"epoch": self.best_epoch(trial)})

    def best_epoch(self, trial: int) -> int:
        query = sqlalchemy.select(schema.trials.c.best_epoch).where(schema.trials.c.id == trial)
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def weights(self, trial: int, *layers: int) -> None:
        """Smooth random weights: `layers` are the numbers of units, e.g. 50, 10."""
        channels, height, width = self.image_shape
        inputs, arrays = channels * height * width, {}
        y, x = np.mgrid[0:height, 0:width] / height
        for index, units in enumerate(layers):
            if index == 0:
                waves = self.random.normal(size=(units, channels, 6))
                patterns = [[_wave(x, y, *wave) for wave in unit] for unit in waves]
                matrix = np.asarray(patterns).reshape(units, inputs).T
            else:
                matrix = self.random.normal(size=(layers[index - 1], units))
            arrays |= {
                f"{2 * index}.weights": matrix.astype(np.float32),
                f"{2 * index}.bias": np.zeros(units, np.float32),
            }
        content = io.BytesIO()
        np.savez(content, **arrays)
        row = {"trial_id": trial, "kind": "best", "epoch": 12, "content": content.getvalue()}
        self.insert(schema.weights, row)


def _wave(
    x: np.ndarray, y: np.ndarray, a: float, b: float, phase: float, scale: float, c: float, d: float
) -> np.ndarray:
    return (
        0.1
        * scale
        * np.cos(4 * a * x + 4 * b * y + 3 * phase)
        * np.exp(-((x - 0.5 - c / 5) ** 2 + (y - 0.5 - d / 5) ** 2) * 6)
    )


def make_search(
    engine: sqlalchemy.Engine,
    name: str = "coarse-to-fine",
    *,
    layers: tuple[int, ...] = (50, 10),
    epochs: int = 12,
    coarse_trials: int = 12,
    **columns: Any,
) -> Maker:
    """A finished search: coarse (λ and batch size, one failed trial), fine grid, final with three replicates."""
    maker = Maker(engine, name, **columns)
    coarse = maker.stage(
        "coarse",
        "random",
        {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}, "batch_size": {"choices": [50, 100, 200]}},
        trials=coarse_trials,
    )
    lambdas = 10 ** maker.random.uniform(-5, -1, size=coarse_trials)
    for number, value in enumerate(lambdas.tolist()):
        params = {"lambda": value, "batch_size": [50, 100, 200][number % 3]}
        if number == 3:
            failed = {"reason": "loss became NaN in epoch 3", "epochs": epochs, "epochs_done": 3, "seconds": 1.2}
            maker.unfinished(coarse, number, params, "failed", **failed)
        else:
            maker.trial(coarse, number, params, _ceiling(value), epochs=epochs)
    notes = [
        "λ ranges around the best 3 of coarse: 3.2e-4 to 2.1e-3.",
        "The best batch size of coarse is at the edge of its range: extended to 400.",
    ]
    space = {"lambda": {"low": 3.2e-4, "high": 2.1e-3, "log": True}, "batch_size": {"choices": [200, 400]}}
    fine = maker.stage("fine", "grid", space, trials=10, notes=notes)
    maker.best = (0.0, fine, {})
    for number in range(10):
        value = float(np.geomspace(3.2e-4, 2.1e-3, 5)[number // 2])
        params = {"lambda": value, "batch_size": [200, 400][number % 2]}
        maker.trial(fine, number, params, _ceiling(value) - 0.02 * (number % 2), epochs=epochs)
    data = {"train": 49_000, "validation": 1_000, "test": 10_000, "path": "…"}
    winner = maker.best[2]
    final = maker.stage("final", "final", None, trials=3, test=True, data=data)
    maker.samples = 1_000
    for number in range(3):
        trial = maker.trial(final, number, winner, 0.517, epochs=epochs, test=True, point=0, replicate=number)
        maker.weights(trial, *layers)
    return maker


def _ceiling(value: float) -> float:
    return 0.52 - 0.045 * (np.log10(value) + 3.1) ** 2
