"""Rules between a study file and its model file: the model's own parameters, and the keys of [training] it uses.

May import hpsearch.errors.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hpsearch.errors import nearest
from hpsearch.spec.checks.bounds import probes
from hpsearch.spec.messages import Where, fail
from hpsearch.spec.resolve import as_given, check_complete, resolve
from hpsearch.spec.spaces.branches import bare
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.base import Table
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Final, Study
from hpsearch.spec.tables.training import TRAINING_KEYS, is_training_key

TAKEN = ("lambda", "eta", "batch_size", "class_weight")
"""The keys of [training] that a trainable may ask for."""

_OF_ANY_MODEL = ("epochs", "stop", "keep", "curves")
"""The keys of [training] that every model uses."""


def check_model_keys(study: Study, parameters: Iterable[str], taken: Mapping[str, bool] | None = None) -> None:
    """Raise StudyFileError for a key that the model does not have, and for one that it needs and is not given.

    `taken` is None for a model of layers, which uses all of [training]; for a trainable it has those of `TAKEN` that
    it takes, and whether it needs them.
    """
    known, given = set(parameters), _given(study)
    for table, where, key in given if not study.model.is_function else ():
        if table == "model" or (table == "space" and not is_training_key(key)):
            names = known | set(TRAINING_KEYS) if table == "space" else known
            if bare(key).split(".")[0] not in known:
                hint = "; it is one of [training]" if is_training_key(key) else _hint(study, key, names)
                raise fail(study.place, where, f"is not a key of {study.model.name}{hint}")
    if taken is None:
        _check_layers(study)
    else:
        _check_used(study, given, taken)
        _check_needed(study, taken)


def _hint(study: Study, key: str, names: Iterable[str]) -> str:
    return nearest(key, names) if study.model.is_estimator else did_you_mean(key, names, "[model]")


def _given(study: Study) -> list[tuple[str, Where, str]]:
    """Return each key with its place and its table: "model", "training", "augmentation" or "space"."""
    steps: list[tuple[Where, Study | Stage | Final]] = [([], study)]
    steps += [(["stage", i], stage) for i, stage in enumerate(study.stages)]
    steps += [(["final"], study.final)] if study.final else []
    found: list[tuple[str, Where, Iterable[str]]] = []
    for where, step in steps:
        model = step.model.parameters if isinstance(step, Study) else step.model
        training = _names(step.training) if isinstance(step, Study) else step.training
        found += [("model", [*where, "model"], model), ("training", [*where, "training"], training)]
        found.append(("augmentation", [*where, "augmentation"], _names(step.augmentation)))
        if isinstance(step, Stage):
            found.append(("space", [*where, "space"], step.space))
            found += [("space", [*where, "configurations", j], row) for j, row in enumerate(step.configurations or ())]
    return [(table, [*where, key], key) for table, where, keys in found for key in keys]


def _names(table: Table) -> list[str]:
    """The keys that the study file gives of a table."""
    return sorted(type(table).model_fields[name].alias or name for name in table.model_fields_set)


def _check_layers(study: Study) -> None:
    if study.training.batch_size is not None and study.training.eta is not None:
        return
    for stage, step in _steps(study):
        for params in probes(study, stage):
            check_complete(study, step, params)


def _steps(study: Study) -> Iterator[tuple[Stage, Stage | Final]]:
    """Each stage, and the final, with the stage whose space its configurations are from."""
    yield from ((stage, stage) for stage in study.stages)
    if study.final is not None:
        yield study.stages[-1], study.final


def _check_used(study: Study, given: Sequence[tuple[str, Where, str]], taken: Mapping[str, bool]) -> None:
    """Refuse keys that a trainable would ignore."""
    used = (*_OF_ANY_MODEL, *(key for key in TAKEN if key in taken))
    for table, where, key in given:
        if table == "augmentation":
            rule = f"must not be given; {study.model.name}, a trainable, gets the samples as they are"
            raise fail(study.place, where, rule)
        if (
            table != "model"
            and (table != "space" or study.is_training_key(key))
            and is_training_key(key)
            and bare(key).split(".")[0] not in used
        ):
            rule = f"is not used by {study.model.name}, which has a training loop of its own"
            raise fail(study.place, where, f"{rule}; of [training] it uses {', '.join(used)}")


def _check_needed(study: Study, taken: Mapping[str, bool]) -> None:
    """Refuse configurations that lack what a trainable needs, and a kind of curves that it cannot have."""
    for stage, step in _steps(study):
        here: Where = ["final"] if isinstance(step, Final) else ["stage", study.stages.index(step)]
        for params in probes(study, stage):
            training = as_given(resolve(study, step, params).training)
            for key, needed in taken.items():
                if needed and key not in training:
                    raise fail(study.place, [*here, "training", key], f"is missing; {study.model.name} needs it")
            if training["curves"] == "running":
                rule = f"must be 'sample' or 'all' with {study.model.name}, a trainable"
                raise fail(study.place, [*here, "training", "curves"], f"{rule}, got 'running'")
