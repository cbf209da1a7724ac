"""A trial's curve as arrays, and which of its epochs may be compared. May import NumPy and our frames."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.frames import Frames

Numbers = NDArray[np.float64]

WINDOW = 5
"""The end of a training is its last fifth: the mean over that is what it ends with."""


@dataclass(frozen=True)
class Curve:
    """What one trial measured, epoch by epoch, (epochs,) each."""

    epoch: NDArray[np.int64]
    eta: Numbers
    train_cost: Numbers
    train_loss: Numbers
    train_accuracy: Numbers
    validation_loss: Numbers
    validation_accuracy: Numbers

    def at(self, which: NDArray[Any]) -> "Curve":
        """Return some of its epochs."""
        return Curve(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def curves_of(frames: Frames) -> dict[int, Curve]:
    """Return each trial's curve by trial id."""
    if frames.curves.empty:
        return {}
    columns = [frames.curves[name].to_numpy() for name in Curve.__dataclass_fields__]
    ids = frames.curves["trial_id"].to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
    spans = itertools.pairwise(starts)
    return {int(ids[start]): Curve(*(column[start:end] for column in columns)) for start, end in spans}


def comparable(eta: Numbers) -> NDArray[np.int64]:
    """Return the epochs (from 0) that may be compared: loss waves with η, so of a cyclical schedule its cycles' ends.

    Those where η has come down to a low, if it goes up again more than once; else those from η's highest on, so that a
    warm-up does not count; all of them where η never rises.
    """
    rises = np.flatnonzero(np.diff(eta) > 1e-9 * eta[:-1])
    if not rises.size:
        return np.arange(len(eta))
    falls = np.diff(eta) < -1e-9 * eta[:-1]
    lows = [i for i in rises.tolist() if i and falls[i - 1]] + ([len(eta) - 1] if falls[-1] else [])
    peak = int(np.argmax(eta))
    return np.array(lows) if len(lows) > 1 else np.arange(peak, len(eta))


def ending(values: Numbers) -> float:
    """Return what a curve ends with: the mean over its last fifth."""
    return float(values[-fifth(values) :].mean())


def fifth(values: NDArray[Any]) -> int:
    """Return how many epochs a fifth of a curve has, one at least."""
    return max(1, len(values) // WINDOW)
