"""A study that is launched, stopped and shown, resumed and reported by one process: `run_study.py STUDY STORAGE`."""

import sys
from pathlib import Path

from tiny import StopAfter

from hpsearch.cli import main
from hpsearch.platform import HAS_FCNTL
from hpsearch.search.launch import launch
from hpsearch.search.options import Options
from hpsearch.storage.claims import is_held

if __name__ == "__main__":
    study, storage = sys.argv[1:]
    assert not HAS_FCNTL
    assert launch(Path(study), Options(storage, 2, backend="loky", watcher=StopAfter(1))) == ("tiny", False)
    assert not is_held(storage, 1)
    for command in (
        ["status"],
        ["resume", "tiny", "--backend", "sequential", "--quiet"],
        ["report", "tiny"],
        ["top", "tiny"],
    ):
        if status := main([*command, "--storage", storage]):
            sys.exit(f"{command}: {status}")
