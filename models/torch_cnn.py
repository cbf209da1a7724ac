"""A convolutional network in PyTorch: images (n, channels, height, width) in, one score a class out."""

from torch import nn

from hpsearch.trainables import Data


def module(data: Data, channels: int = 16, dropout: float = 0.0) -> nn.Module:
    """Two convolutions, each halving height and width; PyTorch finds the inputs of lazy layers itself."""
    layers = [nn.LazyConv2d(channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.LazyConv2d(2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(dropout), nn.LazyLinear(data.outputs))
