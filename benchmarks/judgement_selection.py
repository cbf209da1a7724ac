"""What the report says of the selected configuration, against simulated searches whose truth is known, and digits.

    python benchmarks/judgement_selection.py [--quick] [--only corrected,best,final,worth,references,samples,digits]

Each table has standard errors. The simulated networks have curves, seeds and samples of their own: a network classifies
a sample correctly if its difficulty, plus what the configuration, the seed and the epoch make of it, is below a bound.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from hpsearch.reporting.sections.references import Measured, noise
from hpsearch.reporting.sections.selection.final_test import compare_with_test
from hpsearch.reporting.sections.selection_bias import shrunken_and_worth
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.power import samples_needed, samples_needed_range
from hpsearch.reporting.statistics.seeds import SeedVariance
from hpsearch.reporting.statistics.selection import Run, correct_selection_bias

PARTS = (0.35, 0.35, 0.35)  # deviations of configuration, seed and epoch within a sample, beside its difficulty of 1
REGIMES = {
    "equal": lambda random, k: np.zeros(k),
    "spread 1 pp": lambda random, k: 0.01 * random.normal(size=k),
    "spread 3 pp": lambda random, k: 0.03 * random.normal(size=k),
    "one good, 3 pp": lambda random, k: 0.03 * (np.arange(k) == 0),
    "tail of bad ones": lambda random, k: -0.05 * random.exponential(size=k),
}


@dataclass(frozen=True)
class Search:
    """Correct predictions (configurations, seeds, epochs, samples), and the true accuracies without the samples."""

    correct: np.ndarray
    truth: np.ndarray  # of each network at each epoch: (configurations, seeds, epochs)
    worth: np.ndarray  # of each configuration at each epoch with any seed: (configurations, epochs)


def curves(gains: np.ndarray, epochs: int, mean: float = 0.55) -> np.ndarray:
    """True accuracies by epoch: they rise, and fall a little at the end."""
    epoch = np.arange(epochs)
    shape = -0.15 * np.exp(-epoch / 4) - 0.001 * np.maximum(0, epoch - epochs / 2) if epochs > 1 else np.zeros(1)
    return mean + gains[:, None] + shape


def search(random: np.random.Generator, gains: np.ndarray, samples: int, *, epochs=20, seeds=1, seed_deviation=0.0):
    """Simulate a search. Noise of neighbouring epochs is correlated by a half."""
    k = len(gains)
    worth = np.clip(curves(gains, epochs), 0.02, 0.98)
    truth = np.clip(worth[:, None] + seed_deviation * random.normal(size=(k, seeds, 1)), 0.01, 0.99)
    score = random.normal(size=samples) + PARTS[0] * random.normal(
        size=(k, 1, samples),
    )
    of_seed = score + PARTS[1] * random.normal(size=(k, seeds, samples)) if seeds else score
    bound = ndtri(truth) * math.sqrt(1 + sum(part**2 for part in PARTS))
    state = random.normal(size=(k, seeds, samples))
    correct = np.empty((k, seeds, epochs, samples), bool)
    for epoch in range(epochs):
        correct[:, :, epoch] = of_seed + PARTS[2] * state < bound[:, :, epoch, None]
        state = 0.5 * state + math.sqrt(0.75) * random.normal(size=state.shape)
    return Search(correct, truth, worth)


def judged(found: Search, resamples: int = 400):
    """The configurations as runs with the best first, its number, and what is said of it."""
    at_best = found.correct.mean(axis=3).max(axis=2).mean(axis=1)
    order = np.argsort(-at_best, kind="stable")
    runs = [[Run.of(each) for each in found.correct[place]] for place in order]
    return runs, int(order[0]), correct_selection_bias(runs, found.correct.shape[3], resamples=resamples)


def truth_of(found: Search, best: int, runs) -> tuple[float, float]:
    """The true accuracy of the selected networks at the epochs chosen, and the configuration's with any seed."""
    epochs = [run.chosen for run in runs[0]]
    networks = np.mean([found.truth[best, place, epoch] for place, epoch in enumerate(epochs)])
    return float(networks), float(np.mean(found.worth[best, epochs]))


def common(found: Search) -> float:
    """By how much these samples are easier than all: noise that no selection makes, removed from tables of bias."""
    return float((found.correct.mean(axis=3) - found.truth).mean())


def line(values: np.ndarray, unit: str = "pp", scale: float = 100.0) -> str:
    error = values.std(ddof=1) / math.sqrt(len(values))
    return f"{scale * values.mean():+.2f} ± {scale * error:.2f} {unit}"


def share(values: np.ndarray) -> str:
    return f"{100 * values.mean():.0f} ± {100 * max(values.std(), 0.5 / len(values)) / math.sqrt(len(values)):.0f}%"


