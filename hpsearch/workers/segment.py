"""A worker's whole job: a segment in, its result out, a pure function. May import `hpsearch.nn`, data and spec.

What a segment computes depends on its trials' settings, states and seeds alone (rule 1), so it may be done again, by
another worker, in another cohort, with the same result.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from hpsearch.data import Split, open_split
from hpsearch.data.augmentation import Augmentation
from hpsearch.errors import ModelError
from hpsearch.spec import Setting
from hpsearch.workers.cohort_training import train_cohort
from hpsearch.workers.failing import TrainingError
from hpsearch.workers.lone_training import train_alone
from hpsearch.workers.plugin import Plugin, read_plugin
from hpsearch.workers.results import SegmentResult, TaskResult

_UNCHANGED = Augmentation()


@dataclass(frozen=True)
class Task:
    """One trial's part of a segment: its setting, where its first weights come from, and how far it has come."""

    trial_id: int
    setting: Setting
    key: tuple[str, int]  # (stage, point): with replicate and the study's seed it gives the first weights
    state: bytes | None = None  # what the last segment left; None at the beginning
    best: float = -1.0  # highest validation accuracy so far
    best_weights: bytes | None = None  # needed only where the test set is looked at
    history: tuple[float, ...] = ()  # needed only with early stopping: its metric at each epoch so far


@dataclass(frozen=True)
class Segment:
    """Epochs `first` to `last` (counted from 1, inclusive) of one cohort: trials of one shape and batch size."""

    tasks: tuple[Task, ...]
    split: Path
    model: Path
    model_hash: str
    seed: int
    replicate: int
    first: int
    last: int
    augmentation: Augmentation = _UNCHANGED
    ends: bool = False  # is `last` the last epoch of the training?
    test: bool = False  # score the kept weights of each trial that ends here on the test images


@lru_cache(maxsize=4)
def _open(path: Path) -> Split:
    return open_split(path)


def run_segment(segment: Segment) -> SegmentResult:
    """Train a cohort for the segment's epochs.

    Raises ModelError or DataError if the model file or the prepared images are not those of the launch, TrainingError
    for what the model file raises.
    """
    began = time.perf_counter()
    split, plugin = _open(segment.split), _plugin(segment)
    try:
        results = _train(segment, split, plugin)
    except BaseException as error:
        raise TrainingError.of(error) from None
    return SegmentResult(tuple(results), time.perf_counter() - began)


def _plugin(segment: Segment) -> Plugin:
    plugin = read_plugin(segment.model)
    if plugin.hash != segment.model_hash:
        raise ModelError(f"{segment.model}: the model file has changed since the study was launched")
    return plugin


def _train(segment: Segment, split: Split, plugin: Plugin) -> list[TaskResult]:
    with np.errstate(all="ignore"):  # a diverging trial is found from its own numbers
        if plugin.taken is None:
            return train_cohort(segment, split, plugin)
        return [train_alone(segment, task, split, plugin) for task in segment.tasks]
