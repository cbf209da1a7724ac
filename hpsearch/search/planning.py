"""What a stage searches and trains, from the study file and the stages before it. May import spec and storage."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.search.sampling import Space, settings
from hpsearch.spec import (
    Around,
    Choices,
    Final,
    Range,
    Stage,
    Study,
    data_of,
    epochs,
    limits,
    narrow,
    replicates_of,
    resolve,
)
from hpsearch.storage.records import COMPLETE, FAILED, NewTrial, Params, TrialRow

FINAL = "final"


class StageFailedError(HpsearchError):
    """Every trial of a stage failed, so that nothing can follow it."""


@dataclass(frozen=True)
class Ranked:
    """A setting whose trials, one per replicate, all finished, with the means over them."""

    params: Params
    value: float  # validation accuracy
    loss: float  # validation loss
    number: int  # of its first trial
    trials: tuple[int, ...]  # their ids


def rank(trials: Sequence[TrialRow]) -> list[Ranked]:
    """The settings, best first: by validation accuracy, then the lower validation loss, then the trial's number.

    A setting with a failed or unfinished replicate is not among them.
    """
    points: dict[int, list[TrialRow]] = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: trial.number):
        points[trial.point].append(trial)
    found = []
    for members in points.values():
        if all(trial.state == COMPLETE for trial in members):
            value = fmean(trial.value or 0.0 for trial in members)
            loss = fmean(math.inf if trial.loss is None else trial.loss for trial in members)
            ids = tuple(trial.id for trial in members)
            found.append(Ranked(members[0].params, value, loss, members[0].number, ids))
    return sorted(found, key=lambda ranked: (-ranked.value, ranked.loss, ranked.number))


def require_success(stage: str, trials: Sequence[TrialRow]) -> None:
    """Raise StageFailedError if no setting of the stage finished."""
    failed = [trial for trial in trials if trial.state == FAILED]
    if failed and not rank(trials):
        many = f"all {len(trials)}" if len(failed) == len(trials) else f"{len(failed)} of {len(trials)}"
        raise StageFailedError(f"stage {stage!r}: {many} trials failed, the first because {failed[0].reason}")


def space_of(
    study: Study, stage: Stage, earlier: Mapping[str, tuple[Space, Sequence[TrialRow]]]
) -> tuple[Space, list[str], list[str]]:
    """A stage's space with every `around` resolved; sentences for the report on each; those on an edge that was met.

    `earlier` has each finished stage's space and trials by name.
    """
    space: dict[str, Range | Choices] = {}
    notes: list[str] = []
    edges: list[str] = []
    for key, entry in stage.space.items():
        if not isinstance(entry, Around):
            space[key] = entry
            continue
        source, trials = earlier[entry.around]
        best = rank(trials)[: entry.best]
        values = [trial.params[key] for trial in best]
        tried = [trial.params[key] for trial in trials]
        space[key], extended = narrow(key, entry, source[key], values, tried, limits(study, stage, key))
        numbers = ", ".join(str(trial.number) for trial in best)
        what = f"trial {numbers}" if len(best) == 1 else f"trials {numbers}, the best {len(best)}"
        notes.append(f"{key}: around {what} of stage {entry.around!r}.")
        if extended:
            notes.append(extended)
            edges.append(extended)
    return space, notes, edges


def plan(study: Study, stage: Stage, space: Space) -> list[NewTrial]:
    """The trials of a stage, in order."""
    images = data_of(study, stage).train
    found: list[NewTrial] = []
    for point, params in enumerate(settings(stage, space, study.seed)):
        setting = resolve(study, stage, params)
        length = epochs(setting.training, images)
        for replicate in range(replicates_of(study, stage)):
            found.append(NewTrial(len(found), replicate, params, setting.to_json(), length, point))
    return found


def plan_final(study: Study, final: Final, winner: Ranked) -> list[NewTrial]:
    """The winner again, with as many seeds as the study file asks for."""
    setting = resolve(study, final, winner.params)
    length = epochs(setting.training, data_of(study, final).train)
    return [NewTrial(i, i, winner.params, setting.to_json(), length, point=0) for i in range(final.replicates)]


def space_to_json(space: Space) -> dict[str, Any]:
    """The space as the database keeps it: {key: {"low", "high", "log", "integer", "points"} or {"choices"}}."""
    return {key: entry.model_dump(mode="json", exclude_none=True) for key, entry in space.items()}


def space_from_json(stored: Mapping[str, Any]) -> dict[str, Range | Choices]:
    """The inverse of `space_to_json`."""
    return {
        key: Choices.model_validate(entry) if "choices" in entry else Range.model_validate(entry)
        for key, entry in stored.items()
    }
