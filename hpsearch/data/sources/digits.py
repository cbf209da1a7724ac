"""scikit-learn's handwritten digits, which need no download. Imports scikit-learn only when read."""

import numpy as np

from hpsearch.data.dataset import Dataset, make_dataset
from hpsearch.data.stratification import hold_out

TEST_SAMPLES = 360


def read_digits() -> Dataset:
    """Return the 1,797 8×8 images: 1,437 to train on and, since no test set was published, 360 held out to test on.

    The test set is drawn by class with a seed of its own, so that it is the same for every study.
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images, labels = pixels.astype(np.uint8), labels.astype(np.int64)  # whole numbers from 0 to 16
    train, test = hold_out(labels, TEST_SAMPLES, "digits")
    classes = tuple("0123456789")
    return make_dataset("digits", (images[train], labels[train]), (images[test], labels[test]), classes, (1, 8, 8))
