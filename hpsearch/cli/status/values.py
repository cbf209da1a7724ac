"""`status --json`: the state of studies and trials, as values. May import the records of storage."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from hpsearch.storage.records import StageRow, TrialRow

_COUNTS = ("done", "pruned", "failed", "epochs_done", "epochs")


def study_facts(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each study with its stages, from the rows of `reading.overview`."""
    studies = []
    for _, group in groupby(rows, key=itemgetter("id")):
        stages = list(group)
        known = {key: stages[0][key] for key in ("study", "state", "created_at")}
        studies.append(known | {"stages": [_stage_facts(row) for row in stages]})
    return studies


def _stage_facts(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "stage": row["stage"],
        "state": row["stage_state"],
        "trials": row["trials"],
        **{key: int(row[key] or 0) for key in _COUNTS},
        "best": row["best"],
        "best_trial": None if row["number"] is None else f"{row['stage']}:{row['number']}",
        "params": row["params"],
        "test": row["test"],
        "metric": row["goal"].metric,
        "direction": row["goal"].direction,
        "ended": row["ended"],
        "stale": bool(row["stale"]),
    } | _front(row)


def _front(row: dict[str, Any]) -> dict[str, Any]:
    """The objectives and the front of a stage by several objectives."""
    goals = row["goal"].objectives
    if not goals:
        return {}
    names = [goal.metric for goal in goals]
    front = [
        {"trial": f"{row['stage']}:{leader.number}", "values": dict(zip(names, leader.values, strict=True))}
        for leader in row["front"]
    ]
    return {"objectives": [{"metric": g.metric, "direction": g.direction} for g in goals], "front": front}


def trial_facts(stage: StageRow, trial: TrialRow, traceback: str | None) -> dict[str, Any]:
    """Return the values of one trial."""
    return {
        "trial": f"{stage.name}:{trial.number}",
        "stage": stage.name,
        "number": trial.number,
        "point": trial.point,
        "replicate": trial.replicate,
        "state": trial.state,
        "reason": trial.reason,
        "params": trial.params,
        "epochs": trial.epochs,
        "epochs_done": trial.epochs_done,
        "best_epoch": trial.best_epoch,
        "metric": trial.goal.metric,
        "value": trial.value,
        "validation_accuracy": trial.value if trial.goal.metric == "accuracy" else None,
        "validation_loss": trial.loss,
        "pruned_at": trial.pruned_at,
        "traceback": traceback,
    } | ({"values": trial.named_values} if trial.goal.objectives else {})
