"""Rules between a study's [[reference]] rows and its stages. May import hpsearch.errors and `hpsearch.metrics`."""

import difflib
from collections.abc import Sequence

from hpsearch.errors import nearest
from hpsearch.metrics.names import SYNONYMS
from hpsearch.spec.messages import Where, fail, show
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.reference import PARTS, Reference
from hpsearch.spec.tables.space import same
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study

FINAL = "final"

_PARTS = {"val": "validation", "valid": "validation", "dev": "validation", "training": "train", "testing": "test"}
"""Other words for the parts of the data."""


def check_references(study: Study) -> None:
    """Raise StudyFileError for the first row about something that the study does not train or measure."""
    for i, row in enumerate(study.references):
        where: Where = ["reference", i]
        _check_metric(study, row, where)
        _check_stage(study, row, where)
        if row.stage != FINAL and (row.stage or row.configuration):
            _check_configuration(study, row, where)
        _check_test(study, row, where)


def stages_of(study: Study, row: Reference) -> list[Stage]:
    """Return the stages that a row may be about, the last one first; none where it is about the final."""
    if row.stage == FINAL or not (row.stage or row.configuration):
        return []
    named = [stage for stage in reversed(study.stages) if row.stage in (None, stage.name)]
    return [stage for stage in named if row.configuration.keys() <= set(stage.hyperparameters)]


def _check_metric(study: Study, row: Reference, where: Where) -> None:
    recorded = recorded_metrics(study)
    if row.part not in PARTS or row.measured not in recorded:
        rule = "must be 'train_', 'validation_' or 'test_' before a metric that the study records"
        raise fail(study.place, [*where, "metric"], f"{rule}, got {show(row.metric)}{_nearest(row, [*recorded])}")
    if recorded[row.measured] and not 0 <= row.value <= 1:
        raise fail(study.place, [*where, "value"], f"must be a share between 0 and 1, got {show(row.value)}")


def recorded_metrics(study: Study) -> dict[str, bool]:
    """The metrics that every epoch of the study has, by name, each with whether it is a share in [0, 1]."""
    task = study.data.task
    metrics = (study.objective.parsed(task), *study.objective.others)
    always = {"accuracy": True} if task == "classification" else {}
    return {each.name: getattr(each, "share", False) for each in metrics} | always | {"loss": False, "cost": False}


def _nearest(row: Reference, recorded: list[str]) -> str:
    """Name the valid metric nearest to a row's: also of a name without a part, or another library's for the metric."""
    parts: tuple[str, ...]
    part, _, measured = row.metric.lower().partition("_")
    part = _PARTS.get(part, part)
    if part in PARTS:
        parts, given = (part,), f"{part}_{measured}"
    else:
        parts, given, part, measured = PARTS, row.metric, "validation", row.metric.lower()
    if (ours := SYNONYMS.get(measured, measured)) in recorded:
        return f"; did you mean '{part}_{ours}'?"
    names = [f"{each}_{name}" for each in parts for name in recorded]
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.75)
    return f"; did you mean {near[0]!r}?" if near else f"; it records {', '.join(recorded)}"


def _check_stage(study: Study, row: Reference, where: Where) -> None:
    names = [stage.name for stage in study.stages] + ([FINAL] if study.final else [])
    if row.stage is not None and row.stage not in names:
        text = f"must name a stage, got {show(row.stage)}{nearest(row.stage, names)}"
        raise fail(study.place, [*where, "stage"], text)
    if row.stage == FINAL and row.configuration:
        text = f"must not be given for the final, which trains the winner, got {show(row.configuration)}"
        raise fail(study.place, [*where, "configuration"], text)
    if row.stage is None and not row.configuration and study.final is None:
        raise fail(study.place, [*where, "stage"], "is missing; without [final] a row needs a stage or a configuration")


def _check_configuration(study: Study, row: Reference, where: Where) -> None:
    named = [stage for stage in study.stages if row.stage in (None, stage.name)]
    searched = dict.fromkeys(key for stage in named for key in stage.hyperparameters)
    for key in row.configuration:
        if key not in searched:
            text = f"is not a hyperparameter of the study{did_you_mean(key, searched)}"
            raise fail(study.place, [*where, "configuration", key], text)
    stages = stages_of(study, row)
    if not stages:
        text = f"must have hyperparameters that one stage searches together, got {show(row.configuration)}"
        raise fail(study.place, [*where, "configuration"], text)
    if all(stage.configurations is not None and not _lists(stage.configurations, row) for stage in stages):
        text = f"must be one of the configurations of stage {stages[0].name!r}, got {show(row.configuration)}"
        raise fail(study.place, [*where, "configuration"], text)


def _lists(configurations: Sequence[dict[str, object]], row: Reference) -> bool:
    given = {key: same(value) for key, value in row.configuration.items()}
    return any(
        {key: same(configuration[key]) for key in given if key in configuration} == given
        for configuration in configurations
    )


def _check_test(study: Study, row: Reference, where: Where) -> None:
    stages = stages_of(study, row)
    if row.part == "test" and stages and not any(stage.test for stage in stages):
        text = f"must not be of the test set, on which stage {stages[0].name!r} is not evaluated (test = true)"
        raise fail(study.place, [*where, "metric"], f"{text}, got {show(row.metric)}")
