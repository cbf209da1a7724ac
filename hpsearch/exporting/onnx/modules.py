"""A PyTorch module as an ONNX model, by PyTorch's own exporter. Imports PyTorch and onnx."""

import io
import logging
import warnings
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import Any

import onnx
import torch
from torch import nn

from hpsearch.errors import InputError, raised
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.workers.models.torch_network import TorchNetwork


class _OfRows(nn.Module):
    """The module in evaluation mode, given rows (n, features)."""

    def __init__(self, module: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.module, self.shape = module, shape

    def forward(self, rows: Any) -> Any:
        return self.module(rows.reshape(-1, *self.shape))


def module_model(model: TrainedModel, network: TorchNetwork, opset: int) -> Any:
    """Return a model from rows (n, features) float32 to outputs (n, outputs).

    PyTorch's exporter by graphs needs onnxscript; without it the older one, which traces a call, does it. Raises
    InputError where the module cannot be exported.
    """
    rows = torch.zeros(2, model.features)
    of_rows = _OfRows(network.module.cpu(), network.shape).eval()
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # they speak of the exporter's own plans
            warnings.simplefilter("ignore")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            if find_spec("onnxscript") is not None:
                shapes = {"rows": {0: torch.export.Dim("n")}}
                program = torch.onnx.export(of_rows, (rows,), dynamo=True, dynamic_shapes=shapes, verbose=False)
                assert program is not None
                return program.model_proto
            axes = {"rows": {0: "n"}, "outputs": {0: "n"}}
            names: dict[str, Any] = {"input_names": ["rows"], "output_names": ["outputs"], "dynamic_axes": axes}
            content: Any = io.BytesIO()  # which it takes, whatever its types say
            torch.onnx.export(of_rows, (rows,), content, dynamo=False, opset_version=opset, **names)
            return onnx.load_from_string(content.getvalue())
    except Exception as error:  # whatever a module makes of tracing
        rule = f"{model.model_file}: PyTorch cannot export the module to ONNX ({raised(error)})"
        raise InputError(f"{rule}; --format joblib has the whole model") from error
