"""The unit of work that a worker is handed: some epochs of one cohort. May import data and spec.

Its results depend on its trials' configurations, states and seeds alone (rule 1 of CONTRIBUTING.md), so that another
worker, or another cohort, computes the same.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from hpsearch.data.augmentation import Augmentation
from hpsearch.spec import Configuration
from hpsearch.workers.segments.measures import Measures

_UNCHANGED = Augmentation()
_ACCURACY = Measures()


@dataclass(frozen=True)
class Task:
    """One trial's part of a segment: its configuration, what its first weights depend on, and its state so far."""

    trial_id: int
    configuration: Configuration
    key: tuple[str, int]  # (stage, point): with replicate and the study's seed it gives the first weights
    state: bytes | None = None  # after the last segment; None at the beginning
    best: float = -math.inf  # the best score so far: the objective, turned so that a higher value is better
    best_weights: bytes | None = None  # needed only for the evaluation on the test set
    history: tuple[float, ...] = ()  # needed only with early stopping: its metric at each epoch so far


@dataclass(frozen=True)
class Segment:
    """Epochs `first` to `last` (counted from 1, inclusive) of one cohort: trials of one shape and batch size."""

    tasks: tuple[Task, ...]
    split: Path
    model: Path | str  # the path of a model file, or the name of an installed class
    model_hash: str
    seed: int
    replicate: int
    first: int
    last: int
    augmentation: Augmentation = _UNCHANGED
    measures: Measures = _ACCURACY
    ends: bool = False  # is `last` the last epoch of the training?
    function: bool = False  # is `model` a function?
    test: bool = False  # evaluate the kept weights of each trial that ends here on the test set
