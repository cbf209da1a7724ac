"""From the study file to the configuration that one trial trains with. May import pydantic."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from hpsearch.spec.checks.bounds import first_probes
from hpsearch.spec.checks.lengths import UnfitError, check_fit, check_needs, updates_per_epoch, whole_epochs
from hpsearch.spec.checks.objective import check_task_of
from hpsearch.spec.messages import Where, describe, fail, stored
from hpsearch.spec.spaces.branches import bare, composed
from hpsearch.spec.tables.data import Augmentation, Data
from hpsearch.spec.tables.optimisers import written_out
from hpsearch.spec.tables.space import Around
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Final, Study
from hpsearch.spec.tables.training import LENGTHS, PartialTraining, Training, is_training_key
from hpsearch.spec.tables.trial import TrialLimits

Alternatives = tuple[tuple[str, ...], ...]
Made = TypeVar("Made")

ALTERNATIVES: Alternatives = (
    LENGTHS,
    ("half_cycle_epochs", "half_cycle_updates"),
    ("warmup_epochs", "warmup_updates"),
)
"""Keys of [training] of which one replaces the others."""


@dataclass(frozen=True)
class Configuration:
    """Everything that one trial trains with; two trials with equal configurations differ in their seed alone."""

    model: dict[str, Any]
    training: Training
    augmentation: Augmentation = field(default_factory=Augmentation)
    objective: Mapping[str, Any] | None = None  # {"metric", "direction", "share"}; None is the accuracy

    @property
    def file(self) -> str:
        """The model file, relative to the workspace, or the estimator."""
        return str(self.model[self._key])

    @property
    def _key(self) -> str:
        return next(key for key in ("file", "estimator", "function") if key in self.model)

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own parameters."""
        return {key: value for key, value in self.model.items() if key != self._key}

    def to_json(self) -> dict[str, Any]:
        """Return {"model": …, "training": …, …} of plain values, with the study file's names."""
        varied = self.augmentation.model_dump()
        said = {"model": self.model, "training": as_given(self.training), "augmentation": varied}
        return said | ({"objective": dict(self.objective)} if self.objective else {})

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Configuration":
        """Return the configuration that `to_json` wrote. Raises DamagedError."""
        with stored("a configuration"):
            training, varied = _validated(json.dumps([given["training"], given.get("augmentation", {})]))
            return cls(dict(given["model"]), training, varied, given.get("objective"))


@lru_cache(maxsize=256)
def _validated(text: str) -> tuple[Training, Augmentation]:
    """Return [training] and [augmentation] from JSON; many trials share them, of a function all."""
    training, augmentation = json.loads(text)
    return Training.of(training), Augmentation.of(augmentation)


def as_given(training: PartialTraining) -> dict[str, Any]:
    """Return [training] as plain values, with the study file's names and the defaults filled in."""
    return training.model_dump(by_alias=True, exclude_none=True)


def data_of(study: Study, step: Stage | Final) -> Data:
    """Return the data that a step uses: the study's; for the final with its own sizes and never with folds."""
    if not isinstance(step, Final):
        return study.data
    sizes = {"train": step.data.train or study.data.train}
    return study.data.model_copy(update=sizes | {"held_out": step.data.validation or study.data.validation_samples})


def augmentation_of(study: Study, step: Stage | Final) -> Augmentation:
    """Return a step's augmentation: the study's, with the step's own keys in place of its."""
    return study.augmentation.model_copy(update=step.augmentation.model_dump(exclude_none=True))


def replicates_of(study: Study, step: Stage | Final) -> int:
    """Return how often a step trains each configuration: once with each seed, or once for each fold."""
    return data_of(study, step).folds or step.replicates


def limits_of(study: Study, step: Stage | Final) -> TrialLimits:
    """Return the limits of a step's trials: the study's, with the step's own in place of its."""
    given = [each.model_dump(exclude_none=True) for each in (study.trial, step.trial) if each]
    return TrialLimits(**dict(item for each in given for item in each.items()))


def objective_of(study: Study) -> dict[str, Any] | None:
    """Return what is stored of a study's objective (see `Objective.stored`)."""
    stored = study.objective.stored(study.data.task)
    return {**stored, "function": True} if stored and study.model.is_function else stored


def _of_study(study: Study, objective: Mapping[str, Any] | None) -> dict[str, Any]:
    """[training] of the study, with the defaults that follow from its task and its objective."""
    training = as_given(study.training)
    if study.data.task == "regression" and "loss" not in study.training.model_fields_set:
        training["loss"] = "squared_error"
    stop = study.training.stop
    if objective and stop is not None and "metric" not in stop.model_fields_set:
        del training["stop"]["metric"]
    return training


def resolve(study: Study, step: Stage | Final, params: Mapping[str, Any]) -> Configuration:
    """Return what a trial of `step` with these hyperparameters trains with.

    The step's own keys replace the study's, and `params` (flat names: "lambda", "schedule.eta_max") replace both.
    Raises StudyFileError where the result breaks a rule, at the place in the file where it comes from.
    """
    if study.model.is_function:
        return _of_function(study, step, params)
    return _resolved(study, step, params)


