"""An estimator of scikit-learn's as an ONNX model, by skl2onnx. Imports it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import numpy as np

from hpsearch.errors import InputError, raised
from hpsearch.exporting.trained_model import TrainedModel

TRIED = 200
"""On so many training samples the estimator and its conversion are compared."""

DIFFERENT = 0.02
"""The share of them that may differ: a float32 on the other side of a threshold."""


def estimator_model(model: TrainedModel, estimator: Any, opset: int) -> Any:
    """Return a model from rows (n, features) float32 to what the estimator predicts, and perhaps probabilities.

    Raises InputError where skl2onnx is missing or cannot convert it, or where its conversion predicts something else.
    """
    if find_spec("skl2onnx") is None:
        rule = "--format onnx of an estimator needs skl2onnx, which is not installed"
        raise InputError(f"{rule}: pip install 'hpsearch[onnx]'; --format joblib has the whole model")
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    rows = [("rows", FloatTensorType([None, model.features]))]
    of_arrays = not model.targets and hasattr(estimator, "predict_proba")  # in place of a list of dictionaries
    options: Any = {"options": {id(estimator): {"zipmap": False}}} if of_arrays else {}
    try:
        with _without_truth_values():
            made = to_onnx(estimator, initial_types=rows, target_opset={"": opset, "ai.onnx.ml": 3}, **options)
        share = _different(made, estimator, model.data().samples[:TRIED])
    except Exception as error:  # of a converter
        unknown = type(error).__name__.startswith("Missing")
        said = "it has no conversion of that" if unknown else f"{raised(error):.120}"
        raise _refusal(model, estimator, said) from error
    if share > DIFFERENT:
        raise _refusal(model, estimator, f"what it makes predicts otherwise for {share:.0%} of the training samples")
    return made


def _refusal(model: TrainedModel, estimator: Any, why: str) -> InputError:
    rule = f"skl2onnx cannot export {type(estimator).__name__} to ONNX ({why})"
    return InputError(f"{model.model_file}: {rule}; --format joblib has the whole model")


@contextmanager
def _without_truth_values() -> Iterator[None]:
    """skl2onnx 1.20 writes False among whole numbers of histogram gradient boosting, which protobuf 6 refuses."""
    from skl2onnx.common import tree_ensemble

    add_node = tree_ensemble.add_node

    def with_numbers(*given: Any, nodes_missing_value_tracks_true: Any = 0, **named: Any) -> None:
        add_node(*given, nodes_missing_value_tracks_true=int(nodes_missing_value_tracks_true), **named)

    with patch.object(tree_ensemble, "add_node", with_numbers):
        yield


def _different(made: Any, estimator: Any, rows: Any) -> float:
    """The share of rows for which a conversion predicts otherwise, such as one that leaves categories out."""
    from onnx.reference import ReferenceEvaluator

    expected = np.asarray(estimator.predict(rows))
    outputs: Any = ReferenceEvaluator(made).run(None, {"rows": rows})
    found = np.asarray(outputs[0]).reshape(expected.shape)
    if expected.dtype.kind == "f":
        near = np.abs(found - expected) <= 1e-3 * max(float(expected.std()), 1e-6)
        return float(np.mean(~near))
    return float(np.mean(found != expected))
