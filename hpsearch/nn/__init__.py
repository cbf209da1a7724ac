"""The training core: many small networks trained as one computation. Imports NumPy and SciPy only."""

from hpsearch.nn.layers import ACTIVATIONS, BatchNorm, Dense, Dropout, Layer, LeakyReLU, ReLU, Sizes, Tanh
from hpsearch.nn.losses import LOSSES, Loss, MulticlassHinge, SoftmaxCrossEntropy
from hpsearch.nn.network import Network
from hpsearch.nn.optimisers import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, Optimiser
from hpsearch.nn.parameters import Parameter, Weights
from hpsearch.nn.regression_losses import REGRESSION_LOSSES, AbsoluteError, Huber, SquaredError

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMISERS",
    "REGRESSION_LOSSES",
    "SGD",
    "AbsoluteError",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Huber",
    "Layer",
    "LeakyReLU",
    "Loss",
    "Momentum",
    "MulticlassHinge",
    "Nesterov",
    "Network",
    "Optimiser",
    "Parameter",
    "ReLU",
    "Sizes",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "Tanh",
    "Weights",
]
