"""From the study file to the setting that one trial trains with. May import pydantic."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from .study import Cyclical, Data, Final, PartialTraining, Stage, Study, Training, is_training_key
from .words import Where, describe, fail

Alternatives = tuple[tuple[str, str], ...]

ALTERNATIVES: Alternatives = (("epochs", "cycles"), ("half_cycle_epochs", "half_cycle_updates"))
"""Keys of [training] of which one replaces the other."""


@dataclass(frozen=True)
class Setting:
    """Everything that one trial trains with; two trials with equal settings differ in their seed alone."""

    model: dict[str, Any]
    training: Training

    @property
    def file(self) -> str:
        """The model file, relative to the workspace."""
        return str(self.model["file"])

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters."""
        return {key: value for key, value in self.model.items() if key != "file"}

    def to_json(self) -> dict[str, Any]:
        """Return {"model": …, "training": …} of plain values, with the study file's names."""
        return {"model": self.model, "training": as_given(self.training)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Setting":
        """Return the setting that `to_json` wrote."""
        return cls(dict(stored["model"]), Training.of(stored["training"]))


def as_given(training: PartialTraining) -> dict[str, Any]:
    """Return [training] as plain values, with the study file's names and the defaults filled in."""
    return training.model_dump(by_alias=True, exclude_none=True)


def data_of(study: Study, step: Stage | Final) -> Data:
    """Return the images that a step uses: the study's, with the final's own numbers."""
    if not isinstance(step, Final):
        return study.data
    return study.data.model_copy(update=step.data.model_dump(exclude_none=True))


def resolve(study: Study, step: Stage | Final, params: Mapping[str, Any]) -> Setting:
    """Return what a trial of `step` with these values of the searched keys trains with.

    The step's own keys replace the study's, and `params` (flat names: "lambda", "schedule.eta_max") replace both.
    Raises StudyFileError where the result breaks a rule, at the place in the file where it comes from.
    """
    training = merge(as_given(study.training), step.training, ALTERNATIVES)
    model = merge({"file": study.model.file} | study.model.parameters, step.model)
    for key, value in params.items():
        if is_training_key(key):
            training = merge(training, _nested(key, value), ALTERNATIVES)
        else:
            model = merge(model, _nested(key, value))
    try:
        checked = Training.of(training)
        _fits(checked, data_of(study, step).train)
    except ValidationError as error:
        path, text = describe(error.errors(include_url=False)[0])
    except _UnfitError as error:
        path, text = error.path, error.text
    else:
        return Setting(model, checked)
    raise fail(study.place, [*_source(study, step, params, path)], text)


def epochs(training: Training, images: int) -> int:
    """Return how many epochs a trial trains on `images` images. Raises StudyFileError if its cycles end inside one."""
    try:
        return _epochs(training, images)
    except _UnfitError as error:
        raise fail("training", error.path, error.text) from None


def updates_per_epoch(training: Training, images: int) -> int:
    """Return the number of batches in an epoch; the last one may be smaller."""
    return math.ceil(images / training.batch_size)


def merge(base: Mapping[str, Any], over: Mapping[str, Any], alternatives: Alternatives = ()) -> dict[str, Any]:
    """Return `base` with the keys of `over`, table by table; a table of another `kind` replaces the whole table."""
    merged = dict(base)
    for pair in alternatives:
        if len(given := [key for key in pair if key in over]) == 1:
            merged = {key: value for key, value in merged.items() if key not in pair or key in given}
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("kind", old.get("kind")) == old.get("kind"):
            merged[key] = merge(old, value, alternatives)
        else:
            merged[key] = value
    return merged


class _UnfitError(Exception):
    """A training that is valid by itself but not for its images; `path` is inside [training]."""

    def __init__(self, path: Where, text: str) -> None:
        self.path, self.text = path, text


def _fits(training: Training, images: int) -> None:
    if training.batch_size > images:
        rule = f"must be at most {images:_}, the number of training images"
        raise _UnfitError(["batch_size"], f"{rule}, got {training.batch_size:_}")
    if training.eta is None and training.schedule.kind != "cyclical":
        raise _UnfitError(["eta"], f"is missing; the {training.schedule.kind} schedule needs it")
    if training.epochs is None and training.cycles is None:
        raise _UnfitError([], "must have either epochs or cycles")
    _epochs(training, images)


def _epochs(training: Training, images: int) -> int:
    if training.epochs is not None:
        return training.epochs
    schedule, cycles = training.schedule, training.cycles
    assert isinstance(schedule, Cyclical)
    assert cycles is not None
    if schedule.half_cycle_epochs is not None:
        return cycles * 2 * schedule.half_cycle_epochs
    half = schedule.half_cycle_updates
    assert half is not None
    per_epoch = updates_per_epoch(training, images)
    whole, rest = divmod(cycles * 2 * half, per_epoch)
    if rest:
        step = per_epoch // math.gcd(per_epoch, cycles * 2)
        fit = max(step, (2 * half + step) // (2 * step) * step)
        rule = f"must come to whole epochs of {per_epoch:_} updates over {cycles} cycles"
        raise _UnfitError(["schedule", "half_cycle_updates"], f"{rule}, got {half:_}; the nearest that does is {fit:_}")
    return whole


def _nested(key: str, value: Any) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nested(rest, value) if rest else value}


def _source(study: Study, step: Stage | Final, params: Mapping[str, Any], path: Where) -> Where:
    """Return where in the file the value at `path` inside [training] comes from: the search, the step or the study."""
    here: Where = ["final"] if isinstance(step, Final) else ["stage", study.stages.index(step)]
    key = ".".join(str(part) for part in path)
    if any(key == name or key.startswith(f"{name}.") for name in params):
        searched = study.stages[-1] if isinstance(step, Final) else step
        at: Where = ["stage", study.stages.index(searched)]
        if searched.settings is None:
            return [*at, "space", *path]
        rows: Where = [j for j, setting in enumerate(searched.settings) if setting == dict(params)]
        return [*at, "settings", *rows[:1], *path]
    by_study_alone = path and path[0] in as_given(study.training) and not step.training and isinstance(step, Stage)
    return ["training", *path] if by_study_alone else [*here, "training", *path]
