"""Makes searches whose truth is known: settings with true accuracies, and which images each gets right."""

import numpy as np
from scipy.special import ndtri


def search(generator, settings, images, spread, mean=0.5, agreement=0.5):
    """Return true accuracies (settings,) and right (settings, images), the highest measured accuracy first.

    True accuracies lie `spread` around the mean. A setting gets an image right if the image's difficulty plus noise
    stays below a threshold: the lower `agreement` is, the more the settings agree on which images are easy.
    """
    truth = np.clip(mean + spread * generator.normal(size=settings), 0.001, 0.999)
    bound = ndtri(truth) * np.hypot(1, agreement)
    difficulty = generator.normal(size=images) + agreement * generator.normal(size=(settings, images))
    right = difficulty < bound[:, None]
    order = np.argsort(-right.sum(axis=1), kind="stable")
    return truth[order], right[order]
