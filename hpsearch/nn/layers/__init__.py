"""The layers, a family in each file, all with the interface of `base.Layer`. May import NumPy and `hpsearch.nn`."""

from hpsearch.nn.layers.activations import ACTIVATIONS, LeakyReLU, ReLU, Tanh
from hpsearch.nn.layers.base import Layer, Sizes, total_parameters
from hpsearch.nn.layers.batch_norm import BatchNorm
from hpsearch.nn.layers.dense import Dense
from hpsearch.nn.layers.dropout import Dropout

__all__ = [
    "ACTIVATIONS",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Sizes",
    "Tanh",
    "total_parameters",
]
