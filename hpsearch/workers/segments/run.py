"""The function that workers call: from a segment to its result. May import `hpsearch.nn`, data and spec."""

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from hpsearch.data import Split, open_split
from hpsearch.errors import ModelError
from hpsearch.workers.models.plugin import Plugin, read_function, read_plugin
from hpsearch.workers.segments.cohort import train_cohort
from hpsearch.workers.segments.failures import TrainingError
from hpsearch.workers.segments.function import evaluate_function
from hpsearch.workers.segments.results import SegmentResult, TaskResult
from hpsearch.workers.segments.segment import Segment
from hpsearch.workers.segments.trainable import train_trainable


@lru_cache(maxsize=4)
def _open(path: Path) -> Split:
    return open_split(path)


def run_segment(segment: Segment) -> SegmentResult:
    """Train a cohort for the segment's epochs.

    Raises ModelError or DataError if the model file or the prepared split are not those of the launch, TrainingError
    for what the model file raises.
    """
    began = time.perf_counter()
    split, plugin = _open(segment.split), _plugin(segment)
    try:
        results = _train(segment, split, plugin)
    except BaseException as error:
        raise TrainingError.of(error) from None
    found = SegmentResult(tuple(results), time.perf_counter() - began)
    # Restoring is no part of an epoch: if it were, segments that restore long would become shorter, and restore oftener
    return replace(found, seconds=found.seconds - found.restoring)


def _plugin(segment: Segment) -> Plugin:
    plugin = read_function(segment.model) if segment.function else read_plugin(segment.model)
    if plugin.hash != segment.model_hash:
        what = "the model file has changed" if isinstance(segment.model, Path) else "its package is of another version"
        raise ModelError(f"{segment.model}: {what} since the study was launched")
    return plugin


def _train(segment: Segment, split: Split, plugin: Plugin) -> list[TaskResult]:
    with np.errstate(all="ignore"):  # a diverging trial is found by its cost
        if plugin.way == "function":
            return [evaluate_function(segment, task, plugin) for task in segment.tasks]
        if plugin.taken is None:
            return train_cohort(segment, split, plugin)
        return [train_trainable(segment, task, split, plugin) for task in segment.tasks]
