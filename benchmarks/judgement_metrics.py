"""Do the intervals and the comparison with the best hold for other metrics than the accuracy?

    python benchmarks/judgement_metrics.py [--tables 200] [--metric rmse] [--seeds 3]

Made networks see the same samples, some of which are hard for all, and add noise of their own. With one seed all are
equally good, so that calling any of them worse is an error; the truth of a metric is its value on two million samples.
With several seeds each network's skill deviates by its seed's, and the truth is that of the configuration.
"""

import argparse
import itertools
import math
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics import evaluate, parse
from hpsearch.reporting.statistics.comparison.best import compare
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.contributions import contributions, is_within

METRICS = ("rmse", "log_loss", "roc_auc", "f1_macro", "mae", "average_precision", "balanced_accuracy", "r2")
CLASSES = {"roc_auc": 2, "average_precision": 2, "log_loss": 4, "f1_macro": 4, "balanced_accuracy": 4}
SHARES = {2: (0.8, 0.2), 4: (0.4, 0.3, 0.2, 0.1)}
SKILL, DEVIATION = 1.5, 0.04
"""The skill of a configuration, and the standard deviation of it over seeds."""

Floats = NDArray[np.float64]


def labels_of(random: np.random.Generator, name: str, n: int) -> tuple[NDArray[np.generic], Floats]:
    """The true labels, and what all networks find hard about each sample."""
    classes = CLASSES.get(name)
    if classes is None:
        return random.gamma(4.0, 1.0, n), random.standard_t(5, n)
    return random.choice(classes, n, p=SHARES[classes]), random.standard_normal((n, classes))


def predicted(random: np.random.Generator, name: str, truth: NDArray[np.generic], hard: Floats, skill: float) -> Floats:
    """What a network predicts: values, probabilities or classes."""
    if name not in CLASSES:
        return truth + (0.8 * hard + 0.6 * random.standard_t(5, len(truth))) / skill
    outputs = skill * (truth[:, None] == np.arange(CLASSES[name])) + 0.8 * hard
    outputs = 1.2 * (outputs + 0.6 * random.standard_normal(hard.shape))
    if parse(name).needs == "classes":
        return np.asarray(outputs.argmax(axis=1), np.float64)
    found = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def value(name: str, truth: NDArray[np.generic], prediction: Floats) -> float:
    """The metric by scikit-learn."""
    metric = parse(name)
    prediction = prediction.astype(np.int64) if metric.needs == "classes" else prediction
    return evaluate(metric, truth, prediction, classes=[str(c) for c in range(CLASSES.get(name, 0))])


def truth_of(name: str, deviation: float) -> float:
    """The value on very many samples, in the mean over the seeds."""
    random = np.random.default_rng(99)
    points, weights = np.polynomial.hermite_e.hermegauss(3) if deviation else (np.zeros(1), np.ones(1))
    found = []
    for point in points:
        truth, hard = labels_of(random, name, 2_000_000)
        found.append(value(name, truth, predicted(random, name, truth, hard, SKILL + deviation * point)))
    return float(np.average(found, weights=weights))


def searched(name: str, k: int, n: int, seeds: int, true: float, random: np.random.Generator) -> tuple[float, ...]:
    """One search: is an equal one worse, the share of intervals that hold, do all differences hold, is a bad one worse.

    The last configuration has four fifths of the skill of the others, and does not count in the first three.
    """
    metric, classes = parse(name), [str(c) for c in range(CLASSES.get(name, 0))]
    truth, hard = labels_of(random, name, n)
    runs = []
    for index in range(k + 1):
        scores, values = [], []
        for _ in range(seeds):
            skill = (SKILL if index < k else 0.8 * SKILL) + (DEVIATION * random.standard_normal() if seeds > 1 else 0)
            found = predicted(random, name, truth, hard, skill)
            found = found.astype(np.int64) if metric.needs == "classes" else found
            each = metric.sign * contributions(metric, truth, found, classes)
            scores.append(float(each.mean()))
            values.append(each.astype(np.float32))
        runs.append(Runs(tuple(scores), tuple(values)))
    order = sorted(range(k + 1), key=lambda index: -runs[index].mean)
    evidence, compared = compare(Evidence(tuple(runs[i] for i in order), n, share=is_within(metric)))
    worse = [each is not None and each.worse for each in compared]
    equal = [place for place, index in enumerate(order) if index < k]
    intervals = [evidence.interval(place) for place in equal]
    held = np.mean([low <= metric.sign * true <= high for low, high in filter(None, intervals)])
    pairs = [compared[place] for place in equal if compared[place]]
    all_held = all(each.low <= 0 <= each.high for each in pairs if each)
    return float(any(worse[p] for p in equal)), float(held), float(all_held), float(worse[order.index(k)])


def table(options: argparse.Namespace) -> Iterator[str]:
    """The lines of a Markdown table, in percent with standard errors."""
    yield "| metric | k | n | R | an equal one is “worse” | interval | all differences | less skill is “worse” |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, seeds in itertools.product(
        getattr(options, "metric", None) or METRICS[:4], getattr(options, "seeds", None) or (1, 3)
    ):
        true = truth_of(name, DEVIATION if seeds > 1 else 0.0)
        for k, n in itertools.product((2, 8, 64), (200, 1_000, 5_000)):
            random = np.random.default_rng([options.seed, METRICS.index(name), seeds, k, n])
            tables = max(20, options.tables // (4 if k * n * seeds > 200_000 else 1))
            found = np.array([searched(name, k, n, seeds, true, random) for _ in range(tables)])
            errors = found.std(axis=0, ddof=1) / math.sqrt(tables)
            cells = [f"{100 * m:.1f} ({100 * e:.1f})" for m, e in zip(found.mean(axis=0), errors, strict=True)]
            yield "| " + " | ".join([name, f"{k}", f"{n:,}", f"{seeds}", *cells]) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=200, help="simulated searches of each kind")
    parser.add_argument("--metric", choices=METRICS, action="append")
    parser.add_argument("--seeds", type=int, action="append", help="of each configuration; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    options, began = parser.parse_args(), time.perf_counter()
    for line in table(options):
        print(line, flush=True)
    print(f"\nup to {options.tables} searches of each kind, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
