"""Softmax regression: one dense layer from the image to the class scores."""

from hpsearch.nn import Dense, Layer


def build(classes: int, init: str = "gaussian") -> list[Layer]:
    """One layer; `init` is "gaussian" (standard deviation 0.01) or "he"."""
    return [Dense(classes, init)]
