"""Do the report's claims hold? Simulates searches whose truth is known and prints how often each claim errs.

    python benchmarks/judgement.py [--tables 200] [--full] [--shape equal] [--claim comparison]

A claim is a function of `CLAIMS`: it returns the lines of a Markdown table, with standard errors in brackets. `--full`
runs over all of k, n, seeds R and seed deviations of issue 12, which takes hours; without it a subset of them.

The made networks: configuration i with seed r classifies sample s correctly where
    threshold(accuracy_i + deviation_ir) > difficulty_s + interaction_is + noise_irs,
so that networks agree on which samples are hard, as real ones do; deviation_ir is the seed's. With one seed the truth
is that of these networks, of which the report speaks then, and with several that of the configurations.
"""

import argparse
import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import judgement_metrics
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hpsearch.reporting.statistics.comparison.best import compare
from hpsearch.reporting.statistics.comparison.two_way import Evidence, Runs

ACCURACY = 0.7
NOISE, INTERACTION = 0.4, 0.3
"""Standard deviations beside that of the samples' difficulty, which is 1."""

SHAPES: dict[str, Callable[[np.random.Generator, int], NDArray[np.float64]]] = {
    "equal": lambda random, k: np.zeros(k),
    "spread": lambda random, k: 0.02 * random.standard_normal(k),
    "one good": lambda random, k: np.append(0.03, np.zeros(k - 1)),
    "one 20 pp worse": lambda random, k: np.append(np.zeros(k - 1), -0.2),
}
"""What the true accuracies of k configurations deviate from `ACCURACY`."""


@dataclass(frozen=True)
class Case:
    """One kind of search: k configurations, n samples, R seeds, the deviation of the seeds, the true accuracies."""

    shape: str
    k: int
    n: int
    seeds: int
    deviation: float

    def truth(self, random: np.random.Generator) -> NDArray[np.float64]:
        """The true accuracies of the configurations, in no order."""
        return ACCURACY + SHAPES[self.shape](random, self.k)

    def table(
        self, random: np.random.Generator, truth: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], list[NDArray[np.bool_]]]:
        """The true accuracies of the networks, and which samples they classify correctly: (seeds, samples) each."""
        difficulty = random.standard_normal(self.n, dtype=np.float32)
        total = math.sqrt(1 + NOISE**2 + INTERACTION**2)
        found = []
        networks = truth[:, None] + self.deviation * random.standard_normal((self.k, self.seeds))
        for reached in networks:
            hard = difficulty + np.float32(INTERACTION) * random.standard_normal(self.n, dtype=np.float32)
            noise = np.float32(NOISE) * random.standard_normal((self.seeds, self.n), dtype=np.float32)
            found.append(hard + noise < (total * ndtri(reached)).astype(np.float32)[:, None])
        return networks, found


