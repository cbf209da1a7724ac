"""Made searches whose truth is known, for judgement_comparison.py. May import NumPy, SciPy and our statistics.

Configuration i with seed r classifies sample s correctly where

    threshold(accuracy_i + deviation_ir) > difficulty_s + interaction_is + noise_irs,

so that networks agree on which samples are hard, as real ones do; deviation_ir is the seed's. With one seed the truth
is that of these networks, of which the report speaks then, and with several that of the configurations.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import t

from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence

Floats = NDArray[np.float64]

NOISE = 0.4
"""The standard deviation within a network beside that of the samples' difficulty, which is 1."""

FOLDS = 5
CLUSTER = 10
"""Correlated samples come in clusters of so many, which share half of the variance of difficulty and interaction."""

_GRID = 2_000
"""So many quantiles of the seeds' deviation give a configuration's accuracy with any seed."""


def _two_clusters(random: np.random.Generator, k: int) -> Floats:
    return np.where(np.arange(k) < max(1, k // 3), 0.0, -0.04) + 0.003 * random.standard_normal(k)


SHAPES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "equal": lambda random, k: np.zeros(k),
    "spread": lambda random, k: 0.02 * random.standard_normal(k),
    "one good": lambda random, k: np.append(0.03, np.zeros(k - 1)),
    "one 20 pp worse": lambda random, k: np.append(np.zeros(k - 1), -0.2),
    "two clusters": _two_clusters,
    "heavy left tail": lambda random, k: -np.minimum(0.45, 0.01 * random.pareto(0.8, size=k)),
    "ladder": lambda random, k: -0.002 * np.cumsum(1.5 ** np.minimum(np.arange(k), 11)),
}
"""What the true accuracies of k configurations deviate from the usual one."""

SEEDS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Floats]] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "t, 3 df": lambda random, shape: random.standard_t(3, size=shape) / math.sqrt(3),
}
"""The deviations of seeds, of variance 1."""

COLLAPSES = "1 in 10 collapses"
"""Besides a normal deviation one seed in ten is 20 pp worse."""

KINDS = (*SEEDS, "uneven", COLLAPSES)
"""“Uneven” is normal, with five times the deviation in a quarter of the configurations."""


@dataclass(frozen=True)
class Case:
    """One kind of search: k configurations, n samples, R seeds, the deviation of the seeds, the true accuracies, …

    `deviation` and `SHAPES` are those at an accuracy of 70%, and scale with √(p(1 − p)). `interaction` is a standard
    deviation. With `folds` there are five replicates, each with n samples of its own, n being a fifth of all.
    """

    shape: str
    k: int
    n: int
    seeds: int
    deviation: float
    accuracy: float = 0.7
    interaction: float = 0.3
    kind: str = "normal"
    clustered: bool = False
    folds: bool = False

    @property
    def row(self) -> list[str]:
        """Say what the case is, in the columns of `HEAD`."""
        replicates = f"{FOLDS} folds" if self.folds else f"{self.seeds}"
        other = [f"{100 * self.accuracy:.0f}%" * (self.accuracy != 0.7)]
        other += [f"interaction {self.interaction}" * (self.interaction != 0.3)]
        other += [self.kind * (self.kind != "normal"), "correlated samples" * self.clustered]
        said = ", ".join(each for each in other if each)
        return [self.shape, f"{self.k}", f"{self.n:,}", replicates, f"{100 * self.deviation:.1f} pp", said]

    @property
    def cost(self) -> int:
        """How many predictions it has."""
        return self.k * self.n * self.seeds

    def make(self, random: np.random.Generator) -> tuple[Evidence, Floats]:
        """Make a search: its evidence, the best first, and the true accuracies in the same order."""
        scale = math.sqrt(self.accuracy * (1 - self.accuracy) / 0.21)
        usual = self.accuracy + scale * SHAPES[self.shape](random, self.k)
        deviations = np.full(self.k, scale * self.deviation)
        if self.kind == "uneven":
            deviations[random.random(self.k) < 0.25] *= 5
        networks = _within(usual[:, None] + deviations[:, None] * self._drawn(random))
        if self.kind == COLLAPSES:
            networks = _within(networks - 0.2 * (random.random(networks.shape) < 0.1))
        if self.seeds == 1:  # one network of each: the report speaks of these networks
            truth = networks[:, 0]
        else:
            truth = _within(usual[:, None] + deviations[:, None] * self._quantiles()).mean(axis=1)
            if self.kind == COLLAPSES:
                truth = 0.9 * truth + 0.1 * _within(truth - 0.2)
        difficulty = self._of_samples(random)
        tables = [self._right(random, difficulty, reached) for reached in networks]
        order = np.argsort([-each.mean() for each in tables], kind="stable")
        replicates = tuple(range(FOLDS)) if self.folds else ()
        runs = tuple(Runs(tuple(tables[i].mean(axis=1).tolist()), tuple(tables[i]), replicates) for i in order)
        return Evidence(runs, self.n, overlap=1 / (FOLDS - 1) if self.folds else None), truth[order]

    def _drawn(self, random: np.random.Generator) -> Floats:
        shape = (self.k, self.seeds)
        drawn = SEEDS[self.kind if self.kind in SEEDS else "normal"](random, shape)
        if self.folds:  # networks of two folds share training samples: correlated by n_test/(n_test + n_train)
            shared = random.standard_normal((self.k, 1))
            drawn = math.sqrt(1 / FOLDS) * shared + math.sqrt(1 - 1 / FOLDS) * drawn
        return drawn

    def _quantiles(self) -> Floats:
        levels = (np.arange(_GRID) + 0.5) / _GRID
        return np.asarray(t.ppf(levels, 3) / math.sqrt(3) if self.kind == "t, 3 df" else ndtri(levels))

    def _of_samples(self, random: np.random.Generator) -> NDArray[np.float32]:
        """Draw a standard normal number for each sample; those of a cluster are correlated by a half."""
        shape = (FOLDS if self.folds else 1, self.n)
        own = random.standard_normal(shape, dtype=np.float32)
        if not self.clustered:
            return own
        common = random.standard_normal((shape[0], -(-self.n // CLUSTER)), dtype=np.float32)
        return np.float32(math.sqrt(0.5)) * (own + np.repeat(common, CLUSTER, axis=1)[:, : self.n])

    def _right(
        self, random: np.random.Generator, difficulty: NDArray[np.float32], reached: Floats
    ) -> NDArray[np.bool_]:
        hard = difficulty + np.float32(self.interaction) * self._of_samples(random)
        noise = np.float32(NOISE) * random.standard_normal((self.seeds, self.n), dtype=np.float32)
        total = math.sqrt(1 + NOISE**2 + self.interaction**2)
        return np.asarray(hard + noise < (total * ndtri(reached)).astype(np.float32)[:, None])


def _within(accuracies: Floats) -> Floats:
    return np.clip(accuracies, 0.01, 0.995)
