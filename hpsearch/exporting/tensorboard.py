"""The trials of a study as event files of TensorBoard: scalars by epoch, hyperparameters. Imports tensorboardX late."""

import os
import shutil
import socket
import time
from collections.abc import Iterable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hpsearch.errors import InputError
from hpsearch.exporting.trials import Run
from hpsearch.reporting.files import folder_name


def write_tensorboard(runs: Iterable[Run], folder: Path) -> Path:
    """Write a folder with a folder of event files for each trial; return it, for `tensorboard --logdir`.

    The folder of trial fine:3 is fine-3, since a file name must not have a colon; inside, the trial is named fine:3.

    Raises InputError where tensorboardX is missing, and where the folder exists or cannot be written.
    """
    if find_spec("tensorboardX") is None:
        install = "pip install 'hpsearch[tensorboard]'"
        raise InputError(f"--format tensorboard needs tensorboardX, which is not installed: {install}")
    if os.path.lexists(folder):
        raise InputError(f"{folder}: exists already; delete it, or name another with --to")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        for run in runs:
            _write(run, temporary / folder_name(run.name.replace(":", "-")))
        temporary.rename(folder)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _write(run: Run, folder: Path) -> None:
    # Not by a SummaryWriter: its thread prints tracebacks where the disk is full, and its queue needs semaphores.
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import RecordWriter
    from tensorboardX.summary import hparams, scalar

    results = {f"best/{name.removeprefix('best.')}": value for name, value in run.results.items()}
    parameters = {"trial": run.name} | {key: _scalar(value) for key, value in run.parameters.items()}
    now = time.time()
    events = [Event(wall_time=now, file_version="brain.Event:2")]
    for name, points in run.metrics.items():
        events += [Event(wall_time=now, step=epoch, summary=scalar(_tag(name), value)) for epoch, value in points]
    events += [Event(wall_time=now, summary=summary) for summary in hparams(parameters, results)]
    events += [Event(wall_time=now, summary=scalar(name, value)) for name, value in results.items()]
    folder.mkdir()
    with closing(RecordWriter(str(folder / f"events.out.tfevents.{now:.0f}.{socket.gethostname()}"))) as writer:
        for event in events:
            writer.write(event.SerializeToString())


def _tag(metric: str) -> str:
    """Return "validation_loss" as "validation/loss", by which TensorBoard groups."""
    return metric.replace("_", "/", 1)


def _scalar(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
