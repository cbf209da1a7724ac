"""What a stage searches, from the study file and the stages before it. May import spec and storage."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from hpsearch.errors import StorageError, nearest
from hpsearch.search.ranking import rank
from hpsearch.search.samplers.sampler import Point, Space
from hpsearch.spec import Around, Choices, Range, Stage, Study, data_of, epochs, limits, narrow, probes, resolve
from hpsearch.storage import reading
from hpsearch.storage.records import Params, TrialRow

FINAL = "final"

Resolved = dict[str, Range | Choices]
"""A stage's space with every `around` resolved."""


def space_of(
    study: Study, stage: Stage, earlier: Mapping[str, tuple[Space, Sequence[TrialRow]]]
) -> tuple[Resolved, list[str], list[str]]:
    """A stage's space with every `around` resolved; sentences for the report on each; those on an edge that was met.

    `earlier` has each finished stage's space and trials by name.
    """
    space: Resolved = {}
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


def known_of(connection: Connection, source: str, keys: Collection[str]) -> list[dict[str, Any]]:
    """What `from` finds: the configurations with these keys that finished in a study or one of its stages, by number.

    Returns [{"params": {key: value}, "value": mean validation accuracy}, ...]. Raises StorageError if there is no such
    study or stage, StudyFileError if none of its configurations has these keys.
    """
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
    found = [
        {"params": {key: configuration.params[key] for key in keys}, "value": configuration.value}
        for stage in stages
        for configuration in sorted(
            rank(reading.trials(connection, stage.id)), key=lambda configuration: configuration.number
        )
        if set(keys) <= configuration.params.keys()
    ]
    if not found:
        raise StorageError(
            f"study {source!r} has no finished configurations with the keys {', '.join(keys)} to start from"
        )
    return found


def longest_of(study: Study, stage: Stage) -> int:
    """The epochs of a stage's longest training, as far as its ends and choices tell."""
    samples = data_of(study, stage).train
    return max(epochs(resolve(study, stage, params).training, samples) for params in probes(study, stage))


class Source(Protocol):
    """What gives a stage's configurations their values, in order: `sampling.Asking`, or the final's `Winner`."""

    learns: bool

    @property
    def points(self) -> int:
        """How many configurations there are to ask for."""

    def ask(self, number: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """A configuration's values, and what recalling it takes."""

    def recall(self, point: Point) -> None:
        """A configuration that was asked for in an earlier run; in order."""

    def tell(self, point: Point) -> None:
        """A configuration's outcome; in order."""


class Winner:
    """The source of the final's one configuration."""

    points = 1
    learns = False

    def __init__(self, params: Params) -> None:
        self._params = dict(params)

    def ask(self, number: int) -> tuple[dict[str, Any], None]:
        """The winner's values."""
        return self._params, None

    def recall(self, point: Point) -> None:
        """Nothing is learnt."""

    def tell(self, point: Point) -> None:
        """Nothing is learnt."""


def space_to_json(space: Space) -> dict[str, Any]:
    """The space as the database keeps it: {key: {"low", "high", "log", "integer", "points"} or {"choices"}}."""
    return {key: entry.model_dump(mode="json", exclude_none=True) for key, entry in space.items()}


def space_from_json(stored: Mapping[str, Any]) -> Resolved:
    """The inverse of `space_to_json`."""
    return {
        key: Choices.model_validate(entry) if "choices" in entry else Range.model_validate(entry)
        for key, entry in stored.items()
    }
