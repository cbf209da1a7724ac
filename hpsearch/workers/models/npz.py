"""Arrays as the bytes of an .npz file: how weights and states are stored and sent. May import NumPy."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt


def pack(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Arrays by name → the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The inverse of `pack`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
