"""The provenance of each stage: what ran, how long it took, and where its ranges come from. May import spec."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import STATES
from hpsearch.reporting.sections.ranking.rows import Record, stopped_early
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.spec import Around


@dataclass(frozen=True)
class StageProvenance:
    """One stage's row, every cell a text; `ranges` has a sentence for each range around an earlier best."""

    name: str
    trials: str
    epochs: str
    time: str
    began: str
    ranges: tuple[str, ...]


def stage_provenance(frames: Frames, stages: Sequence[StageView]) -> list[StageProvenance]:
    """Return the provenance of each stage, in order."""
    around = _arounds(frames)
    trials = frames.by_stage
    views = {view.name: view for view in stages}
    return [
        StageProvenance(
            stage["name"],
            _counts(trials[stage["name"]]),
            _epochs(trials[stage["name"]]),
            formatting.duration(sum(trial["seconds"] for trial in trials[stage["name"]])),
            _when(stage),
            tuple(_range(key, each, views[each.around]) for key, each in around.get(stage["name"], {}).items()),
        )
        for stage in frames.stage_rows
    ]


def _arounds(frames: Frames) -> dict[str, dict[str, Around]]:
    if frames.written is None:  # a file of another version: its stages' notes still say where their ranges came from
        return {}
    return {
        stage.name: {key: entry for key, entry in stage.space.items() if isinstance(entry, Around)}
        for stage in frames.written.stages
    }


def _range(key: str, around: Around, source: StageView) -> str:
    """Name the trials that a range lies around, with their value and objective."""
    label = formatting.label(key)
    best = source.ranked[: around.best]
    if not best:
        return f"{label}: around the best of {around.around}, which has no finished trial yet."
    which = "the best" if len(best) == 1 else f"the best {len(best)}"
    places = dict(zip(source.labels, range(len(source.labels)), strict=True))
    column = places.get(label, places.get(key))
    trials = [f"{row.trial} ({'' if column is None else f'{row.values[column]}, '}{row.objective})" for row in best]
    return f"{label}: around {which} of {around.around}, {formatting.listing(trials)}."


def _counts(trials: Sequence[Record]) -> str:
    states = [trial["state"] for trial in trials]
    early = sum(stopped_early(trial) for trial in trials)
    counts = [f"{states.count(state):,} {state}" for state in STATES if state in states]
    return ", ".join([*counts, *([f"{early:,} of them stopped early"] if early else [])]) or "none yet"


def _epochs(trials: Sequence[Record]) -> str:
    """Write the epochs trained, and those that pruning, early stopping and failures saved."""
    done = sum(trial["epochs_done"] for trial in trials)
    ended = [trial for trial in trials if trial["state"] in ("complete", "pruned", "failed")]
    saved = sum(trial["epochs"] - trial["epochs_done"] for trial in ended)
    return f"{done:,}" + (f" ({saved:,} saved)" if saved > 0 else "")


def _moment(written: str) -> str:
    """Write a time of the database for people; what is no such time stays as it is.

    >>> _moment("2026-11-30T00:25:34.455+00:00"), _moment("yesterday")
    ('2026-11-30 00:25:34 UTC', 'yesterday')
    """
    try:
        return f"{datetime.fromisoformat(written).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return written


def _when(stage: Mapping[str, Any]) -> str:
    """Write when a stage began, and how long it took, pauses included."""
    began, ended = stage["started_at"], stage["finished_at"]
    if not began:
        return formatting.MISSING
    try:
        whole = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds() if ended else None
    except (TypeError, ValueError):
        return _moment(began)
    return _moment(began) + (f", for {formatting.duration(whole)}" if whole is not None else "")


def facts(frames: Frames) -> list[tuple[str, str]]:
    """Return the provenance of the results, as pairs of a name and a value."""
    study, trials = frames.study, frames.trials
    states = trials["state"].value_counts()
    model = study["model"] or {}
    run = ", ".join(f"{number:,} {state}" for state, number in states.items())
    function = frames.goal.of_function
    pairs = [
        ("Trials", f"{len(trials):,} ({run})" if len(trials) else "none yet"),
        ("Steps of the function" if function else "Epochs trained", f"{int(trials['epochs_done'].sum()):,}"),
        (
            "Time" if function else "Training time",
            f"{formatting.duration(float(trials['seconds'].sum()))} (sum over the trials)",
        ),
        ("Launched", f"{_moment(study['created_at'])}{_resumes(study['launches'] - 1)}"),
        ("Finished", _moment(study["finished_at"]) if study["finished_at"] else "not yet"),
        ("Study file", _within(study["path"], study["workspace"])),
        ("Study file's hash", hashlib.sha256(study["text"].encode()).hexdigest()),
        *(() if function else _data(frames)),
        *_model(model, frames.trainable),
        *(("Former hash of the model file", str(former)) for former in model.get("former") or ()),
        ("To reproduce", _how_to_reproduce(str(study["name"]))),
    ]
    return [*pairs, *((str(key), formatting.any_value(value)) for key, value in (study["environment"] or {}).items())]


def _how_to_reproduce(name: str) -> str:
    return (
        "launch the study file below with files of these hashes: with these versions, and the same BLAS kernels, every"
        f" number is the same; “hpsearch verify {shlex.quote(name)}” runs trials again and compares"
    )


def _data(frames: Frames) -> list[tuple[str, str]]:
    """The data set."""
    data = frames.study["data"] or {}
    shape, classes = data.get("image_shape") or [], data.get("classes") or []
    size = ("Image shape", f"{' × '.join(map(str, shape))} (channels, height, width)" if shape else formatting.MISSING)
    if shape and not frames.images:
        size = ("Features", f"{shape[-1]:,}, with those made of categories and of missing values")
    return [
        ("Dataset", f"{data.get('dataset', formatting.MISSING)}, {_labels(frames, classes)}"),
        size,
        ("Dataset fingerprint", str(data.get("fingerprint", formatting.MISSING))),
    ]


def _model(model: Mapping[str, Any], trainable: bool) -> list[tuple[str, str]]:
    """The model's name, with the hash of its file and the versions of an estimator's packages."""
    name = str(model.get("file", formatting.MISSING))
    versions = [("Estimator's package", str(package))] if (package := model.get("package")) else []
    if versions and not name.endswith(".py"):
        return [("Estimator", name), *versions]
    if model.get("kind") == "function":
        return [("Function", name), ("Function's hash", str(model.get("hash", formatting.MISSING)))]
    hashed = ("Model file's hash", str(model.get("hash", formatting.MISSING)))
    return [("Model file", name + ", a trainable" * trainable), hashed, *versions]


def _labels(frames: Frames, classes: Sequence[Any]) -> str:
    """What its samples are labelled with."""
    targets = (frames.study["data"] or {}).get("targets") or []
    if not frames.regression:
        return f"{len(classes):,} classes"
    return f"values of {formatting.listing([str(each) for each in targets])}" if targets else "values (a regression)"


def _resumes(number: int) -> str:
    return f", resumed {formatting.times(number)}" if number > 0 else ""


def _within(path: str, workspace: str) -> str:
    """Return the path relative to the workspace, if it is inside: a report does not show where that is on the disk."""
    return path.removeprefix(workspace.rstrip("/") + "/")
