"""Simulated searches: configurations with true accuracies, and the samples that each classifies correctly."""

import numpy as np
from scipy.special import ndtri


def search(generator, configurations, samples, spread, mean=0.5, agreement=0.5):
    """Return true accuracies (configurations,) and correct (configurations, samples), the highest accuracy first.

    True accuracies have the standard deviation `spread`. A configuration classifies a sample correctly if the sample's
    difficulty plus noise is below a threshold: the lower `agreement`, the more configurations agree on easy samples.
    """
    truth = np.clip(mean + spread * generator.normal(size=configurations), 0.001, 0.999)
    bound = ndtri(truth) * np.hypot(1, agreement)
    difficulty = generator.normal(size=samples) + agreement * generator.normal(size=(configurations, samples))
    correct = difficulty < bound[:, None]
    order = np.argsort(-correct.sum(axis=1), kind="stable")
    return truth[order], correct[order]


def halved(generator, configurations, samples, spread, rungs=(1, 3, 9), end=27, persistence=0.7):
    """Return the best one's true accuracy, and correct (configurations, samples) of the finished and of the pruned.

    At each rung the best third on these samples trains on. `persistence` is the share of a configuration's noise on a
    sample that it keeps at later rungs. The highest measured accuracy comes first.
    """
    ceiling = np.clip(0.5 + spread * generator.normal(size=configurations), 0.02, 0.98)
    difficulty, own = generator.normal(size=samples), generator.normal(size=(configurations, samples))
    alive, pruned = np.arange(configurations), []
    for rung in (*rungs, end):
        truth = 0.1 + (ceiling[alive] - 0.1) * (1 - np.exp(-rung / 2))
        noise = np.sqrt(1 - persistence) * generator.normal(size=(len(alive), samples))
        bound = (ndtri(truth) * np.hypot(1, 0.5))[:, None]
        right = difficulty + 0.5 * (np.sqrt(persistence) * own[alive] + noise) < bound
        order = np.argsort(-right.mean(axis=1), kind="stable")
        kept = len(alive) if rung == end else max(1, int(np.ceil(len(alive) / 3)))
        pruned += list(right[order[kept:]])
        alive, truth, right = alive[order[:kept]], truth[order[:kept]], right[order[:kept]]
    return truth[0], right, np.array(pruned)
