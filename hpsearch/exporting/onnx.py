"""A trained network as an ONNX graph, standardisation included: raw samples in, classes or values out.

May import NumPy and `hpsearch.nn`; imports onnx late.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.errors import InputError
from hpsearch.exporting.files import write_file
from hpsearch.exporting.predictions.labels import labels_of
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.nn import BatchNorm, Dense, Dropout, Layer, LeakyReLU, Network, ReLU, Tanh
from hpsearch.nn.layers.batch_norm import EPSILON

OPSET, IR = 17, 8
"""ONNX 1.12 and later read these (2022)."""


def write_onnx(model: TrainedModel, path: Path) -> Path:
    """Write the graph to a file; return its path.

    The input "samples" is (n, features) float32; the outputs are "classes" (n,) int64, "scores" (n, classes), for a
    model trained with cross-entropy "probabilities", and "labels" (n,), as they are in the dataset's file; of a
    regression "values" (n, targets) float64. Raises InputError where onnx is missing, a layer has no ONNX equivalent,
    or the file cannot be written.
    """
    if find_spec("onnx") is None:
        raise InputError("--format onnx needs onnx, which is not installed: pip install 'hpsearch[onnx]'")
    plugin = model.plugin()
    if plugin.kind != "layers":
        rule = f"only a model of layers can be exported to ONNX, and this one is a {plugin.kind}"
        raise InputError(f"{model.model_file}: {rule}; --format joblib has it whole")
    if model.columns is not None and not model.columns.is_plain:
        rule = "ONNX has numbers alone, and this table has categories or missing values"
        raise InputError(f"study {model.study!r}: {rule}; --format joblib has the model with what it learned of them")
    network = model.network(plugin)
    assert isinstance(network, Network)
    return write_file(path, _Graph(model).model(network).SerializeToString())


class _Graph:
    """A chain of nodes and their constants: the output of each node is the input of the next."""

    def __init__(self, model: TrainedModel) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._constant = helper, numpy_helper.from_array
        self._model, self._nodes, self._constants = model, [], []  # type: ignore[var-annotated]
        self._last = "samples"

    def model(self, network: Network) -> Any:
        """Return the complete model, checked."""
        import onnx

        helper, model = self._helper, self._model
        self._standardise()
        for position, layer in enumerate(network.layers):
            self._layer(position, layer)
        outputs = self._values() if model.targets else self._classes()
        samples = helper.make_tensor_value_info("samples", onnx.TensorProto.FLOAT, ["n", model.features])
        graph = helper.make_graph(self._nodes, "hpsearch", [samples], outputs, self._constants)
        opset = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opset, ir_version=IR, producer_name="hpsearch")
        names = {"targets": json.dumps(model.targets)} if model.targets else {"classes": json.dumps(model.classes)}
        helper.set_model_props(made, {"study": model.study, "trial": model.trial, **names})
        onnx.checker.check_model(made)
        return made

    def _classes(self) -> list[Any]:
        """Add the outputs of a classification."""
        from onnx import TensorProto

        helper, shape = self._helper, ["n", self._model.outputs]
        self._add("Identity", output="scores")
        outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)]
        if self._model.configuration.training.loss == "cross_entropy":
            self._nodes.append(helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1))
            outputs.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape))
        self._nodes.append(helper.make_node("ArgMax", ["scores"], ["classes"], axis=1, keepdims=0))
        labels = labels_of(self._model.classes)
        values = labels.astype(object) if labels.dtype.kind == "U" else labels
        self._constants.append(self._constant(values, "label_values"))
        self._nodes.append(helper.make_node("Gather", ["label_values", "classes"], ["labels"]))
        kinds = {"i": TensorProto.INT64, "f": TensorProto.DOUBLE, "b": TensorProto.BOOL, "U": TensorProto.STRING}
        named = helper.make_tensor_value_info("labels", kinds[labels.dtype.kind], ["n"])
        return [helper.make_tensor_value_info("classes", TensorProto.INT64, ["n"]), *outputs, named]

    def _values(self) -> list[Any]:
        """Add the output of a regression: the values in the targets' own units, in float64 as the search did."""
        from onnx import TensorProto

        self._add("Cast", to=TensorProto.DOUBLE)
        self._add("Mul", self._model.target_deviation)
        self._add("Add", self._model.target_mean, output="values")
        return [self._helper.make_tensor_value_info("values", TensorProto.DOUBLE, ["n", self._model.outputs])]

    def _add(self, kind: str, *constants: Any, output: str | None = None, **attributes: Any) -> None:
        names = [f"{output or f'{kind}_{len(self._nodes)}'}_{i}" for i in range(len(constants))]
        self._constants += [self._constant(array, name) for array, name in zip(constants, names, strict=True)]
        made = output or f"{kind}_{len(self._nodes)}_out"
        self._nodes.append(self._helper.make_node(kind, [self._last, *names], [made], **attributes))
        self._last = made

    def _standardise(self) -> None:
        """In float64, as the search did."""
        from onnx import TensorProto

        self._add("Cast", to=TensorProto.DOUBLE)
        self._add("Sub", self._model.mean)
        self._add("Div", self._model.deviation)
        self._add("Cast", to=TensorProto.FLOAT)

    def _layer(self, position: int, layer: Layer) -> None:
        """Add the nodes of a layer in evaluation mode. Exact types only: a subclass may compute something else."""
        arrays = {key.partition(".")[2]: a for key, a in self._model.weights.items() if key.startswith(f"{position}.")}
        if type(layer) is Dense:
            self._add("Gemm", arrays["weights"], arrays["bias"])
        elif type(layer) is BatchNorm:
            factor = arrays["gamma"] / np.sqrt(arrays["variance"] + np.float32(EPSILON))
            self._add("Mul", factor)
            self._add("Add", arrays["beta"] - arrays["mean"] * factor)
        elif type(layer) is ReLU:
            self._add("Relu")
        elif type(layer) is LeakyReLU:
            self._add("LeakyRelu", alpha=layer.slope)
        elif type(layer) is Tanh:
            self._add("Tanh")
        elif type(layer) is not Dropout:
            known = "Dense, BatchNorm, Dropout, ReLU, LeakyReLU and Tanh have one"
            what = f"layer {position}, a {type(layer).__name__}, has no ONNX equivalent"
            raise InputError(f"{self._model.model_file}: {what}; {known}; --format npz has the weights of any model")
