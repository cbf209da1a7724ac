"""Weights as an .npz file, which NumPy reads without hpsearch. May import NumPy."""

import io
from pathlib import Path

import numpy as np

from hpsearch.errors import InputError
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.files import write_file


def write_npz(model: TrainedModel, path: Path) -> Path:
    """Write the weights by name, and `data.mean`, `data.deviation` (features,), `data.classes`; return the path.

    A table has `data.features`, the names of its features. A regression has `data.targets`, the names,
    `data.target_mean` and `data.target_deviation` instead of the classes. Raises InputError where the file cannot be
    written, or a trainable has arrays of these names.
    """
    buffer = io.BytesIO()
    extra = {"data.mean": model.mean, "data.deviation": model.deviation}
    if model.columns is not None:
        extra["data.features"] = np.array(model.columns.features)
    if model.target_mean is not None and model.target_deviation is not None:
        extra |= {"data.targets": np.array(model.targets), "data.target_mean": model.target_mean}
        extra["data.target_deviation"] = model.target_deviation
    else:
        extra["data.classes"] = np.array(model.classes)
    if both := [name for name in extra if name in model.weights]:
        raise InputError(f"trial {model.trial} has an array {both[0]!r}, a name that the export needs")
    np.savez(buffer, allow_pickle=False, **model.weights, **extra)
    return write_file(path, buffer.getvalue())
