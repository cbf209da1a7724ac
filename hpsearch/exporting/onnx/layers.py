"""Layers of `hpsearch.nn` in evaluation mode as nodes of a graph."""

import numpy as np

from hpsearch.errors import InputError
from hpsearch.exporting.onnx.graph import Graph
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.nn import BatchNorm, Dense, Dropout, Layer, LeakyReLU, Network, ReLU, Tanh
from hpsearch.nn.layers.batch_norm import EPSILON


def add_layers(graph: Graph, given: str, model: TrainedModel, network: Network) -> str:
    """Add the layers; return the outputs. Raises InputError for a layer without an ONNX equivalent."""
    for position, layer in enumerate(network.layers):
        given = _layer(graph, given, model, position, layer)
    return given


def _layer(graph: Graph, given: str, model: TrainedModel, position: int, layer: Layer) -> str:
    """Add the nodes of a layer. Exact types only: a subclass may compute something else."""
    arrays = {key.partition(".")[2]: a for key, a in model.weights.items() if key.startswith(f"{position}.")}
    if type(layer) is Dense:
        return graph.add("Gemm", given, graph.constant(arrays["weights"]), graph.constant(arrays["bias"]))
    if type(layer) is BatchNorm:
        factor = arrays["gamma"] / np.sqrt(arrays["variance"] + np.float32(EPSILON))
        scaled = graph.add("Mul", given, graph.constant(factor))
        return graph.add("Add", scaled, graph.constant(arrays["beta"] - arrays["mean"] * factor))
    if type(layer) is ReLU:
        return graph.add("Relu", given)
    if type(layer) is LeakyReLU:
        return graph.add("LeakyRelu", given, alpha=layer.slope)
    if type(layer) is Tanh:
        return graph.add("Tanh", given)
    if type(layer) is Dropout:
        return given
    known = "Dense, BatchNorm, Dropout, ReLU, LeakyReLU and Tanh have one"
    what = f"layer {position}, a {type(layer).__name__}, has no ONNX equivalent"
    raise InputError(f"{model.model_file}: {what}; {known}; --format joblib has the whole model")
