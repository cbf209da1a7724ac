"""Changes of a stored study: a study file that only adds to it, and, with --accept-changes, another model file.

May import spec, data, storage and workers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from hpsearch import spec
from hpsearch.data import Dataset
from hpsearch.errors import StudyChangedError
from hpsearch.search.preparation import stages_of
from hpsearch.search.stages.longer import longer_trials, step_named
from hpsearch.search.stages.plan import OUT_OF_TIME
from hpsearch.search.stages.space import FINAL
from hpsearch.spec import Final, Stage, Study
from hpsearch.storage import reading, writing
from hpsearch.storage.database import Database
from hpsearch.storage.records import FAILED, PRUNED, RUNNING, WAITING, Decision, StudyRow, TrialRow
from hpsearch.workers.models.plugin import Plugin


@dataclass(frozen=True)
class Grown:
    """The new text of a study, and what it adds."""

    text: str
    growth: spec.Growth


def growth_of_file(row: StudyRow) -> Grown | None:
    """What the launched file has added since; None if it is gone, so that the stored text counts.

    Raises StudyFileError for a file that cannot be read: what was added to it would be missed without a word.
    """
    if not Path(row.path).is_file():
        return None
    text = spec.read_text(Path(row.path))
    renamed = any(change.startswith("name:") for change in spec.difference(row.text, text, row.path))
    return None if renamed else growth_of(row, text, row.path)


def growth_of(row: StudyRow, text: str, place: str) -> Grown | None:
    """What a text adds to a stored study. Raises StudyChangedError, key by key, for other changes."""
    if not spec.difference(row.text, text):
        return None
    spec.parse(text, place)
    growth = spec.growth(row.text, text)
    changes = growth.refused
    if growth.longer and row.model.get("former"):
        changes = [*changes, "training: no longer one, since the model file has changed"]
    if changes:
        shown = "; ".join(changes[:5]) + (f"; and {len(changes) - 5} more" if len(changes) > 5 else "")
        rule = f"study {row.name!r} was launched with another text ({shown})"
        raise StudyChangedError(f"{place}: {rule}; undo that, or give it a new name")
    return Grown(text, growth)


def description(row: StudyRow, study: Study, grown: Grown) -> str:
    """A message on what is added: "study 'x' grows: stage coarse 8 → 16 trials; new stage fine"."""
    before = spec.parse(row.text, row.path)
    old = {stage.name: stage for stage in before.stages}
    new = {stage.name: stage for stage in study.stages}
    parts = [f"stage {name} {', '.join(_more(old[name], new[name]))}" for name in grown.growth.grown]
    parts += [_longer(before, study, name) for name in grown.growth.longer]
    parts += [f"{name} with higher limits of its trials" for name in grown.growth.relieved]
    parts += [f"new stage {name}" for name in grown.growth.added]
    return f"study {row.name!r} grows: {'; '.join(parts)}"


def _more(old: Stage, new: Stage) -> Iterator[str]:
    """What is added to a stage; a limit that is not set is no limit."""
    before, after = _size(old), _size(new)
    if before != after:
        yield f"{before:,} → {after:,} trials"
    for name in type(new.budget).model_fields:
        limits = [getattr(stage.budget, name) for stage in (old, new)]
        if limits[0] != limits[1]:
            yield f"budget.{name} {limits[0]:g} → {'none' if limits[1] is None else format(limits[1], 'g')}"
    if old.confirm and new.confirm and old.confirm != new.confirm:
        yield f"confirm.replicates {old.confirm.replicates} → {new.confirm.replicates}"


def _longer(before: Study, after: Study, name: str) -> str:
    """How much longer the trials of a stage, or the final, train."""
    step = step_named(before, name)
    bounding = list(spec.probes(before, before.stages[-1] if isinstance(step, Final) else step))
    old, new = (max(spec.lengths(study, step_named(study, name), bounding)) for study in (before, after))
    return f"{'final' if name == FINAL else f'stage {name}'} {old:,} → {new:,} epochs"


def _size(stage: Stage) -> int:
    return len(stage.configurations or ()) or getattr(stage.sampler, "trials", 0)


def grow(
    connection: Connection, database: Database, row: StudyRow, study: Study, grown: Grown, dataset: Dataset
) -> None:
    """Store the new text, reopen the stages that it extends, and add its new ones."""
    added = [stage for stage in stages_of(study, dataset) if stage.name in grown.growth.added]
    points = {
        stage.name: len({trial.point for trial in reading.trials(connection, stage.id)})
        for stage in reading.stages(connection, row.id)
        if stage.name in grown.growth.grown
    }
    ended = {
        stage.name: found
        for stage in reading.stages(connection, row.id)
        if stage.name in grown.growth.relieved
        and spec.why_compared(step_named(study, stage.name)) is None
        and (found := [t for t in reading.trials(connection, stage.id) if _ended_by_limit(t)])
    }
    for trials in ended.values():
        writing.reset_trials(connection, trials)
    more = dict.fromkeys((*grown.growth.grown, *grown.growth.longer, *ended))
    writing.grow(connection, database.optuna, row.id, grown.text, tuple(more), added, points)
    for stage in reading.stages(connection, row.id):
        if stage.name in grown.growth.longer:
            writing.lengthen(connection, longer_trials(study, stage, reading.trials(connection, stage.id)))


def _ended_by_limit(trial: TrialRow) -> bool:
    return trial.state == FAILED and spec.limit_of(trial.reason) in ("minutes", "memory")


def accept(connection: Connection, row: StudyRow, plugin: Plugin) -> None:
    """Accept the changed model file: unfinished trials start again, finished ones stay."""
    former = [*row.model.get("former", ()), row.model["hash"]]
    kept: dict[str, list[int]] = {}
    for stage in reading.stages(connection, row.id):
        trials = reading.trials(connection, stage.id)
        stopped = {trial.id for trial in trials if trial.state == PRUNED and trial.pruned_at is None}
        restarted = [trial for trial in trials if trial.state in (WAITING, RUNNING) or trial.id in stopped]
        writing.reset_trials(connection, restarted)
        kept[stage.name] = sorted({trial.number for trial in trials} - {trial.number for trial in restarted})
        reset = [trial for trial in reading.trials(connection, stage.id) if trial.id in stopped]  # until time is added
        writing.decide(connection, [Decision(trial, None, OUT_OF_TIME) for trial in reset])
    model = {"file": row.model["file"]} | plugin.stored | {"former": former, "kept": kept}
    writing.accept_model(connection, row.id, model)
