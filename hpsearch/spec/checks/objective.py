"""Rules between the objective, the task of the data, and what the rest of the file asks for. May import pydantic."""

from hpsearch.metrics import Metric, MetricError, check_task
from hpsearch.spec.checks.lengths import UnfitError
from hpsearch.spec.messages import Where, fail, show
from hpsearch.spec.tables.study import Study
from hpsearch.spec.tables.training import Training

LOSSES = {
    "classification": ("cross_entropy", "hinge"),
    "regression": ("squared_error", "absolute_error", "huber"),
}
"""The losses of each task."""


def check_objective(study: Study) -> None:
    """Refuse metrics that do not fit the task, and targets that the objective cannot reach."""
    task = study.data.task
    rows: list[tuple[Where, object]] = [(["objective", "metric"], study.objective.parsed(task))]
    rows += [(["objective", "also", i], metric) for i, metric in enumerate(study.objective.others)]
    for where, metric in rows:
        if not isinstance(metric, Metric):
            continue
        try:
            check_task(metric, task)
        except MetricError as error:
            raise fail(study.place, where, str(error)) from None
    objective = study.objective.stored(task)
    for i, stage in enumerate(study.stages):
        target = stage.budget.target
        if target is not None and (objective is None or objective["share"]) and not 0 < target <= 1:
            rule = f"must be a share above 0 and at most 1, like the {(objective or {}).get('metric', 'accuracy')}"
            raise fail(study.place, ["stage", i, "budget", "target"], f"{rule}, got {show(target)}")


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
