"""A trial's learning curve as arrays, and which of its epochs are comparable. May import NumPy and our frames."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.frames import Frames
from hpsearch.storage.records import ACCURACY

Numbers = NDArray[np.float64]

FINAL_PART = 5
"""A curve's final value is its mean over the last fifth of the epochs."""


@dataclass(frozen=True)
class Curve:
    """The metrics of one trial by epoch, (epochs,) each."""

    epoch: NDArray[np.int64]
    eta: Numbers
    train_cost: Numbers
    train_loss: Numbers
    train_accuracy: Numbers
    validation_loss: Numbers
    validation_accuracy: Numbers
    value: Numbers | None = None  # the objective on the validation samples, None where that is the accuracy

    @property
    def objective(self) -> Numbers:
        """The objective on the validation samples."""
        return self.validation_accuracy if self.value is None else self.value

    def at(self, which: NDArray[Any]) -> "Curve":
        """Return the curve at some of its epochs, a mask or indices."""
        columns: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        kept: dict[str, Any] = {name: None if each is None else each[which] for name, each in columns.items()}
        return Curve(**kept)


def curves_of(frames: Frames) -> dict[int, Curve]:
    """Return each trial's curve by trial id."""
    if frames.curves.empty:
        return {}
    names = [name for name in Curve.__dataclass_fields__ if name != "value" or frames.goal != ACCURACY]
    columns = [frames.curves[name].to_numpy() for name in names]
    ids = frames.curves["trial_id"].to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
    spans = itertools.pairwise(starts)
    return {int(ids[start]): Curve(*(column[start:end] for column in columns)) for start, end in spans}


def common_epochs(runs: Sequence[Curve]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Return the epochs that all runs have, (epochs,), and where each run has them."""
    epochs = reduce(np.intersect1d, (run.epoch for run in runs))
    return epochs, [np.searchsorted(run.epoch, epochs) for run in runs]


def comparable_epochs(eta: Numbers) -> NDArray[np.int64]:
    """Return the indices of epochs whose losses are comparable, given η, the learning rate, (epochs,).

    The loss goes up and down with η. If η has several minima, as in a cyclical schedule, they are the epochs of the
    minima; else those from the maximum of η on, without the warm-up; all of them if η never rises.
    """
    rises = np.flatnonzero(np.diff(eta) > 1e-9 * eta[:-1])
    if not rises.size:
        return np.arange(len(eta))
    falls = np.diff(eta) < -1e-9 * eta[:-1]
    minima = [i for i in rises.tolist() if i and falls[i - 1]] + ([len(eta) - 1] if falls[-1] else [])
    peak = int(np.argmax(eta))
    return np.array(minima) if len(minima) > 1 else np.arange(peak, len(eta))


def final_value(values: Numbers) -> float:
    """Return the final value of a curve: its mean over the last fifth of the epochs."""
    return float(values[-final_epochs(values) :].mean())


def final_epochs(values: NDArray[Any]) -> int:
    """Return the number of epochs in the last fifth of a curve, at least one."""
    return max(1, len(values) // FINAL_PART)
