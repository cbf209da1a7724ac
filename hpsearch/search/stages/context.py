"""What all stages of a run need. May import spec, storage and workers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hpsearch.errors import ModelError
from hpsearch.search.interrupts import Interrupts
from hpsearch.search.progress import Watcher
from hpsearch.search.stages.cohorts import Pace
from hpsearch.storage.database import Database
from hpsearch.storage.records import TrialRow
from hpsearch.workers.models.built_layers import largest_cohort
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
    prepare_whole: Callable[[], Path]  # that of the final with all samples to train on
    _sizes: dict[str, int] = field(default_factory=dict)

    def largest_cohort(self, trial: TrialRow) -> int:
        """The maximal size of a cohort of this trial's shape; the model is built once to find it."""
        if self.plugin.kind == "function":
            return self.pace.calls(trial.epochs)
        parameters = {key: value for key, value in trial.configuration["model"].items() if key != "file"}
        shape = json.dumps(parameters, sort_keys=True)
        if shape not in self._sizes:
            try:
                self._sizes[shape] = largest_cohort(self.plugin, self.inputs, self.outputs, parameters)
            except ModelError:  # refused within a range whose bounds were accepted: its trial will fail
                self._sizes[shape] = 1
        return self._sizes[shape]
