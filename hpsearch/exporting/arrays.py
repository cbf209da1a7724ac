"""Weights as an .npz file, which NumPy reads without us. May import NumPy."""

import io
from pathlib import Path

import numpy as np

from hpsearch.exporting.files import write_file
from hpsearch.exporting.finished import Finished


def write_npz(model: Finished, path: Path) -> Path:
    """Write the weights by name, and `data.mean`, `data.deviation` (features,), `data.classes`; return the path.

    Raises InputError where it cannot be written.
    """
    buffer = io.BytesIO()
    images = {"data.mean": model.mean, "data.deviation": model.deviation, "data.classes": np.array(model.classes)}
    np.savez(buffer, allow_pickle=False, **model.weights, **images)
    return write_file(path, buffer.getvalue())
