"""The training core: many small networks trained as one computation. Imports NumPy and SciPy only."""

from hpsearch.nn.layers import ACTIVATIONS, BatchNorm, Dense, Dropout, Layer, LeakyReLU, ReLU, Sizes, Tanh
from hpsearch.nn.losses import LOSSES, Loss, MulticlassHinge, SoftmaxCrossEntropy
from hpsearch.nn.network import Network
from hpsearch.nn.optimisers import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, Optimiser
from hpsearch.nn.parameters import Parameter, Weights

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMISERS",
    "SGD",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Dense",
    "Dropout",
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
    "Tanh",
    "Weights",
]
