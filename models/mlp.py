"""Multi-layer perceptron: dense layers with an activation between them; `hidden` lists the units of each hidden layer.

A hidden layer is dense, batch-normalised (if asked for), activated, dropped out (if asked for), in this order.
"""

from collections.abc import Sequence

from hpsearch.nn import ACTIVATIONS, BatchNorm, Dense, Dropout, Layer


def build(
    classes: int,
    hidden: Sequence[int] = (50,),
    init: str = "he",
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
) -> list[Layer]:
    """Layers from the image to one score per class.

    init is "he" or "gaussian", activation "relu", "leaky_relu" or "tanh", dropout the probability with which a hidden
    unit is left out of a training step. Raises ValueError for other values.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    layers: list[Layer] = []
    for units in hidden:
        layers.append(Dense(units, init))
        if batch_norm:
            layers.append(BatchNorm())
        layers.append(ACTIVATIONS[activation]())
        if dropout:
            layers.append(Dropout(dropout))
    return [*layers, Dense(classes, init)]
