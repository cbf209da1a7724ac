"""Consistency checks of a stored study, and its end state as one hash.

What can be derived is derived again: values and rankings from the curves; spaces, configurations and pruning from the
plan. Changes nothing. May import spec, data, storage and workers.
"""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from hpsearch import spec
from hpsearch.search.preparation import trusted_workspace
from hpsearch.search.pruners.rungs import Curve
from hpsearch.search.ranking import Ranked, rank
from hpsearch.search.samplers.sampler_files import sampler_classes
from hpsearch.search.stages import space as spaces
from hpsearch.search.stages.finalists import finalists
from hpsearch.search.verify.replay import replay
from hpsearch.search.verify.whole import whole_problems
from hpsearch.spec import Objective, Study
from hpsearch.spec.tables.space import are_numbers
from hpsearch.storage import reading
from hpsearch.storage.digest import digest
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.mirror.others import shown_study
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, CurvePoint, Goal, StageRow, StudyRow, TrialRow
from hpsearch.storage.writing import KEPT_WEIGHTS

MOST_PROBLEMS = 20
"""The most problems of one check that are named."""


@dataclass(frozen=True)
class Check:
    """What was checked, and the differences found."""

    text: str
    problems: Sequence[str] = ()

    @staticmethod
    def of(text: str, problems: Iterator[str]) -> "Check":
        """A check that names the first of its problems, and says whether there are more."""
        found = list(islice(problems, MOST_PROBLEMS + 1))
        return Check(text, [*found[:MOST_PROBLEMS], "and more"] if len(found) > MOST_PROBLEMS else found)


def study_digest(connection: Connection, row: StudyRow) -> str:
    """The hash of a study's end state: the same for every run of the same study, whatever its name."""
    ranked = {
        stage.id: [
            trial_id
            for configuration in rank(reading.trials(connection, stage.id))
            for trial_id in configuration.trials
        ]
        for stage in reading.stages(connection, row.id)
    }
    return digest(connection, row, meaning(row), ranked)


def meaning(row: StudyRow) -> str:
    """What a study's file asks for, however it is written, without what no result depends on."""
    said = spec.parse(row.text, row.path).model_dump(mode="json", exclude={"name", "description", "references"})
    # digests keep the names that these keys had when the first were written down
    for stage in said["stages"]:
        _drop(stage, "constraints", "default", "trial")
        if stage["pruner"] and stage["pruner"]["min_epochs"] is None:
            stage["pruner"]["min_epochs"] = 1  # which it then was
        stage["settings"] = stage.pop("configurations")
        for entry in stage["space"].values():
            _drop(entry, "step", "prior", "confidence")
            if entry.get("neighbours") is False:
                del entry["neighbours"]
            if "active" not in entry and "choices" in entry and entry["ordered"] == are_numbers(entry["choices"]):
                del entry["ordered"]
    if isinstance(said["objective"], dict):
        del said["objective"]["rope"]  # the report alone goes by it
    default = Objective().model_dump(mode="json", exclude={"rope"})
    if said["objective"] == default:  # nor do they have keys that came later
        del said["objective"]
    if said["final"]:
        _drop(said["final"], "prefer", "tolerance", "trial")
        if not said["final"]["data"]["all"]:
            del said["final"]["data"]["all"]
    _drop(said, "trial")
    _drop(said["model"], "file", "estimator", "function")
    if said["data"]["source"] == "none":  # a function has no data
        said["data"] = {"source": None, "task": None}
    if said["data"]["task"] == "classification":
        del said["data"]["task"]
    if said["training"]["class_weight"] is None:
        del said["training"]["class_weight"]
    dataset = said["data"]["source"]
    if isinstance(dataset, dict) and dataset["kind"] == "npz":
        for key in ("images", "test_images"):
            dataset[key] = dataset.pop(key.replace("images", "samples"))
    if isinstance(dataset, dict) and dataset["kind"] == "csv":
        _drop(dataset, "drop", "columns", "keep", "categorical", "categories", "missing")
        _drop(dataset, "separator", "decimal", "encoding")
    return json.dumps(said, sort_keys=True)


def _drop(table: dict[str, Any], *keys: str) -> None:
    """Leave out keys that came later, where they are not given."""
    for key in keys:
        if table.get(key, ...) in (None, []):
            del table[key]


def verify(connection: Connection, row: StudyRow, *, trusted: bool = False) -> Iterator[Check]:
    """Check the whole database, then each stage of the study that has begun; `retraining` trains trials again.

    Raises InputError if its samplers' files may be somebody else's, unless they are to be `trusted`.
    """
    damage = check_integrity(connection)
    yield Check.of("the database is undamaged, and its tables are consistent", iter(damage))
    if any(problem.startswith("SQLite:") for problem in damage):
        return  # whatever else is read may be wrong
    study = spec.parse(row.text, row.path)
    workspace = trusted_workspace(row, study, trusted=trusted)
    samplers = sampler_classes(study, workspace, row.data.get("samplers"))
    begun: list[Begun] = []
    for stage in reading.stages(connection, row.id):
        if shown_study(connection, stage.id) is None:
            how = f"`{shlex.join(['hpsearch', 'repair-mirror', row.name])}` shows it anew"
            yield Check(f"stage {stage.name}: it was deleted in Optuna's tables, which no result depends on; {how}")
        if stage.space is None:
            continue
        curves = reading.validation_curves(connection, stage.id, Goal.of(stage.data))
        now = Begun(stage, reading.trials(connection, stage.id), curves)
        text = f"stage {stage.name}: its trials' values and their ranking follow from the curves"
        yield Check.of(text, _values(connection, now))
        if stage.stale:
            yield Check(f"stage {stage.name}: an earlier stage has grown, so its space is not compared")
        else:
            yield Check.of(f"stage {stage.name}: {_basis(stage, begun)}", _chain(study, now, begun))
        text = f"stage {stage.name}: its plan, replayed over the curves, asks for and decides what is stored"
        yield Check.of(text, replay(study, stage, now.trials, curves, samplers))
        begun.append(now)
    last = begun[-1].stage if begun else None
    if study.final and study.final.data.all and last and (last.kind, last.state) == (spaces.FINAL, COMPLETE):
        text = "the model trained on all samples is the final's winner, up to the epoch that the final chose"
        yield Check.of(text, whole_problems(connection, row))


