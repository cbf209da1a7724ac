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
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from hpsearch.metrics import evaluate, parse
from hpsearch.reporting.sections.selection_bias import shrunken_and_worth
from hpsearch.reporting.statistics.bootstrap.runs import Valued
from hpsearch.reporting.statistics.comparison.best import compare
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.contributions import bounds, contributions
from hpsearch.reporting.statistics.selection import correct_selection_bias

METRICS = ("rmse", "log_loss", "roc_auc", "f1_macro", "mae", "average_precision", "balanced_accuracy", "r2")
METRICS += ("matthews_corrcoef", "cohen_kappa", "accuracy")
CLASSES = {"roc_auc": 2, "average_precision": 2, "log_loss": 4, "f1_macro": 4, "balanced_accuracy": 4}
CLASSES |= {"matthews_corrcoef": 4, "cohen_kappa": 4, "accuracy": 4}
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


def truth_of(name: str, deviation: float, usual: float = SKILL) -> float:
    """The value on very many samples, in the mean over the seeds."""
    random = np.random.default_rng(99)
    points, weights = np.polynomial.hermite_e.hermegauss(3) if deviation else (np.zeros(1), np.ones(1))
    found = []
    for point in points:
        truth, hard = labels_of(random, name, 2_000_000)
        found.append(value(name, truth, predicted(random, name, truth, hard, usual + deviation * point)))
    return float(np.average(found, weights=weights))


