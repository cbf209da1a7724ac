"""What a segment's training gave, as the coordinator gets it: curves, weights, predictions. May import NumPy."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

_SIDES = ("train", "validation")
CURVE = ("epoch", "eta", *(f"{side}_{metric}" for side in _SIDES for metric in ("cost", "loss", "accuracy")))
"""What a curve's row has."""


@dataclass(frozen=True)
class Best:
    """The epoch with the highest validation accuracy so far (the earliest of equals), if it lies in this segment."""

    epoch: int
    value: float
    weights: bytes
    correct: bytes  # np.packbits over the validation images
    samples: int


@dataclass(frozen=True)
class Test:
    """What the best weights do on the test images."""

    cost: float
    loss: float
    accuracy: float
    predicted: npt.NDArray[Any]  # (n,) classes
    correct: bytes


@dataclass
class TaskResult:
    """What a segment did to one trial; a curve's rows are as `CURVE` says."""

    trial_id: int
    curve: list[tuple[float, ...]] = field(default_factory=list)
    state: bytes = b""
    best: Best | None = None
    test: Test | None = None
    failed: tuple[int, str] | None = None  # epoch and reason
    stopped: str | None = None  # why it ended before its time, with the curve's last row
    parameters: int = 0

    @property
    def ended(self) -> bool:
        """Has it failed or stopped, so that later epochs are not its own?"""
        return self.failed is not None or self.stopped is not None


@dataclass(frozen=True)
class SegmentResult:
    """The results of all tasks, and the wall time (s) that they took together."""

    tasks: tuple[TaskResult, ...]
    seconds: float


def pack(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Arrays by name → the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The inverse of `pack`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
