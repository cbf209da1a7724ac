"""The unit of work that a worker is handed: some epochs of one cohort. May import data and spec.

What a segment computes depends on its trials' configurations, states and seeds alone (rule 1), so it may be done again, by
another worker, in another cohort, with the same result.
"""

from dataclasses import dataclass
from pathlib import Path

from hpsearch.data.augmentation import Augmentation
from hpsearch.spec import Configuration

_UNCHANGED = Augmentation()


@dataclass(frozen=True)
class Task:
    """One trial's part of a segment: its configuration, where its first weights come from, and how far it has come."""

    trial_id: int
    configuration: Configuration
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