def searched(
    name: str, k: int, n: int, seeds: int, true: float, random: np.random.Generator, usual: float = SKILL
) -> tuple[float, ...]:
    """One search: is an equal one worse, the share of intervals that hold, do all differences hold, is a bad one worse.

    The last configuration has four fifths of the skill of the others, and does not count in the first three.
    """
    metric, classes = parse(name), [str(c) for c in range(CLASSES.get(name, 0))]
    truth, hard = labels_of(random, name, n)
    runs = []
    for index in range(k + 1):
        scores, values = [], []
        for _ in range(seeds):
            skill = (usual if index < k else 0.8 * usual) + (DEVIATION * random.standard_normal() if seeds > 1 else 0)
            found = predicted(random, name, truth, hard, skill)
            found = found.astype(np.int64) if metric.needs == "classes" else found
            each = metric.sign * contributions(metric, truth, found, classes)
            scores.append(float(each.mean()))
            values.append(each.astype(np.float32))
        runs.append(Runs(tuple(scores), tuple(values)))
    order = sorted(range(k + 1), key=lambda index: -runs[index].mean)
    evidence, compared = compare(Evidence(tuple(runs[i] for i in order), n, bounds=bounds(metric)))
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
        true = truth_of(name, DEVIATION if seeds > 1 else 0.0, getattr(options, "skill", SKILL))
        for k, n in itertools.product((2, 8, 64), getattr(options, "samples", None) or (200, 1_000, 5_000)):
            random = np.random.default_rng([options.seed, METRICS.index(name), seeds, k, n])
            tables = max(20, options.tables // (4 if k * n * seeds > 200_000 else 1))
            found = np.array(
                [searched(name, k, n, seeds, true, random, getattr(options, "skill", SKILL)) for _ in range(tables)]
            )
            errors = found.std(axis=0, ddof=1) / math.sqrt(tables)
            cells = [f"{100 * m:.1f} ({100 * e:.1f})" for m, e in zip(found.mean(axis=0), errors, strict=True)]
            yield "| " + " | ".join([name, f"{k}", f"{n:,}", f"{seeds}", *cells]) + " |"


def curve(random: np.random.Generator, kind: str, k: int, epochs: int, usual: float = SKILL) -> Floats:
    """The skills of k configurations by epoch: they rise, and some fall again; neighbours are alike."""
    gain = {
        "equal": lambda: np.zeros(k),
        "spread": lambda: 0.1 * random.standard_normal(k),
        "one good": lambda: np.where(np.arange(k) == 0, 0.25, 0.0),
        "tail of bad ones": lambda: -0.3 * random.exponential(size=k),
        "two clusters": lambda: np.where(np.arange(k) % 2 == 0, 0.0, -0.3),
    }[kind]()
    epoch = np.arange(epochs)
    rise = 0.8 * np.exp(-epoch / 4) + 0.01 * np.maximum(0, epoch - epochs / 2) if epochs > 1 else np.zeros(1)
    return np.asarray(np.maximum(0.2, usual + gain[:, None] - rise))


KINDS = ("equal", "spread", "one good", "tail of bad ones", "two clusters")
_POPULATION, _EPOCHS, _KEPT, _RESAMPLES = 400_000, 12, 4, 200


def chosen(
    name: str, random: np.random.Generator, skills: Floats, n: int, truth: Callable[[float], float]
) -> tuple[float, ...]:
    """One search: highest − truth, corrected score − truth, does the interval hold it, said and is it the best.

    Both differences are less what makes these samples easier for all, which no choice does. A trial's predictions at
    its best four epochs are stored, as the limit of `evidence` leaves them of two classes.
    """
    metric, classes = parse(name), [str(c) for c in range(CLASSES.get(name, 0))]
    labels, hard = labels_of(random, name, n)
    runs, easier = [], []
    for curve in skills:
        own, each = deviates(random, name, hard), []
        for skill in curve:
            found = with_noise(name, labels, hard, (own + deviates(random, name, hard)) / math.sqrt(2), skill)
            each.append(metric.sign * contributions(metric, labels, found, classes))
            easier.append(each[-1].mean() - metric.sign * truth(float(skill)))
        values = np.array(each)
        kept = np.sort(np.argsort(-values.mean(axis=1), kind="stable")[:_KEPT])
        runs.append((Valued.of(values[kept], bounded=bounds(metric).both), kept))
    order = sorted(range(len(runs)), key=lambda index: -float(runs[index][0].at_chosen(n).mean(dtype=np.float64)))
    said = correct_selection_bias([[runs[index][0]] for index in order], n, bounds=bounds(metric), resamples=_RESAMPLES)
    assert said is not None
    first, kept = runs[order[0]]
    true = metric.sign * truth(float(skills[order[0], kept[first.chosen]]))
    at_chosen = np.array([curve[kept[run.chosen]] for curve, (run, kept) in zip(skills, runs, strict=True)])
    equal = np.flatnonzero(at_chosen >= at_chosen.max() - 1e-9)
    best = float(shrunken_and_worth(said, 1, None)[0].best[0])
    off = (each - true - float(np.mean(easier)) for each in (said.raw, said.corrected))
    return *off, said.low <= true <= said.high, best, (order[0] in equal) / len(equal)


def deviates(random: np.random.Generator, name: str, like: Floats) -> Floats:
    """The noise of a network, half of which is the same at all its epochs."""
    return random.standard_normal(like.shape) if name in CLASSES else random.standard_t(5, len(like))


def with_noise(name: str, truth: NDArray[np.generic], hard: Floats, noise: Floats, skill: float) -> Floats:
    """What a network with this noise of its own predicts."""
    if name not in CLASSES:
        return truth + (0.8 * hard + 0.6 * noise) / skill
    outputs = 1.2 * (skill * (truth[:, None] == np.arange(CLASSES[name])) + 0.8 * hard + 0.6 * noise)
    if parse(name).needs == "classes":
        return outputs.argmax(axis=1)
    found = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def by_skill(name: str) -> Callable[[float], float]:
    """Return the true value of a network by its skill, from very many samples."""
    random, grid = np.random.default_rng(98), np.linspace(0.2, 6.0, 59)
    labels, hard = labels_of(random, name, _POPULATION)
    own = (deviates(random, name, hard) + deviates(random, name, hard)) / math.sqrt(2)
    known = [value(name, labels, with_noise(name, labels, hard, own, skill)) for skill in grid]
    fit = CubicSpline(grid, known)
    return lambda skill: float(fit(skill))


def selected(options: argparse.Namespace) -> Iterator[str]:
    """The corrected score of the best of k configurations × 12 epochs, in standard errors of a single network's."""
    yield "| metric | n | searches | best − truth | corrected − truth | interval holds | probability: said | true |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name in getattr(options, "metric", None) or METRICS:
        truth = by_skill(name)
        for n in getattr(options, "samples", None) or (200, 500, 5_000):
            rows, errors = [], []
            number = max(10, options.tables // (1 if n < 5_000 else 3))
            for index in range(number):
                random = np.random.default_rng([options.seed, METRICS.index(name), n, index])
                kind, k = KINDS[index % len(KINDS)], (8, 30)[index // len(KINDS) % 2]
                epochs = (_EPOCHS, 1)[index // (2 * len(KINDS)) % 2]
                rows.append(
                    chosen(name, random, curve(random, kind, k, epochs, getattr(options, "skill", SKILL)), n, truth)
                )
                labels, hard = labels_of(random, name, n)
                own = contributions(
                    parse(name),
                    labels,
                    predicted(random, name, labels, hard, getattr(options, "skill", SKILL)).astype(
                        np.int64 if parse(name).needs == "classes" else np.float64
                    ),
                    [str(c) for c in range(CLASSES.get(name, 0))],
                )
                errors.append(own.var() / n)
            found = np.array(rows, float)
            found[:, :2] /= math.sqrt(np.mean(errors))
            mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / math.sqrt(number)
            cells = [f"{m:+.2f} ({e:.2f})" for m, e in zip(mean[:2], error[:2], strict=True)]
            cells += [f"{100 * m:.1f} ({100 * e:.1f})" for m, e in zip(mean[2:], error[2:], strict=True)]
            yield "| " + " | ".join([name, f"{n:,}", f"{number}", *cells]) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=200, help="simulated searches of each kind")
    parser.add_argument("--metric", choices=METRICS, action="append")
    parser.add_argument("--seeds", type=int, action="append", help="of each configuration; may be repeated")
    parser.add_argument("--samples", type=int, action="append", help="may be repeated; 200, 500 or 1,000, and 5,000")
    parser.add_argument("--skill", type=float, default=SKILL, help="4: hardly a sample is wrong")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--selected", action="store_true", help="the corrected score of the selected configuration")
    options, began = parser.parse_args(), time.perf_counter()
    for line in selected(options) if options.selected else table(options):
        print(line, flush=True)
    print(f"\nup to {options.tables} searches of each kind, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
