"""What all stages of a run need. May import storage and workers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hpsearch.search.interrupts import Interrupts
from hpsearch.search.progress import Watcher
from hpsearch.search.stages.cohorts import Pace
from hpsearch.storage.database import Database
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.pools import Pool
from hpsearch.workers.segments.measures import Measures


@dataclass(frozen=True)
class RunContext:
    """What all stages of a run need."""

    database: Database
    plugin: Plugin
    measures: Measures
    outputs: int  # of the model: one for each class or target
    inputs: int
    splits: Mapping[tuple[str, int], Path]  # by stage and replicate: each fold has its own
    pool: Pool
    watcher: Watcher
    interrupts: Interrupts
    pace: Pace
    prepare_again: Callable[[], object]  # the splits, where one has vanished from the cache
