"""What metrics and kept predictions cost the training core: processor time of a segment with them ÷ without.

    HPSEARCH_DATA=DIR OPENBLAS_NUM_THREADS=1 python benchmarks/metrics.py [--pairs 7] [--trials 8] [--epochs 2]

Report 5's network, 3072-50-10, on CIFAR-10: 45,000 training and 5,000 validation samples, batches of 100. "Without" is
the same segment with the accuracy that training counts anyway, no further metric and no predictions kept. Both are run
in turn, each first in every second pair, and the median of the pairs' ratios is shown with their quartiles. Run it with
OPENBLAS_NUM_THREADS=1, as workers are.
"""

import argparse
import dataclasses
import time
from pathlib import Path
from unittest import mock

import numpy as np

from hpsearch import data
from hpsearch.data import Split
from hpsearch.metrics import Metric, parse
from hpsearch.nn.training import Measured
from hpsearch.spec import Configuration
from hpsearch.workers.models.plugin import read_plugin
from hpsearch.workers.segments import epoch_results
from hpsearch.workers.segments.measures import Measures, predictions_of
from hpsearch.workers.segments.results import Predictions
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task

MODEL = Path(__file__).resolve().parent.parent / "models" / "mlp.py"
METRICS = ("accuracy", "balanced_accuracy", "log_loss", "roc_auc")


def segment(split: Path, trials: int, epochs: int) -> Segment:
    """Trials with the cyclical schedule of report 5, and a λ each."""
    schedule = {"kind": "cyclical", "eta_min": 1e-5, "eta_max": 0.1, "half_cycle_epochs": 1}
    tasks = []
    for i, lam in enumerate(np.logspace(-5, -1, trials)):
        training = {"lambda": float(lam), "batch_size": 100, "epochs": epochs, "schedule": schedule}
        given = {"model": {"file": "models/mlp.py", "hidden": [50]}, "training": training}
        tasks.append(Task(i, Configuration.from_json(given), ("coarse", i)))
    return Segment(tuple(tasks), split, MODEL, read_plugin(MODEL).hash, seed=0, replicate=0, first=1, last=epochs)


def seconds(given: Segment, metric: str | None) -> float:
    """The processor time of a segment with the metric as objective, or without any and without predictions."""
    found = parse(metric or "accuracy")
    assert isinstance(found, Metric)
    run = dataclasses.replace(given, measures=Measures(found))
    nothing = mock.patch.object(epoch_results, "predictions_of", return_value=Predictions(0, b""))
    began = time.process_time()
    if metric is None:
        with nothing:
            run_segment(run)
    else:
        run_segment(run)
    return time.process_time() - began


def directly(split: Split, metric: str, repeats: int = 40) -> float:
    """Milliseconds a trial and epoch of what a metric adds: its values on both parts, and the predictions, packed.

    The median of repeats with made-up outputs: no noise of the training is in it.
    """
    found = parse(metric)
    assert isinstance(found, Metric)
    measures, random, parts, times = Measures(found), np.random.default_rng(0), [], []
    for part in ("train", "validation"):
        outputs = random.standard_normal((5_000, 10), dtype=np.float32)
        parts.append((part, Measured(2.3, 2.3, 0.1, outputs.argmax(axis=1).astype(np.uint8), outputs)))
    for _ in range(repeats):
        began = time.process_time()
        for part, each in parts:
            measures.of(each, part, slice(0, 5_000), split)
        predictions_of(parts[1][1], split.validation_y, measures, classes=measures.classes)
        times.append(1e3 * (time.process_time() - began))
    return float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    dataset = data.load("cifar10", data.data_directory(None))
    measured = segment(data.prepare(dataset, train=45_000, validation=5_000, seed=0), given.trials, given.epochs)
    for metric in (None, *METRICS):  # scikit-learn's import, and the images from the disk
        seconds(measured, metric)
    split = data.open_split(measured.split)
    print(
        "| metric | with ÷ without | quartiles | ms a trial and epoch: training, the metric alone |\n|---|---|---|---|"
    )
    for metric in METRICS:
        ratios, core = [], []
        for pair in range(given.pairs):
            order = (None, metric) if pair % 2 else (metric, None)
            times = {each: seconds(measured, each) for each in order}
            ratios.append(times[metric] / times[None])
            core.append(1e3 * times[None] / (given.trials * given.epochs))
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        alone = f"{np.median(core):.0f}, {directly(split, metric):.2f}"
        print(f"| {metric} | {middle:.3f} | {low:.3f} to {high:.3f} | {alone} |", flush=True)


if __name__ == "__main__":
    main()
