"""Weights of classes in a loss. May import NumPy only."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def class_weights(
    given: str | Mapping[str, float], labels: npt.NDArray[Any], classes: Sequence[str]
) -> npt.NDArray[np.float64]:
    """The weight of each class, (C,).

    given: "balanced", for n / (C · n_c) of the labels (n,), as scikit-learn's `compute_class_weight`; or weights by the
        names of classes, where a class that is not named has 1.
    """
    if given == "balanced":
        counts = np.bincount(labels, minlength=len(classes))
        weights: npt.NDArray[np.float64] = len(labels) / (len(classes) * counts.astype(np.float64))
        return weights
    assert isinstance(given, Mapping)
    return np.array([given.get(name, 1.0) for name in classes], np.float64)