def main() -> None:
    """Print the tables of the claims that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=200, help="simulated searches of each kind")
    parser.add_argument("--full", action="store_true", help="all kinds of searches, not a subset")
    parser.add_argument("--claim", choices=[*CLAIMS], action="append", help="only this one; may be repeated")
    parser.add_argument("--shape", choices=[*SHAPES], help="only searches with such true accuracies")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.claim or CLAIMS:
        began = time.perf_counter()
        print(f"\n### {name}\n")
        for line in CLAIMS[name](options):
            print(line, flush=True)
        print(f"\n{options.tables} searches of each kind, seed {options.seed}, {time.perf_counter() - began:.0f} s")


def cases(full: bool, shape: str | None) -> list[Case]:
    """The kinds of searches, of one shape if that is given."""
    shapes = [each for each in SHAPES if shape in (None, each)]
    if full:
        axes = (2, 8, 64, 500), (200, 1_000, 5_000), (1, 2, 3, 5, 10, 20), (0.0, 0.005, 0.01, 0.02)
        return [Case(each, *axis) for each in shapes for axis in itertools.product(*axes)]
    found = []
    for each in shapes:
        some = [(8, n, seeds, 0.01) for n in (200, 1_000) for seeds in (1, 2, 5)]
        some += [(64, 200, 1, 0.01), (64, 1_000, 2, 0.01), (2, 1_000, 2, 0.02)]
        if each == "equal":
            some += [(8, 5_000, 2, 0.01), (8, 1_000, 20, 0.01), (8, 1_000, 3, 0.0), (8, 1_000, 3, 0.02)]
            some += [(500, 1_000, 1, 0.0), (500, 1_000, 2, 0.01)]
        found += [Case(each, *case) for case in some]
    return found


def comparison(options: argparse.Namespace) -> Iterator[str]:
    """The comparison with the best: false “worse”, the best among the ties, coverage, power."""
    yield (
        "| true accuracies | k | n | R | seed deviation | an equal one is “worse” | best among ties | interval of a"
        " configuration | all differences | 20 pp worse is “worse” |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for number, case in enumerate(cases(options.full, options.shape)):
        random = np.random.default_rng([options.seed, number])
        found = np.array([_searched(case, random) for _ in range(options.tables)])
        cells = [_share(found[:, column]) for column in range(5)]
        row = [case.shape, f"{case.k}", f"{case.n:,}", f"{case.seeds}", f"{100 * case.deviation:.1f} pp", *cells]
        yield "| " + " | ".join(row) + " |"


def one_seed(options: argparse.Namespace) -> Iterator[str]:
    """What a table of single runs says of configurations, whose seed variance nothing tells."""
    yield "| k | n | seed deviation | a network of an equal configuration is “worse” |"
    yield "|---:|---:|---:|---:|"
    for number, (k, deviation) in enumerate(itertools.product((2, 8, 64), (0.005, 0.01))):
        random, case = np.random.default_rng([options.seed, number]), Case("equal", k, 1_000, 1, deviation)
        found = np.array([_searched(case, random, of_networks=False)[0] for _ in range(options.tables)])
        yield f"| {k} | {case.n:,} | {100 * deviation:.1f} pp | {_share(found)} |"


def other_metrics(options: argparse.Namespace) -> Iterator[str]:
    """The same of metrics beside the accuracy."""
    yield from judgement_metrics.table(options)


def _searched(case: Case, random: np.random.Generator, *, of_networks: bool = True) -> tuple[float, ...]:
    """One search: is an equal one worse, is the best a tie, the share of intervals that hold, do all, the power."""
    truth = case.truth(random)
    networks, tables = case.table(random, truth)
    if case.seeds == 1 and of_networks:  # one network of each: the report speaks of these networks
        truth = networks[:, 0]
    means = np.array([each.mean() for each in tables])
    order = np.argsort(-means, kind="stable")
    truth = truth[order]
    runs = tuple(Runs(tuple(tables[i].mean(axis=1).tolist()), tuple(tables[i])) for i in order)
    evidence, compared = compare(Evidence(runs, case.n))
    worse = np.array([each is not None and each.worse for each in compared])
    best = truth == truth.max()
    far = truth < truth.max() - 0.15
    intervals = [evidence.interval(index) for index in range(case.k)]
    held = np.mean([low <= t <= high for t, (low, high) in zip(truth, (e for e in intervals if e), strict=True)])
    all_held = all(e.low <= t - truth[0] <= e.high for t, e in zip(truth, compared, strict=True) if e)
    return (
        float(worse[best].any()),
        float(not worse[best].all()),
        float(held),
        float(all_held),
        float(worse[far].mean()) if far.any() else math.nan,
    )


def _share(values: NDArray[np.float64]) -> str:
    """Write a mean in percent with its standard error."""
    known = values[~np.isnan(values)]
    if not known.size:
        return "–"
    error = known.std(ddof=1) / math.sqrt(known.size) if known.size > 1 else 0.0
    return f"{100 * known.mean():.1f} ({100 * error:.1f})"


CLAIMS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "comparison": comparison,
    "one seed": one_seed,
    "other metrics": other_metrics,
}


if __name__ == "__main__":
    main()
