"""What a stage searches and trains, from the study file and the stages before it. May import spec and storage."""

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.search.sampling import Space, settings
from hpsearch.spec import Around, Choices, Final, Range, Stage, Study, data_of, epochs, limits, narrow, resolve
from hpsearch.storage.records import COMPLETE, FAILED, NewTrial, TrialRow

FINAL = "final"


class StageFailedError(HpsearchError):
    """Every trial of a stage failed, so that nothing can follow it."""


def rank(trials: Sequence[TrialRow]) -> list[TrialRow]:
    """The finished trials, best first: by validation accuracy, then the lower validation loss, then the number."""

    def key(trial: TrialRow) -> tuple[float, float, int]:
        assert trial.value is not None
        return -trial.value, trial.loss if trial.loss is not None else float("inf"), trial.number

    return sorted((trial for trial in trials if trial.state == COMPLETE), key=key)


def require_success(stage: str, trials: Sequence[TrialRow]) -> None:
    """Raise StageFailedError if no trial of the stage finished."""
    if trials and all(trial.state == FAILED for trial in trials):
        reason = trials[0].reason
        raise StageFailedError(f"stage {stage!r}: all {len(trials)} trials failed, the first because {reason}")


def space_of(
    study: Study, stage: Stage, earlier: Mapping[str, tuple[Space, Sequence[TrialRow]]]
) -> tuple[Space, list[str]]:
    """A stage's space with every `around` resolved, and a sentence for the report on each.

    `earlier` has each finished stage's space and trials by name.
    """
    space: dict[str, Range | Choices] = {}
    notes = []
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
    return space, notes


def plan(study: Study, stage: Stage, space: Space) -> list[NewTrial]:
    """The trials of a stage, in order."""
    images = data_of(study, stage).train
    found = []
    for number, params in enumerate(settings(stage, space, study.seed)):
        setting = resolve(study, stage, params)
        found.append(NewTrial(number, 0, params, setting.to_json(), epochs(setting.training, images)))
    return found


def plan_final(study: Study, final: Final, winner: TrialRow) -> list[NewTrial]:
    """The winner again, with as many seeds as the study file asks for."""
    setting = resolve(study, final, winner.params)
    length = epochs(setting.training, data_of(study, final).train)
    return [NewTrial(i, i, winner.params, setting.to_json(), length) for i in range(final.replicates)]


def space_to_json(space: Space) -> dict[str, Any]:
    """The space as the database keeps it: {key: {"low", "high", "log", "integer", "points"} or {"choices"}}."""
    return {key: entry.model_dump(mode="json", exclude_none=True) for key, entry in space.items()}


def space_from_json(stored: Mapping[str, Any]) -> dict[str, Range | Choices]:
    """The inverse of `space_to_json`."""
    return {
        key: Choices.model_validate(entry) if "choices" in entry else Range.model_validate(entry)
        for key, entry in stored.items()
    }
