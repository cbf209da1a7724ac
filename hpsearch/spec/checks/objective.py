"""Rules between the objective, the task of the data, and what the rest of the file asks for. May import pydantic."""

from hpsearch.errors import nearest
from hpsearch.metrics import Metric, MetricError, check_task
from hpsearch.spec.checks.lengths import UnfitError
from hpsearch.spec.messages import fail, show
from hpsearch.spec.tables.study import Study
from hpsearch.spec.tables.training import Training

LOSSES = {
    "classification": ("cross_entropy", "hinge"),
    "regression": ("squared_error", "absolute_error", "huber"),
}
"""The losses of each task."""

ONE_OBJECTIVE = ("cmaes", "gp", "priorband")
"""The kinds of samplers that learn from one objective."""


def check_objective(study: Study) -> None:
    """Refuse metrics that do not fit the task, and targets that the objective cannot reach."""
    task = study.data.task
    if study.model.is_function:
        _check_returned(study)
    for metric in (study.objective.parsed(task), *study.objective.others):
        if not isinstance(metric, Metric):
            continue
        try:
            check_task(metric, task)
        except MetricError as error:
            raise fail(study.place, study.objective.place(metric.name), str(error)) from None
    _check_also(study)
    _check_several(study)
    objective = study.objective.stored(task)
    for i, stage in enumerate(study.stages):
        target = stage.budget.target
        if target is not None and (objective is None or objective["share"]) and not 0 < target <= 1:
            rule = f"must be a share above 0 and at most 1, like the {(objective or {}).get('metric', 'accuracy')}"
            raise fail(study.place, ["stage", i, "budget", "target"], f"{rule}, got {show(target)}")


def _check_returned(study: Study) -> None:
    """Refuse metrics that are computed from predictions, which a function does not make."""
    for metric in (study.objective.parsed(study.data.task), *study.objective.others):
        if not (isinstance(metric, Metric) and metric.kind == "returned"):
            rule = "must be a number that the function returns, such as { returned = 'profit' }"
            raise fail(study.place, study.objective.place(metric.name), f"{rule}, got {show(metric.name)}")
    if study.objective.counted:
        rule = f"must not be {study.objective.counted[0]!r}, which is counted of a training"
        raise fail(study.place, study.objective.place(study.objective.counted[0]), rule)


def _check_also(study: Study) -> None:
    """Refuse the objective that a study has by default among the further metrics; the table knows those it names."""
    if study.several is not None:
        return
    main, names = study.objective.parsed(study.data.task).name, [metric.name for metric in study.objective.others]
    if main in names:
        rule = f"must not repeat the objective, which is {main!r} if no metric is given"
        raise fail(study.place, ["objective", "also", names.index(main)], f"{rule}, got {main!r}")


def _check_several(study: Study) -> None:
    """Refuse what needs one objective where there are several, and the other way round."""
    final, several = study.final, study.several
    if final is not None and several is None:
        for key, value in (("prefer", final.prefer), ("tolerance", final.tolerance)):
            if value is not None:
                rule = "must not be given; only among several objectives, [[objective]], one can be preferred"
                raise fail(study.place, ["final", key], f"{rule}, got {show(value)}")
    if several is None:
        return
    if final is not None and final.prefer is None and final.tolerance is not None:
        rule = "must not be given without prefer, the objective whose unit it has"
        raise fail(study.place, ["final", "tolerance"], f"{rule}, got {show(final.tolerance)}")
    if final is not None and final.prefer is not None and final.prefer not in several.names:
        rule = f"must be one of the objectives, {', '.join(map(repr, several.names))}"
        near = nearest(final.prefer, several.names)
        raise fail(study.place, ["final", "prefer"], f"{rule}, got {show(final.prefer)}{near}")
    for i, stage in enumerate(study.stages):
        if stage.confirm is not None:
            rule = "must not be given with several objectives; it compares configurations by one"
            raise fail(study.place, ["stage", i, "confirm"], rule)
        if stage.sampler is not None and stage.sampler.kind in ONE_OBJECTIVE:
            rule = f"must be 'tpe' or 'nsga2' to learn with several objectives, got {stage.sampler.kind!r}"
            raise fail(study.place, ["stage", i, "sampler", "kind"], f"{rule}, which learns from one")


def check_task_of(training: Training, study: Study) -> None:
    """Raise UnfitError for what the task does not have: a loss, weights of classes, early stopping by an accuracy."""
    task = study.data.task
    if training.loss not in LOSSES[task]:
        rule = f"must be one of {', '.join(map(repr, LOSSES[task]))} in a {task}, got {training.loss!r}"
        raise UnfitError(["loss"], rule)
    if task == "regression" and training.class_weight is not None:
        raise UnfitError(["class_weight"], "must not be given in a regression, which has no classes")
    wanted = (study.objective.parsed(task), *study.objective.others)
    needy = next((each for each in wanted if isinstance(each, Metric) and each.needs == "probabilities"), None)
    if training.loss == "hinge" and needy is not None:
        rule = f"must be 'cross_entropy' for {needy.name}, which needs probabilities, got 'hinge'"
        raise UnfitError(["loss"], rule)
    if task == "regression" and training.stop is not None and training.stop.metric == "accuracy":
        rule = "must be 'objective' or 'loss' in a regression, got 'accuracy'"
        raise UnfitError(["stop", "metric"], rule)