def _once(study: Study, step: Stage | Final, made: Callable[[Study, Stage | Final], Made]) -> Made:
    """What is the same for all trials of a step, made once for it."""
    kept = study.of_steps.get(made.__name__)
    if kept is None or kept[0] is not step:
        kept = study.of_steps[made.__name__] = step, made(study, step)
    found: Made = kept[1]
    return found


def _of_function(study: Study, step: Stage | Final, params: Mapping[str, Any]) -> Configuration:
    """Resolve without the parameters, which are all the function's own."""
    assert isinstance(step, Stage), "a function has no final"
    found = _once(study, step, _without_parameters)
    return replace(found, model=merge(found.model, composed(params)))


def _without_parameters(study: Study, step: Stage | Final) -> Configuration:
    return _resolved(study, step, {})


def _given(study: Study, step: Stage | Final) -> tuple[dict[str, Any], dict[str, Any], Augmentation, Any]:
    """[training], [model] and [augmentation] of a step, before the searched values, and the objective."""
    objective = objective_of(study)
    training = merge(_of_study(study, objective), written_out(step.training), ALTERNATIVES)
    model = merge(study.model.identity | study.model.parameters, step.model)
    return training, model, augmentation_of(study, step), objective


def _resolved(study: Study, step: Stage | Final, params: Mapping[str, Any]) -> Configuration:
    training, model, augmentation, objective = _once(study, step, _given)
    training, model = dict(training), dict(model)
    for key, value in composed(params).items():
        if is_training_key(key):
            training = merge(training, written_out(_nested(key, value)), ALTERNATIVES)
        else:
            model = merge(model, _nested(key, value))
    if (study.model.is_estimator or study.model.is_function) and not any(key in training for key in LENGTHS):
        training["epochs"] = 1  # one whole fit, or call
    if objective and isinstance(training.get("stop"), dict):
        training["stop"] = {"metric": "objective"} | training["stop"]
    try:
        checked = Training.of(training)
        check_fit(checked, data_of(study, step).train)
        check_task_of(checked, study)
    except ValidationError as error:
        path, text = describe(error.errors(include_url=False)[0])
    except UnfitError as error:
        path, text = error.path, error.text
    else:
        return Configuration(model, checked, augmentation, objective)
    raise fail(study.place, [*_source(study, step, params, path)], text)


def check_complete(study: Study, step: Stage | Final, params: Mapping[str, Any]) -> None:
    """Raise StudyFileError where a configuration lacks a key of [training] that a model of layers needs."""
    try:
        check_needs(resolve(study, step, params).training)
    except UnfitError as error:
        raise fail(study.place, [*_source(study, step, params, error.path)], error.text) from None


def epochs(training: Training, samples: int) -> int:
    """Return how many epochs a trial on `samples` training samples has. Raises StudyFileError if it ends inside one."""
    try:
        return whole_epochs(training, samples)
    except UnfitError as error:
        raise fail("training", error.path, error.text) from None


def length_of(study: Study, step: Stage | Final, training: Training) -> int:
    """Return how many epochs a step's trial has: as many of its training as its limit of updates allows, at least one.

    Raises StudyFileError where the training ends inside an epoch.
    """
    samples, most = data_of(study, step).train, limits_of(study, step).updates
    length = epochs(training, samples)
    if most is None or training.batch_size is None:
        return length
    return min(length, max(1, most // updates_per_epoch(training, samples)))


def merge(base: Mapping[str, Any], over: Mapping[str, Any], alternatives: Alternatives = ()) -> dict[str, Any]:
    """Return `base` with the keys of `over`, table by table; a table of another `kind` replaces the whole table."""
    merged = dict(base)
    for keys in alternatives:
        if len(given := [key for key in keys if key in over]) == 1:
            merged = {key: value for key, value in merged.items() if key not in keys or key in given}
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("kind", old.get("kind")) == old.get("kind"):
            merged[key] = merge(old, value, alternatives)
        else:
            merged[key] = value
    return merged


def _nested(key: str, value: Any) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nested(rest, value) if rest else value}


def _source(study: Study, step: Stage | Final, params: Mapping[str, Any], path: Where) -> Where:
    """Return where in the file the value at `path` in [training] comes from: the space, the step or the study."""
    here: Where = ["final"] if isinstance(step, Final) else ["stage", study.stages.index(step)]
    key = ".".join(str(part) for part in path)
    if any(_holds(bare(name), key) for name in params):
        searched = study.stages[-1] if isinstance(step, Final) else step
        at: Where = ["stage", study.stages.index(searched)]
        if searched.configurations is not None:
            rows: Where = [
                j for j, configuration in enumerate(searched.configurations) if configuration == dict(params)
            ]
            return [*at, "configurations", *rows[:1], *path]
        for j, configuration in enumerate(first_probes(study, searched)):
            # what an explicit range or choice has is checked: only around another stage can only the row be wrong
            around = {name for name in searched.tried_first[j] if isinstance(searched.space[name], Around)}
            if configuration == dict(params) and any(_holds(name, key) for name in around):
                return [*at, *searched.place_of_first(j), *path]
        return [*at, "space", *path]
    by_study_alone = path and path[0] in as_given(study.training) and not step.training and isinstance(step, Stage)
    return ["training", *path] if by_study_alone else [*here, "training", *path]


def _holds(name: str, key: str) -> bool:
    """Tell whether the hyperparameter `name` is `key` or a table that has it."""
    return key == name or key.startswith(f"{name}.")
