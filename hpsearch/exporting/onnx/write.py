"""A trained model as a file of ONNX. May import this folder; imports onnx late."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.errors import InputError
from hpsearch.exporting.predictions.labels import labels_of
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.files import write_file
from hpsearch.nn import Network
from hpsearch.workers.models.estimators import Estimator
from hpsearch.workers.models.plugin import Plugin

if TYPE_CHECKING:
    from hpsearch.exporting.onnx.graph import Graph

OPSET, IR = 17, 8
"""ONNX 1.12 and later read these (2022)."""


def write_onnx(model: TrainedModel, path: Path) -> Path:
    """Write the graph to a file; return its path.

    The input "samples" is (n, features) float32; of a table with categories, dates, truth values or gaps there is an
    input (n, 1) for each column, text or float64. The outputs are "classes" (n,) int64, of a network "scores" (n,
    classes), "probabilities" where the model has them, and "labels" (n,), as they are in the dataset's file; of a
    regression "values" (n, targets) float64. Raises InputError where a package is missing, the model has no ONNX
    equivalent, or the file cannot be written.
    """
    if find_spec("onnx") is None:
        raise InputError("--format onnx needs onnx, which is not installed: pip install 'hpsearch[onnx]'")
    from hpsearch.exporting.onnx.graph import Graph

    graph, plugin = Graph(OPSET, IR), model.plugin()
    if plugin.kind == "trainable":
        predicted, probabilities = _estimator(graph, model, _standardised(graph, model))
    else:
        predicted, probabilities = _network(graph, model, plugin, _standardised(graph, model)), None
    names = {"targets": json.dumps(model.targets)} if model.targets else {"classes": json.dumps(model.classes)}
    if model.targets:
        _values(graph, model, predicted)
    elif plugin.kind == "trainable":
        _classes(graph, model, predicted, probabilities)
    else:
        _scores(graph, model, predicted)
    made = graph.model({"study": model.study, "trial": model.trial, **names})
    return write_file(path, made.SerializeToString())


def _standardised(graph: "Graph", model: TrainedModel) -> str:
    """Add the inputs, and standardise what they become in float64, as the search did."""
    from onnx import TensorProto

    from hpsearch.exporting.onnx.columns import encode

    if model.columns is not None and not model.columns.are_numbers:
        given = encode(graph, model.columns)
    else:
        given = graph.add("Cast", graph.input("samples", TensorProto.FLOAT, model.features), to=TensorProto.DOUBLE)
    centred = graph.add("Sub", given, graph.constant(model.mean))
    return graph.add("Cast", graph.add("Div", centred, graph.constant(model.deviation)), to=TensorProto.FLOAT)


def _network(graph: "Graph", model: TrainedModel, plugin: Plugin, rows: str) -> str:
    """Add a network; return its outputs (n, outputs)."""
    network: Any = model.network(plugin)
    if plugin.kind == "module":
        from hpsearch.exporting.onnx.modules import module_model

        return graph.attach(module_model(model, network, OPSET), rows)[0]
    from hpsearch.exporting.onnx.layers import add_layers

    assert isinstance(network, Network)
    return add_layers(graph, rows, model, network)


def _estimator(graph: "Graph", model: TrainedModel, rows: str) -> tuple[str, str | None]:
    """Add an estimator; return what it predicts, and its probabilities (n, classes) where it has them."""
    outputs = model.made()
    assert outputs.trainable is not None
    if not isinstance(made := outputs.trainable.trainable, Estimator):
        rule = "only networks and estimators can be exported to ONNX, and this one is a trainable"
        raise InputError(f"{model.model_file}: {rule}; --format joblib has it whole")
    from hpsearch.exporting.onnx.estimators import estimator_model

    predicted, *more = graph.attach(estimator_model(model, made.estimator, OPSET), rows)
    if not outputs.has_probabilities:
        return predicted, None
    known = np.asarray(made.estimator.classes_)
    if len(known) == model.outputs:
        return predicted, more[0]
    places = np.zeros((len(known), model.outputs), np.float32)  # some classes are not among the training samples
    places[np.arange(len(known)), known] = 1
    return predicted, graph.add("MatMul", more[0], graph.constant(places))


def _values(graph: "Graph", model: TrainedModel, predicted: str) -> None:
    """Add the values of a regression, in the targets' own units, in float64 as the search did."""
    from onnx import TensorProto

    assert model.target_deviation is not None
    assert model.target_mean is not None
    rows = graph.add("Reshape", predicted, graph.constant(np.array([-1, model.outputs])))
    scaled = graph.add("Mul", graph.add("Cast", rows, to=TensorProto.DOUBLE), graph.constant(model.target_deviation))
    graph.add("Add", scaled, graph.constant(model.target_mean), output="values")
    graph.output("values", TensorProto.DOUBLE, model.outputs)


def _scores(graph: "Graph", model: TrainedModel, outputs: str) -> None:
    """Add the outputs of a network for a classification."""
    from onnx import TensorProto

    graph.add("Identity", outputs, output="scores")
    graph.output("scores", TensorProto.FLOAT, model.outputs)
    of_loss = model.configuration.training.loss == "cross_entropy"
    probabilities = graph.add("Softmax", "scores", axis=1) if of_loss else None
    _classes(graph, model, graph.add("ArgMax", "scores", axis=1, keepdims=0), probabilities)


def _classes(graph: "Graph", model: TrainedModel, numbers: str, probabilities: str | None) -> None:
    """Add the classes by number and by label, and their probabilities."""
    from onnx import TensorProto

    if probabilities:
        graph.add("Identity", probabilities, output="probabilities")
        graph.output("probabilities", TensorProto.FLOAT, model.outputs)
    graph.add("Identity", numbers, output="classes")
    graph.output("classes", TensorProto.INT64)
    labels = labels_of(model.classes)
    values = labels.astype(object) if labels.dtype.kind == "U" else labels
    graph.add("Gather", graph.constant(values), "classes", output="labels")
    kinds = {"i": TensorProto.INT64, "f": TensorProto.DOUBLE, "b": TensorProto.BOOL, "U": TensorProto.STRING}
    graph.output("labels", kinds[labels.dtype.kind])