def randoms(*key: int, number: int) -> Iterator[np.random.Generator]:
    return (np.random.default_rng([*key, index]) for index in range(number))


def corrected(quick: bool) -> None:
    """The corrected accuracy against the truth of the selected network, `keep` best of 20 epochs and last."""
    for samples, number in ((200, 60), (500, 60), (5_000, 12)):
        for k in (8, 40):
            for name, gains in REGIMES.items():
                for epochs in (20, 1):
                    rows = []
                    for random in randoms(1, samples, k, epochs, number=number // (6 if quick else 1)):
                        found = search(random, gains(random, k), samples, epochs=epochs)
                        runs, best, said = judged(found)
                        truth, _ = truth_of(found, best, runs)
                        inside = said.low <= truth <= said.high
                        before = correct_selection_bias(_fixed(runs), samples, resamples=400)
                        off = [x - truth - common(found) for x in (said.raw, before.corrected, said.corrected)]
                        rows.append([*off, inside])
                    raw, one, both, inside = np.array(rows).T
                    keep = "best" if epochs > 1 else "last"
                    print(
                        f"{samples:5} samples, {k:2} configurations, {name:16}, keep {keep}: highest {line(raw)},"
                        f" without epochs {line(one)}, corrected {line(both)}, interval holds {share(inside)}",
                        flush=True,
                    )


def _fixed(runs):
    return [[Run(run.correct[[run.chosen]]) for run in each] for each in runs]


def best(quick: bool) -> None:
    """The probability of being the best against how often the selected one is."""
    everything = []
    for k in (2, 8, 64):
        for name, gains in REGIMES.items():
            rows = []
            for random in randoms(2, k, number=20 if quick else 60):
                found = search(random, gains(random, k), 500, epochs=1)
                _, chosen, said = judged(found, 200)
                probability, _, _ = shrunken_and_worth(said, 1, None)
                truth = found.worth[:, 0]
                equal = np.flatnonzero(truth == truth.max())
                rows.append([probability, (chosen in equal) / len(equal), said.chosen_again])
            said, true, again = np.array(rows).T
            everything += rows
            print(
                f"{k:2} configurations, {name:16}: said {share(said)}, true {share(true)}; chosen again {share(again)}",
                flush=True,
            )
    said, true, _ = np.array(everything).T
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        here = (said >= low) & (said < high)
        if here.sum() > 1:
            print(f"all, said {100 * low:.0f}–{100 * min(high, 1):.0f}%: {share(said[here])}, true {share(true[here])}")


def final(quick: bool) -> None:
    """False "statistically significant" of corrected − test, and the worth; the final has three seeds or one."""
    for deviation in (0.01, 0.0, 0.005, 0.02)[: 1 if quick else 4]:
        for seeds, name in ((1, "equal"), (1, "spread 1 pp"), (3, "equal")):
            rows = []
            for random in randoms(3, seeds, int(1e4 * deviation), number=20 if quick else 60):
                found = search(
                    random, REGIMES[name](random, 24), 1_000, epochs=8, seeds=seeds, seed_deviation=deviation
                )
                runs, chosen, said = judged(found, 200)
                _, worth_true = truth_of(found, chosen, runs)
                gain = found.worth[chosen] - found.worth[chosen].max()
                again = search(
                    random, np.array([worth_true - curves(np.zeros(1), 8).max() - gain.max()]), 10_000, epochs=1,
                    seeds=3, seed_deviation=deviation,
                )  # fmt: skip
                shift = again.worth[0, 0] - worth_true  # a curve of one epoch has no rise
                tests = list(again.correct[0, :, 0])
                known = SeedVariance.pooled([tests])
                _, _, worth = shrunken_and_worth(said, seeds, known)
                mean = float(np.mean(tests)) - shift
                test = (mean, *wilson_interval(mean * 10_000, 10_000))
                with_seeds = compare_with_test(said, worth, test, 3)
                without = compare_with_test(said, None, test, 3)
                off = [x - worth_true - common(found) for x in (said.corrected, worth.accuracy)]
                outside = [not d[1] <= 0 <= d[2] for d in (without, with_seeds)]
                rows.append([*outside, *off, worth.low <= worth_true <= worth.high])
            before, now, network, off, inside = np.array(rows).T
            print(
                f"seed deviation {100 * deviation:.1f} pp, {seeds} seed(s) in the search, {name:12}: significant"
                f" without seeds {share(before)}, with {share(now)}; as the worth: corrected {line(network)}, with"
                f" seeds {line(off)}, interval holds {share(inside)}",
                flush=True,
            )


def references(quick: bool) -> None:
    """How often one run is outside the noise of an equally good reported one."""
    for deviation in (0.0, 0.005, 0.01, 0.02):
        for samples in (1_000, 10_000):
            rows = []
            for random in randoms(4, samples, number=300 if quick else 2_000):
                ours, theirs = random.binomial(samples, 0.5 + deviation * random.normal(size=2)) / samples
                known = SeedVariance(deviation**2 * random.chisquare(4) / 4, 4)
                single, informed = (Measured((ours,), samples, "", each) for each in (None, known))
                rows.append([abs(ours - theirs) > noise(theirs, each) for each in (single, informed)])
            single, informed = np.array(rows, float).T
            print(
                f"seed deviation {100 * deviation:.1f} pp, {samples:6,} samples: outside the samples' noise"
                f" {share(single)}, outside with the seeds' variance from 4 degrees of freedom {share(informed)}"
            )


def samples(quick: bool) -> None:
    """How often the 5–95% range of the samples needed holds the true number, and how often none is said."""
    for difference in (0.005, 0.01, 0.02):
        for size in (1_000, 5_000):
            true, rows = samples_needed(0.2, difference), []
            for random in randoms(5, size, number=100 if quick else 400):
                one, other, _ = random.multinomial(size, [0.1 + difference / 2, 0.1 - difference / 2, 0.8])
                low, high = samples_needed_range(int(one), int(other), size)
                rows.append([low <= true <= high, not math.isfinite(high)])
            inside, silent = np.array(rows, float).T
            print(
                f"true difference {100 * difference:.1f} pp, {size:5,} samples: {true:,.0f} needed; range holds it in"
                f" {share(inside)}, cannot be said in {share(silent)}"
            )


def digits(quick: bool) -> None:
    """Real networks: digits with little training, 200 or 500 validation samples, the rest of the samples as truth."""
    from sklearn.datasets import load_digits

    features, labels = load_digits(return_X_y=True)
    features = features / 16.0
    for size in (200, 500):
        rows = []
        for random in randoms(6, size, number=4 if quick else 24):
            order = random.permutation(len(labels))
            train, validation, rest = order[:150], order[150 : 150 + size], order[150 + size :]
            trained = [
                _train(random, features, labels, train, 10 ** random.uniform(-1.5, 0.3), 10 ** random.uniform(-5, -1))
                for _ in range(24)
            ]
            right = np.array([[predict(features) == labels for predict in epochs] for epochs in trained])
            found = Search(right[:, None, :, validation], right[:, None][..., rest].mean(axis=3), np.zeros(1))
            runs, chosen, said = judged(found)
            truth, _ = float(found.truth[chosen, 0, runs[0][0].chosen]), None
            before = correct_selection_bias(_fixed(runs), size, resamples=400)
            here = common(found)
            rows.append([x - truth - here for x in (said.raw, before.corrected, said.corrected)])
        raw, one, both = np.array(rows).T
        print(
            f"digits, 150 to train on, {size} validation samples, 24 configurations × 25 epochs: highest {line(raw)},"
            f" without epochs {line(one)}, corrected {line(both)}"
        )


def _train(random, features, labels, train, eta, decay) -> list[Callable[[np.ndarray], np.ndarray]]:
    """A two-layer network by gradient descent with momentum; what it predicts after each of 25 epochs."""
    weights = [random.normal(size=shape) / math.sqrt(shape[0]) for shape in ((64, 32), (32, 10))]
    speeds, kept = [np.zeros_like(each) for each in weights], []
    targets = np.eye(10)[labels]
    for _ in range(25):
        for rows in np.array_split(random.permutation(train), 5):
            hidden = np.maximum(0, features[rows] @ weights[0])
            scores = hidden @ weights[1]
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            error = (shares / shares.sum(axis=1, keepdims=True) - targets[rows]) / len(rows)
            slopes = features[rows].T @ ((error @ weights[1].T) * (hidden > 0)), hidden.T @ error
            for weight, speed, slope in zip(weights, speeds, slopes, strict=True):
                speed *= 0.8
                speed -= eta * (slope + 2 * decay * weight)
                weight += speed
        first, second = (each.copy() for each in weights)
        kept.append(lambda x, first=first, second=second: (np.maximum(0, x @ first) @ second).argmax(axis=1))
    return kept


CLAIMS = {}
TABLES = {each.__name__: each for each in (corrected, best, final, references, samples, digits)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer searches: larger standard errors")
    parser.add_argument("--only", default=",".join(TABLES), help="which tables, by name")
    given = parser.parse_args()
    for name in given.only.split(","):
        print(f"\n{name}: {TABLES[name].__doc__}")
        TABLES[name](given.quick)