@dataclass
class Begun:
    """A stage that has begun, with its trials and, by their ids, their curves."""

    stage: StageRow
    trials: Sequence[TrialRow]
    curves: dict[int, list[CurvePoint]]
    expected: spaces.Resolved | None = None
    """The space that follows from the study file and the stages before it, once it is known."""

    @cached_property
    def space(self) -> spaces.Resolved:
        """The space that later stages refine: what is stored may be damaged, and is compared."""
        return spaces.space_from_json(self.stage.space or {}) if self.expected is None else self.expected

    @cached_property
    def derived(self) -> list[TrialRow]:
        """The trials with the values that follow from their curves."""
        return [derived(trial, self.curves.get(trial.id, ())) for trial in self.trials]

    @cached_property
    def ranked(self) -> list[Ranked]:
        """The ranking that follows from the curves."""
        return rank(self.derived)


def derived(trial: TrialRow, curve: Curve) -> TrialRow:
    """The trial with the value, at its kept epoch, that follows from the curve."""
    points = [point for point in curve if point[1] is not None]
    if trial.configuration["training"].get("keep") == "last":
        kept = points[-1] if points and trial.state != FAILED else None
    else:
        sign = trial.goal.sign
        kept = max(points, key=lambda point: (sign * point[1], -point[0]), default=None)
    if kept is None:
        return replace(trial, best_epoch=None, value=None, loss=None, values=())
    epoch, value, loss, *scores = kept
    values = tuple(each.sign * score for each, score in zip(trial.goal.objectives, scores, strict=True))
    return replace(trial, best_epoch=epoch, value=value, loss=loss, values=values)


def _values(connection: Connection, now: Begun) -> Iterator[str]:
    """Differences between what is stored and what follows from the curves: values, ranking, kept weights."""
    for trial, again in zip(now.trials, now.derived, strict=True):
        if (trial.best_epoch, trial.value) != (again.best_epoch, again.value):
            stored = f"{trial.value} of epoch {trial.best_epoch}"
            name = f"{now.stage.name}:{trial.number}"
            yield f"trial {name}'s value is {stored}, by its curve {again.value} of epoch {again.best_epoch}"
    stored_order, order = (
        [f"{now.stage.name}:{s.number}" for s in ranking] for ranking in (rank(now.trials), now.ranked)
    )
    if stored_order != order:
        yield f"the ranking begins with {', '.join(stored_order[:10])}, by the curves with {', '.join(order[:10])}"
    if now.stage.state != COMPLETE:
        return
    numbers = {trial.id: trial.number for trial in now.trials}
    stopped = {
        trial.id for trial in now.trials if trial.state == PRUNED and trial.pruned_at is None
    }  # for lack of time
    first = set([trial_id for configuration in now.ranked for trial_id in configuration.trials][:KEPT_WEIGHTS])
    kept = reading.with_weights(connection, list(numbers), "best") - stopped
    missing = set() if now.stage.batches else first - kept  # before it grew, a stage deleted some
    for trial_ids, what in ((kept - first, "are kept, though they are not among"), (missing, "are missing, of")):
        if trial_ids:
            shown = ", ".join(f"{now.stage.name}:{number}" for number in sorted(numbers[each] for each in trial_ids))
            yield f"the weights of trials {shown} {what} the best {KEPT_WEIGHTS} trials"


def _basis(stage: StageRow, begun: Sequence[Begun]) -> str:
    if stage.kind == spaces.FINAL:
        return f"it trains the best configuration of stage {begun[-1].stage.name}"
    return "its space follows from the stages before it" if begun else "its space is that of the study file"


def _chain(study: Study, now: Begun, begun: Sequence[Begun]) -> Iterator[str]:
    """Differences between the stage's space, or the final's winner, and what follows from the rankings before it."""
    if now.stage.kind == spaces.FINAL:
        assert study.final is not None
        winners = [each.params for each in finalists(study.final, Goal.of(now.stage.data), begun[-1].ranked)]
        for trial in now.trials:
            winner = winners[trial.point] if trial.point < len(winners) else None
            if trial.params != winner:
                name = f"{now.stage.name}:{trial.number}"
                yield f"trial {name} has {dict(trial.params)}, the best configuration is {winner}"
        return
    earlier = {b.stage.name: (b.space, b.derived) for b in begun}
    space, stored = spaces.space_of(study, study.stages[now.stage.position], earlier)[0], now.stage.space or {}
    now.expected, derived = space, spaces.space_to_json(space)
    for key in spaces.differences(space, stored):
        source = "the stages before it" if begun else "the study file"
        yield f"{key} was searched in {stored.get(key)}, by {source} in {derived.get(key)}"
