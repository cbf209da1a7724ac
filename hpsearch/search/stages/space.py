"""A stage's search space, from the study file and the stages before it. May import spec and storage."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hpsearch.errors import HpsearchError, StorageError, nearest
from hpsearch.search.ranking import rank
from hpsearch.search.samplers.points import Space
from hpsearch.spec import (
    Around,
    Branching,
    Choices,
    Range,
    Stage,
    Study,
    length_of,
    limits,
    narrow,
    probes,
    resolve,
)
from hpsearch.spec.spaces.admission import constraints_of, emptied_by
from hpsearch.spec.spaces.branches import entry_from_json, roots
from hpsearch.storage import reading
from hpsearch.storage.records import ACCURACY, Goal, Params, TrialRow

FINAL = "final"

Resolved = dict[str, Range | Choices]
"""A stage's space with every `around` resolved."""


def space_of(
    study: Study, stage: Stage, earlier: Mapping[str, tuple[Space, Sequence[TrialRow]]]
) -> tuple[Resolved, list[str], list[str]]:
    """A stage's space with every `around` resolved; notes on each for the report; the notes on extended ranges.

    A range is extended where a best value lay on its edge. `earlier` has each finished stage's space and trials, by
    name.
    """
    space: Resolved = {}
    notes: list[str] = []
    edges: list[str] = []
    for key, entry in stage.space.items():
        if not isinstance(entry, Around):
            space[key] = entry
            continue
        source, trials = earlier[entry.around]
        ranked = rank(trials)
        several = bool(ranked and ranked[0].scores)
        front = sum(each.front == 0 for each in ranked) if several else 0
        best = ranked[: max(entry.best, front)]
        around = entry.model_copy(update={"best": len(best)})
        found = _around(study, stage, key, around, source, [each.params for each in best], [t.params for t in trials])
        space |= {name: each for name, (each, _) in found.items()}
        extended = " ".join(note for _, note in found.values() if note)
        numbers = ", ".join(str(trial.number) for trial in best)
        which = "the front" if len(best) == front else f"the best {len(best)}"
        what = f"trial {numbers}" if len(best) == 1 else f"trials {numbers}, {which}"
        notes.append(f"{key}: around {what} of stage {entry.around!r}.")
        if extended:
            notes.append(extended)
            edges.append(extended)
    return space, notes, edges


def _around(
    study: Study,
    stage: Stage,
    key: str,
    around: Around,
    source: Space,
    best: Sequence[Params],
    tried: Sequence[Params],
) -> dict[str, tuple[Range | Choices, str | None]]:
    """What to search of a hyperparameter around the best configurations, and of all that belongs to its choices.

    Each with a note where that leaves its range. What none of the best has is searched as before.
    """
    entry, values = source[key], [params[key] for params in best if key in params]
    if isinstance(entry, Choices):
        around = around.model_copy(update={"log": None})
    if values:
        known = [params[key] for params in tried if key in params]
        new, note = narrow(key, around, entry, values, known, limits(study, stage, key))
    else:
        new, note = entry, None
        if isinstance(entry, Range):
            new = entry.model_copy(update={"points": around.points})
    if not isinstance(entry, Branching):
        return {key: (new, note)}
    assert isinstance(new, Choices)
    active = tuple(entry.belonging(choice) for choice in new.choices)
    found: dict[str, tuple[Range | Choices, str | None]] = {
        key: (Branching(choices=new.choices, ordered=new.ordered, active=active), note)
    }
    for inner in dict.fromkeys(name for names in active for name in names):
        found |= _around(study, stage, inner, around, source, best, tried)
    return found


def require_configurations(stage: Stage, space: Space) -> None:
    """Raise HpsearchError if the constraints leave nothing of a space that was unknown before the stage began."""
    emptied = emptied_by(space, constraints_of(stage.constraints), as_grid=stage.kind == "grid")
    if emptied:
        text = stage.constraints[emptied[0]]
        raise HpsearchError(f"stage {stage.name!r}: constraint {text!r} leaves nothing to train; {emptied[1]}")


def known_of(
    connection: Connection, source: str, space: Mapping[str, Any], goal: Goal = ACCURACY
) -> list[dict[str, Any]]:
    """What `from` names: the finished configurations of a study or one of its stages that have these hyperparameters.

    By number: [{"params": {key: value}, "value": mean score}, ...], with several objectives the mean "scores" of all
    of them besides. Raises StorageError if there is no such study or stage, if none of its configurations has these
    hyperparameters, or if there are several objectives and it has others than `goal`.
    """
    keys, needed = tuple(space), set(roots(space))
    name, _, stage_name = source.partition("/")
    row = reading.find_study(connection, source)
    if row is None:
        row = reading.get_study(connection, name)
    else:
        stage_name = ""
    stages = [stage for stage in reading.stages(connection, row.id) if stage.kind != FINAL]
    if stage_name:
        names = [stage.name for stage in stages]
        stages = [stage for stage in stages if stage.name == stage_name]
        if not stages:
            raise StorageError(f"study {row.name!r} has no stage {stage_name!r}{nearest(stage_name, names)}")
    if goal.objectives:
        wanted = [(each.metric, each.direction) for each in goal.objectives]
        for stage in stages:
            if [(each.metric, each.direction) for each in Goal.of(stage.data).objectives] != wanted:
                others = ", ".join(metric for metric, _ in wanted)
                raise StorageError(f"study {source!r} was not searched by the same objectives, {others}, in this order")
    found = [
        {
            "params": {key: value for key, value in configuration.params.items() if key in keys},
            "value": configuration.score,
        }
        | ({"scores": list(configuration.scores)} if goal.objectives else {})
        for stage in stages
        for configuration in sorted(
            rank(reading.trials(connection, stage.id)), key=lambda configuration: configuration.number
        )
        if needed <= configuration.params.keys()
    ]
    if not found:
        raise StorageError(
            f"study {source!r} has no finished configurations with the hyperparameters {', '.join(keys)} to start from"
        )
    return found


def longest_of(study: Study, stage: Stage) -> int:
    """The epochs of a stage's longest training, over the bounds and choices of its space."""
    return max(length_of(study, stage, resolve(study, stage, params).training) for params in probes(study, stage))


def space_to_json(space: Space) -> dict[str, Any]:
    """The space as the database keeps it: {key: {"low", "high", "log", "integer", …} or {"choices", "ordered"}}."""
    stored = {key: entry.model_dump(mode="json", exclude_none=True) for key, entry in space.items()}
    for entry in stored.values():
        if entry.get("ordered") is False:
            del entry["ordered"]
    return stored


def space_from_json(stored: Mapping[str, Any]) -> Resolved:
    """The inverse of `space_to_json`. Choices of earlier versions have no order: a stage goes on as it began."""
    return {key: entry_from_json(entry) for key, entry in stored.items()}


def differences(space: Space, stored: Mapping[str, Any]) -> list[str]:
    """The hyperparameters whose entries differ from those stored, which earlier versions stored without an order."""
    now = space_to_json(space)
    for key, entry in now.items():
        if "ordered" not in stored.get(key, ()):
            entry.pop("ordered", None)
    return [key for key in {**now, **stored} if now.get(key) != stored.get(key)]
