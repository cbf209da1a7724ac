"""The trials of a study as runs of an MLflow experiment of its name. Imports MLflow late."""

import logging
import os
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from hpsearch.errors import HpsearchError, InputError
from hpsearch.exporting.trials import Run
from hpsearch.reporting.frames import Frames
from hpsearch.storage.masking import shown

MOST_PARAMETERS, MOST_METRICS = 100, 1000
"""The most that MLflow accepts in one request."""

MAX_LENGTH = 6000
"""The most characters of a parameter's value."""

_STATES = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def write_mlflow(frames: Frames, runs: Iterable[Run], uri: str) -> int:
    """Add each trial as a run; return how many are new. A trial that MLflow already has is not changed.

    Raises InputError where MLflow is missing or cannot be reached at `uri`, HpsearchError where it fails later.
    """
    if find_spec("mlflow") is None:
        raise InputError("--format mlflow needs mlflow, which is not installed: pip install 'hpsearch[mlflow]'")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # the name of a study may be confidential
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # 14 s; its default of seven takes four minutes
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    failures = (MlflowException, SQLAlchemyError, OSError, ValueError, ImportError)
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, frames.study["name"])
        existing = dict(_existing_runs(client, experiment, frames.study["created_at"]))
    except failures as error:
        raise InputError(f"--to {shown(uri)}: MLflow cannot be used there: {_first_line(error, uri)}") from error
    number = 0
    try:
        for run in runs:
            if run.name in existing and existing[run.name][1]:
                continue
            if run.name in existing:  # an export was killed while it wrote this run
                client.delete_run(existing[run.name][0])
            _add(client, experiment, frames.study, run)
            number += 1
    except failures as error:
        hint = f"{number} runs are written; export again to add the rest"
        raise HpsearchError(f"MLflow failed: {_first_line(error, uri)}; {hint}") from error
    return number


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        raise ValueError(f"its experiment {name!r} was deleted; restore it, or delete it for good")
    return str(found.experiment_id) if found is not None else str(client.create_experiment(name))


def _existing_runs(client: Any, experiment: str, launched: str) -> Iterator[tuple[str, tuple[str, bool]]]:
    """The trials of this launch that MLflow has: the trial's name, the id of its run, and whether that is complete."""
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            tags = run.data.tags
            if tags.get("hpsearch.launched") == launched:
                yield tags.get("hpsearch.trial", ""), (run.info.run_id, run.info.status != "RUNNING")
        token = page.token
        if not token:
            return


def _add(client: Any, experiment: str, study: dict[str, Any], run: Run) -> None:
    from mlflow.entities import Metric, Param

    tags = {"study": study["name"], "launched": study["created_at"], "trial": run.name, "stage": run.stage}
    tags |= {"replicate": str(run.replicate), "state": run.state, "reason": run.reason or ""}
    made = client.create_run(experiment, run_name=run.name, tags={f"hpsearch.{key}": tags[key] for key in tags})
    now, key = int(1000 * time.time()), made.info.run_id
    parameters = [Param(name, str(value)[:MAX_LENGTH]) for name, value in run.parameters.items()]
    metrics = [Metric(name, value, now, epoch) for name, points in run.metrics.items() for epoch, value in points]
    metrics += [Metric(name, value, now, 0) for name, value in run.results.items()]
    for start in range(0, len(parameters), MOST_PARAMETERS):
        client.log_batch(key, params=parameters[start : start + MOST_PARAMETERS])
    for start in range(0, len(metrics), MOST_METRICS):
        client.log_batch(key, metrics=metrics[start : start + MOST_METRICS])
    client.set_terminated(key, status=_STATES[run.state])


def _first_line(error: Exception, uri: str) -> str:
    """The first line of MLflow's message, without the password of the URI."""
    lines = str(error).replace(uri, shown(uri)).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
