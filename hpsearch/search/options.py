"""How a study is run, as opposed to what it asks for. May import data, storage and workers."""

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from hpsearch.data import Dataset
from hpsearch.data.sources.catalogue import NONE
from hpsearch.platform import cores
from hpsearch.search.progress import Watcher
from hpsearch.storage import STORAGE_VARIABLE
from hpsearch.storage.masking import shown
from hpsearch.storage.sqlite.workspace import default_url
from hpsearch.workers.pools import SCHEDULED


@dataclass(frozen=True)
class Options:
    """How to run a study; none of the options changes a result."""

    storage: str
    workers: int | None = None
    """How many segments train at once [default: one per core, or all that the scheduler has room for]."""
    data_dir: Path | None = None
    backend: str = "loky"
    accept_changes: bool = False
    """Continue although the model file has changed: unfinished trials start again with it."""
    trust_model: bool = False
    """Run the Python files that the database names, wherever the study was launched."""
    watcher: Watcher = field(default_factory=Watcher)
    scheduler: str | None = None
    """The address of the scheduler of the backends dask and ray."""


def ready(dataset: Dataset, options: Options) -> str:
    """What a study begins with, for the watcher."""
    samples = f"{len(dataset.samples):,} samples of {dataset.name} prepared; " if dataset.name != NONE else ""
    if options.backend in SCHEDULED:
        return f"{samples}workers of {options.backend}"
    number = options.workers or cores()
    alone = options.backend == "sequential"
    return samples + ("this process works alone" if alone else f"starting {number} worker{'s' * (number != 1)}")


def how_to_resume(name: str, options: Options, *more: str) -> str:
    """The command that resumes a study, with further arguments `more`, to be pasted into a shell."""
    arguments = ["hpsearch", "resume", *(["--"] if name.startswith("-") else []), name]
    if options.storage != (os.environ.get(STORAGE_VARIABLE) or default_url()):
        arguments[2:2] = ["--storage", shown(options.storage)]
    if options.data_dir is not None:
        arguments[2:2] = ["--data-dir", str(options.data_dir)]
    if options.backend in SCHEDULED:
        scheduler = ["--scheduler", options.scheduler] if options.scheduler else []
        arguments[2:2] = ["--backend", options.backend, *scheduler]
    arguments[2:2] = more
    return shlex.join(arguments)
