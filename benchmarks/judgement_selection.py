"""The claims on the selected configuration: corrected accuracy, probability of the best, the final, references.

The simulated networks have curves, seeds and samples of their own: a network classifies a sample correctly if its
difficulty, plus what the configuration, the seed and the epoch make of it, is below a bound. May import NumPy, SciPy
and our statistics.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from judgement_comparison import share
from judgement_searches import SHAPES, Floats
from judgement_table import Goal
from numpy.typing import NDArray
from scipy.special import ndtri

from hpsearch.reporting.sections.references import Measured, noise
from hpsearch.reporting.sections.selection.final_test import compare_with_test
from hpsearch.reporting.sections.selection_bias import shrunken_and_worth
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.power import samples_needed, samples_needed_range
from hpsearch.reporting.statistics.seeds import SeedVariance, pool
from hpsearch.reporting.statistics.selection import BiasCorrection, Run, correct_selection_bias
from hpsearch.reporting.statistics.shrinkage import shrink

PARTS = (0.35, 0.35, 0.35)
"""Standard deviations of configuration, seed and epoch within a sample, beside its difficulty of 1."""

REGIMES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "equal": SHAPES["equal"],
    "spread 1 pp": lambda random, k: 0.01 * random.normal(size=k),
    "spread 3 pp": lambda random, k: 0.03 * random.normal(size=k),
    "one good, 3 pp": lambda random, k: 0.03 * (np.arange(k) == 0),
    "tail of bad ones": lambda random, k: -0.05 * random.exponential(size=k),
    **{name: SHAPES[name] for name in ("two clusters", "heavy left tail", "ladder")},
}

WITHIN = {200: Goal("within 0.6 pp", -0.006, 0.006), 500: Goal("within 0.3 pp", -0.003, 0.003)}
COVERAGE, RARE = Goal("93–97%", 0.93, 0.97), Goal("≤ 6%", 0, 0.06)
HEAD = ("| claim | goal | measured | met |", "|---|---|---|---|")


@dataclass(frozen=True)
class Search:
    """Correct predictions (configurations, seeds, epochs, samples), and the true accuracies without the samples."""

    correct: NDArray[np.bool_]
    truth: Floats  # of each network at each epoch: (configurations, seeds, epochs)
    worth: Floats  # of each configuration at each epoch with any seed: (configurations, epochs)

    @classmethod
    def make(
        cls,
        random: np.random.Generator,
        gains: Floats,
        samples: int,
        *,
        epochs: int = 20,
        seeds: int = 1,
        deviation: float = 0.0,
        accuracy: float = 0.55,
    ) -> "Search":
        """Simulate a search: curves rise, and fall a little; neighbouring epochs are correlated by a half."""
        k = len(gains)
        worth = np.clip(accuracy + gains[:, None] + rise(epochs), 0.02, 0.98)
        truth = np.clip(worth[:, None] + deviation * random.normal(size=(k, seeds, 1)), 0.01, 0.99)
        score = random.normal(size=samples) + PARTS[0] * random.normal(size=(k, 1, samples))
        of_seed = score + PARTS[1] * random.normal(size=(k, seeds, samples))
        bound = ndtri(truth) * math.sqrt(1 + sum(part**2 for part in PARTS))
        state = random.normal(size=(k, seeds, samples))
        correct = np.empty((k, seeds, epochs, samples), bool)
        for epoch in range(epochs):
            correct[:, :, epoch] = of_seed + PARTS[2] * state < bound[:, :, epoch, None]
            state = 0.5 * state + math.sqrt(0.75) * random.normal(size=state.shape)
        return cls(correct, truth, worth)

    def judged(self, resamples: int = 300) -> tuple[list[list[Run]], int, BiasCorrection]:
        """Return the configurations as runs with the best first, its number, and what is said of it."""
        at_best = self.correct.mean(axis=3).max(axis=2).mean(axis=1)
        order = np.argsort(-at_best, kind="stable")
        runs = [[Run.of(each) for each in self.correct[place]] for place in order]
        said = correct_selection_bias(runs, self.correct.shape[3], resamples=resamples)
        assert said is not None
        return runs, int(order[0]), said

    def true_of(self, best: int, runs: Sequence[Sequence[Run]]) -> tuple[float, float]:
        """Return the accuracy of the selected networks at the epochs chosen, and the configuration's with any seed."""
        epochs = [run.chosen for run in runs[0]]
        networks = np.mean([self.truth[best, place, epoch] for place, epoch in enumerate(epochs)])
        return float(networks), float(np.mean(self.worth[best, epochs]))

    @property
    def easier(self) -> float:
        """By how much these samples are easier than all: noise that no selection makes."""
        return float((self.correct.mean(axis=3) - self.truth).mean())


