"""What the predictions at every epoch cost: the size of the database and the time of a commit.

    python benchmarks/predictions.py [--trials 10000] [--epochs 40] [--samples 5000]

Commits the results of trials that nothing trained, 25 to a cohort and 10 epochs to a segment, as a search does, without
weights; once without predictions, once with those of the best epoch alone, as up to version 5 of the tables, and once
for each kind of metric.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hpsearch.metrics import parse
from hpsearch.nn.training import Measured
from hpsearch.storage import reading, writing
from hpsearch.storage.database import Database
from hpsearch.storage.records import BestRecord, NewStage, NewStudy, NewTrial, PredictionsRecord, Progress, TrialRow
from hpsearch.workers.segments.epoch_results import most_evidence
from hpsearch.workers.segments.measures import Measures, predictions_of

COHORT, SEGMENT = 25, 10


@dataclass(frozen=True)
class Case:
    """A metric, the number of outputs of the model, and whether the task is a regression."""

    metric: str
    outputs: int
    regression: bool = False


CASES = {
    "accuracy": Case("accuracy", 10),
    "a metric of classes": Case("balanced_accuracy", 10),
    "a metric of values": Case("rmse", 1, regression=True),
    "a metric of 2 classes' scores": Case("roc_auc", 2),
    "a metric of 10 classes' scores": Case("log_loss", 10),
}


def found(case: Case, samples: int, random: np.random.Generator) -> tuple[Measured, np.ndarray]:
    """What a model of this case predicts, and the truth."""
    outputs = random.normal(size=(samples, case.outputs)).astype(np.float32)
    if case.regression:
        return Measured(1.0, 1.0, float("nan"), outputs), outputs
    predicted = outputs.argmax(axis=1).astype(np.uint8)
    return Measured(1.0, 1.0, 0.5, predicted, outputs), np.where(random.random(samples) < 0.5, predicted, 0)


def commit(database: Database, case: Case, given: argparse.Namespace, most: int | None) -> Iterator[float]:
    """Commit all segments; the seconds of each. `most`: of how many epochs predictions are kept, None by the rule."""
    measures, random = Measures(parse(case.metric)), np.random.default_rng(0)
    stored = predictions_of(*found(case, given.samples, random), measures, classes=measures.classes)
    kept = most_evidence(measures, stored) if most is None else most
    record = PredictionsRecord(**vars(stored))
    goal = {"metric": case.metric, "direction": measures.objective.direction, "share": False}
    with database.transaction() as connection:
        study = NewStudy("s", "", "", "", {}, {}, {})
        number = writing.add_study(connection, database.optuna, study, [NewStage("a", "random", False, {})])
        stage = reading.stages(connection, number)[0]
        writing.start_stage(connection, stage, {"eta": {"low": 0.1, "high": 1.0, "log": True}}, [], None, given.trials)
        stage = reading.stages(connection, number)[0]
    for start in range(0, given.trials, COHORT):
        numbers = range(start, min(start + COHORT, given.trials))
        new = [NewTrial(i, 0, {"eta": 0.5}, {"objective": goal}, given.epochs, point=i) for i in numbers]
        with database.transaction() as connection:
            trials = writing.add_trials(connection, stage, new)
        for last in range(SEGMENT, given.epochs + 1, SEGMENT):
            progress = [_progress(trial, last, given.epochs, kept, record, random) for trial in trials]
            began = time.perf_counter()
            with database.transaction() as connection:
                writing.commit_progress(connection, progress)
            yield time.perf_counter() - began
            trials = [replace(trial, epochs_done=last, value=last / 100, best_epoch=last) for trial in trials]


def _progress(
    trial: TrialRow, last: int, epochs: int, kept: int, record: PredictionsRecord, random: np.random.Generator
) -> Progress:
    """A segment in which every epoch is better than the one before: the most that there can be to store."""
    better = -1 if trial.goal.direction == "minimize" else 1
    done = range(trial.epochs_done + 1, last + 1)
    curve = [(epoch, 0.1, *random.random(6), better * epoch / 100) for epoch in done]
    evidence = dict.fromkeys(list(done)[-kept:] if kept else (), record)
    best = BestRecord(last, better * last / 100, b"")
    return Progress(
        trial, last, curve, best=best, finished=last == epochs, evidence=evidence, most_evidence=max(1, kept)
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--samples", type=int, default=5_000)
    given = parser.parse_args()
    print("| metric | predictions of | database (MB) | commit of 25 trials, 10 epochs (ms) |\n|---|---|---|---|")
    rows = [("accuracy", 0), ("accuracy", 1), *((name, None) for name in CASES)]
    for name, most in rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "study.db"
            with closing(Database(f"sqlite:///{path}", create=True)) as database:
                seconds = list(commit(database, CASES[name], given, most))
            size = os.path.getsize(path) / 1e6
            shown = {0: "no epoch", 1: "the best epoch"}.get(-1 if most is None else most, "as stored")
            print(f"| {name} | {shown} | {size:,.0f} | {1e3 * float(np.median(seconds)):.1f} |", flush=True)


if __name__ == "__main__":
    main()
