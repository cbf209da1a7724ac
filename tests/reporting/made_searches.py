"""Makes searches whose truth is known: configurations with true accuracies, and which images each gets right."""

import numpy as np
from scipy.special import ndtri


def search(generator, configurations, samples, spread, mean=0.5, agreement=0.5):
    """Return true accuracies (configurations,) and right (configurations, images), the highest measured accuracy first.

    True accuracies lie `spread` around the mean. A configuration gets an image right if the image's difficulty plus noise
    stays below a threshold: the lower `agreement` is, the more the configurations agree on which images are easy.
    """
    truth = np.clip(mean + spread * generator.normal(size=configurations), 0.001, 0.999)
    bound = ndtri(truth) * np.hypot(1, agreement)
    difficulty = generator.normal(size=samples) + agreement * generator.normal(size=(configurations, samples))
    right = difficulty < bound[:, None]
    order = np.argsort(-right.sum(axis=1), kind="stable")
    return truth[order], right[order]


def halved(generator, configurations, samples, spread, rungs=(1, 3, 9), end=27, persistence=0.7):
    """Return a winner's true accuracy, and right (configurations, images) of those that finished, and of those cut at rungs.

    At each rung the best third by these very images train on; a network at a later rung still has `persistence` of
    what made an earlier one right on an image that others miss. The highest measured accuracy comes first.
    """
    ceiling = np.clip(0.5 + spread * generator.normal(size=configurations), 0.02, 0.98)
    difficulty, own = generator.normal(size=samples), generator.normal(size=(configurations, samples))
    alive, cut = np.arange(configurations), []
    for rung in (*rungs, end):
        truth = 0.1 + (ceiling[alive] - 0.1) * (1 - np.exp(-rung / 2))
        noise = np.sqrt(1 - persistence) * generator.normal(size=(len(alive), samples))
        bound = (ndtri(truth) * np.hypot(1, 0.5))[:, None]
        right = difficulty + 0.5 * (np.sqrt(persistence) * own[alive] + noise) < bound
        order = np.argsort(-right.mean(axis=1), kind="stable")
        kept = len(alive) if rung == end else max(1, int(np.ceil(len(alive) / 3)))
        cut += list(right[order[kept:]])
        alive, truth, right = alive[order[:kept]], truth[order[:kept]], right[order[:kept]]
    return truth[0], right, np.array(cut)