def rise(epochs: int) -> Floats:
    """Return by how much the true accuracies are below the highest, by epoch."""
    epoch = np.arange(epochs)
    shape = -0.15 * np.exp(-epoch / 4) - 0.001 * np.maximum(0, epoch - epochs / 2)
    return np.asarray(shape if epochs > 1 else np.zeros(1))


def corrected(options: argparse.Namespace) -> Iterator[str]:
    """The corrected accuracy against the truth of the selected network, `keep` best of 20 epochs and last."""
    random, found = np.random.default_rng([options.seed, 1]), []
    for cell in range(options.cells // 3):
        n = int(random.choice((200, 500, 1_000, 5_000)))
        k, epochs = int(random.choice((8, 40))), int(random.choice((1, 20)))
        name, accuracy = str(random.choice([*REGIMES])), float(random.choice((0.55, 0.7, 0.9)))
        rows = []
        for index in range(max(6, min(options.tables // 2, 200_000_000 // (n * k * epochs * 40)))):
            fresh = np.random.default_rng([options.seed, 1, cell, index])
            made = Search.make(fresh, REGIMES[name](fresh, k), n, epochs=epochs, accuracy=accuracy)
            runs, best, said = made.judged()
            truth, _ = made.true_of(best, runs)
            rows.append(
                [said.raw - truth - made.easier, said.corrected - truth - made.easier, said.low <= truth <= said.high]
            )
        found.append(
            (n, f"{name}, {k}, {100 * accuracy:.0f}%, keep {'best' if epochs > 1 else 'last'}", np.array(rows, float))
        )
    yield from HEAD
    for sizes, goal in (((200,), WITHIN[200]), ((500, 1_000, 5_000), WITHIN[500])):
        for keep in ("best", "last"):
            here = [rows for n, name, rows in found if n in sizes and name.endswith(keep)]
            if here:
                said = f"corrected accuracy − truth, n {'= 200' if sizes == (200,) else '≥ 500'}, keep {keep}"
                yield claim(said, goal, np.array([rows[:, 1].mean() for rows in here]), "pp")
                yield claim(
                    f"its interval holds the truth, n {sizes[0]}…, keep {keep}",
                    COVERAGE,
                    np.array([rows[:, 2].mean() for rows in here]),
                )
    yield from ("", "| n | kind | highest − truth | corrected − truth | interval holds |", "|---:|---|---:|---:|---:|")
    for n, name, rows in sorted(found, key=lambda each: -abs(each[2][:, 1].mean())):
        yield f"| {n:,} | {name} | {points(rows[:, 0])} | {points(rows[:, 1])} | {share(rows[:, 2])} |"


def best(options: argparse.Namespace) -> Iterator[str]:
    """The probability of being the best against how often the selected one is, of all kinds and of each."""
    found: dict[tuple[int, str], Floats] = {}
    for k in (2, 8, 64):
        for name, gains in REGIMES.items():
            rows = []
            for index in range(options.tables // 4):
                random = np.random.default_rng([options.seed, 2, k, index])
                made = Search.make(random, gains(random, k), 500, epochs=1)
                _, chosen, said = made.judged(100)
                shrunken, _, _ = shrunken_and_worth(said, 1, None)
                truth = made.worth[:, 0]
                equal = np.flatnonzero(truth == truth.max())
                rows.append([float(shrunken.best[0]), (chosen in equal) / len(equal)])
            found[k, name] = np.array(rows)
    every = np.concatenate([*found.values()])
    goal = Goal("within 5 pp", -0.05, 0.05)
    yield from HEAD
    yield claim("probability of the best, said − true, all kinds", goal, every[:, 0] - every[:, 1], "pp")
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        here = every[(every[:, 0] >= low) & (every[:, 0] < high)]
        if len(here) > 1:
            yield claim(
                f"… where {100 * low:.0f}–{100 * min(high, 1):.0f}% is said", goal, here[:, 0] - here[:, 1], "pp"
            )
    yield from ("", "| k | kind | said | true |", "|---:|---|---:|---:|")
    for (k, name), rows in found.items():
        yield f"| {k} | {name} | {share(rows[:, 0])} | {share(rows[:, 1])} |"


def near(options: argparse.Namespace) -> Iterator[str]:
    """The probability of being within the region of equivalence, of every configuration, against the truth."""
    region, random = 0.5, np.random.default_rng([options.seed, 5])  # in standard deviations of the noise
    goal = Goal("within 10 pp", -0.1, 0.1)
    kinds = {f"normal, spread {spread}": (spread, lambda z: z) for spread in (0.5, 1.0, 2.0, 4.0)}
    kinds |= {"equal": (0.0, lambda z: z)}
    kinds |= {f"half a normal {side}, spread 2": (2.0, sign) for side, sign in (("below", _below), ("above", np.abs))}
    found: dict[str, Floats] = {}
    for name, (spread, shape) in kinds.items():
        rows = []
        for _ in range(options.tables // 4):
            truth = shape(spread * random.standard_normal(12))
            shrunken = shrink(truth + random.standard_normal(12), np.ones(12), rope=region)
            rows += zip(shrunken.near.tolist(), (truth >= truth.max() - region).tolist(), strict=True)
        found[name] = np.array(rows, float)
    every = np.concatenate([*found.values()])
    yield from HEAD
    yield claim("probability of being within the region, said − true, all kinds", goal, every[:, 0] - every[:, 1], "pp")
    yield from ("", "| kind | said | true |", "|---|---:|---:|")
    for name, rows in found.items():
        yield f"| {name} | {share(rows[:, 0])} | {share(rows[:, 1])} |"


def _below(values: Floats) -> Floats:
    return -np.abs(values)


def final(options: argparse.Namespace) -> Iterator[str]:
    """False “statistically significant” of corrected − test, and the worth; the final has three seeds."""
    kinds = [
        (seeds, name, d)
        for d in (0.0, 0.005, 0.01, 0.02)
        for seeds, name in ((1, "equal"), (1, "spread 1 pp"), (3, "equal"))
    ]
    found = [
        np.array([_final(options, number, kind, i) for i in range(options.tables // 2)])
        for number, kind in enumerate(kinds)
    ]
    means = np.array([rows.mean(axis=0) for rows in found])
    yield from HEAD
    yield claim("“statistically significant” of corrected − test where nothing differs", RARE, means[:, 0])
    yield claim("expected with any seed − truth", WITHIN[500], means[:, 2], "pp")
    yield claim("its interval holds the truth", COVERAGE, means[:, 3])
    yield from (
        "",
        "| seed deviation | seeds in the search | kind | significant | corrected − worth | with any seed − worth"
        " | interval holds |",
        "|---:|---:|---|---:|---:|---:|---:|",
    )
    for (seeds, name, deviation), rows in zip(kinds, found, strict=True):
        cells = [share(rows[:, 0]), points(rows[:, 1]), points(rows[:, 2]), share(rows[:, 3])]
        yield f"| {100 * deviation:.1f} pp | {seeds} | {name} | " + " | ".join(cells) + " |"


def _final(options: argparse.Namespace, number: int, kind: tuple[int, str, float], index: int) -> list[float]:
    seeds, name, deviation = kind
    random = np.random.default_rng([options.seed, 3, number, index])
    made = Search.make(random, REGIMES[name](random, 24), 1_000, epochs=8, seeds=seeds, deviation=deviation)
    runs, chosen, said = made.judged(200)
    _, worth = made.true_of(chosen, runs)
    # The final has the selected configuration's accuracy at the epochs chosen, on samples of its own.
    again = Search.make(random, np.array([worth - 0.55]), 10_000, epochs=1, seeds=3, deviation=deviation)
    tests = list(again.correct[0, :, 0])
    # As in a study: the variance of the seeds from the replicates of the search and from those of the final.
    groups = [[network[network.mean(axis=1).argmax()] for network in each] for each in made.correct]
    known = pool(SeedVariance.pooled(groups), SeedVariance.pooled([tests]))
    _, _, any_seed = shrunken_and_worth(said, seeds, known)
    assert any_seed is not None
    mean = float(np.mean(tests))
    _, low, high = compare_with_test(said, any_seed, (mean, *wilson_interval(mean * 10_000, 10_000)), 3)
    off = [each - worth - made.easier for each in (said.corrected, any_seed.score)]
    return [not low <= 0 <= high, *off, any_seed.low <= worth <= any_seed.high]


def references(options: argparse.Namespace) -> Iterator[str]:
    """How often one run is outside the noise of an equally good reported one."""
    yield from HEAD
    for deviation in (0.0, 0.005, 0.01, 0.02):
        random, rows = np.random.default_rng([options.seed, 4]), []
        for _ in range(options.tables * 5):
            ours, theirs = random.binomial(10_000, np.clip(0.5 + deviation * random.normal(size=2), 0, 1)) / 10_000
            known = SeedVariance(deviation**2 * random.chisquare(4) / 4, 4)
            rows.append(abs(ours - theirs) > noise(theirs, Measured((ours,), 10_000, "", known)))
        yield claim(
            f"outside the noise of an equal reference, seed deviation {100 * deviation:.1f} pp",
            RARE,
            np.array(rows, float),
        )


def samples(options: argparse.Namespace) -> Iterator[str]:
    """How often the 5–95% range of the samples needed holds the true number, and how often none is said."""
    yield from HEAD
    for difference in (0.005, 0.01, 0.02):
        for size in (1_000, 5_000):
            true, rows, silent = samples_needed(0.2, difference), [], 0
            random = np.random.default_rng([options.seed, 5, size])
            for _ in range(options.tables * 4):
                one, other, _ = random.multinomial(size, [0.1 + difference / 2, 0.1 - difference / 2, 0.8])
                low, high = samples_needed_range(int(one), int(other), size)
                rows.append(low <= true <= high)
                silent += not math.isfinite(high)
            said = f"range of the samples needed holds {true:,.0f}, of {size:,} samples"
            said += f" ({silent / len(rows):.0%} without an end)"
            yield claim(said, Goal("≥ 88%", 0.88, 1), np.array(rows, float))


def claim(name: str, goal: Goal, values: Floats, unit: str = "%") -> str:
    """Write a row: the mean of values, which are one for each kind or search, and whether it meets the goal."""
    error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else 0.0
    number = f"{100 * values.mean():+.2f} pp" if unit == "pp" else f"{100 * values.mean():.1f}%"
    return f"| {name} | {goal.text} | {number} (SE {100 * error:.2f}) | {goal.met(float(values.mean()), error)} |"


def points(values: Floats) -> str:
    """Write a mean in percentage points with its standard error."""
    return f"{100 * values.mean():+.2f} ({100 * values.std(ddof=1) / math.sqrt(len(values)):.2f})"


CLAIMS = {
    "corrected accuracy": corrected,
    "probability of the best": best,
    "probability of equivalence": near,
    "final": final,
    "references": references,
    "samples needed": samples,
}
