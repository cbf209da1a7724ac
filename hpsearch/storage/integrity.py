"""Whether a database is consistent: what the values are, and what must hold between our tables.

May import Optuna and SQLAlchemy; changes nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from optuna.distributions import json_to_distribution
from optuna.trial import TrialState
from sqlalchemy import Connection, or_, select

from hpsearch import spec
from hpsearch.errors import HpsearchError
from hpsearch.storage import reading, schema
from hpsearch.storage.damage.blobs import damaged
from hpsearch.storage.damage.sweep import sweep
from hpsearch.storage.mirror.distributions import categorical
from hpsearch.storage.mirror.others import shown_study, strangers
from hpsearch.storage.mirror.tables import PARAMS, STATES, TRIALS, VALUES
from hpsearch.storage.mirror.values import is_mean, means_of
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Goal, StageRow, StudyRow, TrialRow

_AT_ONCE = 1000
_NEAR = 1e-6
"""By so much an accuracy may differ from the share of the correct predictions."""


def check_integrity(connection: Connection) -> list[str]:
    """Everything that is wrong in the database, a line each; nothing if all is well."""
    if damage := list(sweep(connection)):
        return damage  # whatever else is read may be wrong
    problems = []
    studies = select(schema.studies.c.id, schema.studies.c.name).order_by(schema.studies.c.id)
    for study_id, name in connection.execute(studies).all():
        problems += check_study(connection, study_id, name)
    return problems


def check_study(connection: Connection, study_id: int, name: str) -> list[str]:
    """Everything that is wrong with one study, a line each."""
    stages = reading.stages(connection, study_id)
    problems = list(_of_file(reading.get_study(connection, name), stages))
    problems += [f"stage {stage.name!r}: {problem}" for stage in stages for problem in _stage(connection, stage)]
    return [f"study {name!r}, {problem}" for problem in problems]


def _of_file(study: StudyRow, stages: Sequence[StageRow]) -> Iterator[str]:
    """Are its name and the stages those of the study file, if this version can read it?"""
    try:
        written = spec.parse(study.text, study.path)
    except HpsearchError:
        return
    if written.name != study.name:
        yield f"its name is {study.name!r}, by its study file {written.name!r}"
    names = [stage.name for stage in stages]
    wanted = [*(stage.name for stage in written.stages), *["final"] * (written.final is not None)]
    if names != wanted:
        yield f"its stages are {', '.join(names) or 'none'}, by its study file {', '.join(wanted)}"
        return
    for stage, step in zip(stages, written.stages, strict=False):  # the final comes last
        if (stage.kind, bool(stage.test)) != (step.kind, step.test):
            yield f"stage {stage.name!r} is {_said(stage)}, by its study file {_said(step)}"
        if stage.known is not None and step.source is None:
            yield f"stage {stage.name!r} knows trials of another study, which its study file does not name"


def _said(stage: StageRow | spec.Stage) -> str:
    return f"of kind {stage.kind!r} {'with' if stage.test else 'without'} the test set"


@dataclass
class _Curve:
    """What a trial's curve says, read epoch by epoch."""

    sign: float = 1.0
    epochs: int = 0
    complete: bool = True
    best_epoch: int | None = None
    best: float | None = None
    last: float | None = None
    differs: int | None = None  # the first epoch whose value is not that of its metric

    def add(self, epoch: int, value: float | None, metric: float | None) -> None:
        self.complete &= epoch == self.epochs + 1
        if value != metric and self.differs is None:
            self.differs = epoch
        self.epochs = epoch
        self.last = value
        if value is not None and (self.best is None or self.sign * value > self.sign * self.best):
            self.best_epoch, self.best = epoch, value


@dataclass
class _Stored:
    """What there is of a trial beside its row and its curve."""

    weights: Mapping[str, int]  # kind → epoch
    right: Mapping[str, float]  # split → share of the samples
    test_value: float | None
    differs: int | None = None  # an epoch whose accuracy is not that of its predictions
    tested: bool = False  # has it another value on the test set?


def _stage(connection: Connection, stage: StageRow) -> Iterator[str]:
    trials = reading.trials(connection, stage.id)
    curves, stored = _curves(connection, stage), _stored(connection, stage.id)
    if [trial.number for trial in trials] != list(range(len(trials))):
        yield f"its {len(trials)} trials are not numbered 0 to {len(trials) - 1}"
    for (point, replicate), times in Counter((trial.point, trial.replicate) for trial in trials).items():
        if times > 1:
            yield f"replicate {replicate} of configuration {point} is there {times} times"
    if stage.state == WAITING and trials:
        yield "it has trials but has not begun"
    if stage.state == COMPLETE:
        open_ones = sum(trial.state in (WAITING, RUNNING) for trial in trials)
        if open_ones:
            yield f"it is complete, but {open_ones} of its trials are not"
    for trial in trials:
        curve, beside = curves.get(trial.id, _Curve()), stored.get(trial.id, _Stored({}, {}, None))
        for problem in (*_of_curve(trial, curve), *_of_stored(stage, trial, beside)):
            yield f"trial {stage.name}:{trial.number}: {problem}"
    yield from damaged(connection, stage.id)
    yield from _of_labels(connection, stage)
    yield from _of_mirror(connection, stage, trials, curves)


def _curves(connection: Connection, stage: StageRow) -> dict[int, _Curve]:
    column, other, goal = schema.curves.c, schema.measurements.c, Goal.of(stage.data)
    rows = schema.curves.join(schema.trials)
    if goal.metric in schema.METRICS:
        metric = column[f"validation_{goal.metric}"]
    else:
        metric = other.validation
        same = (other.trial_id == column.trial_id) & (other.epoch == column.epoch) & (other.metric == goal.metric)
        rows = rows.outerjoin(schema.measurements, same)
    query = select(column.trial_id, column.epoch, column.value, metric).select_from(rows)
    query = query.where(schema.trials.c.stage_id == stage.id).order_by(column.trial_id, column.epoch)
    found: dict[int, _Curve] = {}
    for trial_id, *point in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
        found.setdefault(trial_id, _Curve(goal.sign)).add(*point)
    return found


def _stored(connection: Connection, stage_id: int) -> dict[int, _Stored]:
    trial, weight, prediction = schema.trials.c, schema.weights.c, schema.predictions.c
    own = trial.stage_id == stage_id
    weights: dict[int, dict[str, int]] = {}
    kinds = select(weight.trial_id, weight.kind, weight.epoch).join_from(schema.weights, schema.trials)
    for trial_id, kind, epoch in connection.execute(kinds.where(own)):
        weights.setdefault(trial_id, {})[kind] = epoch
    right: dict[int, dict[str, float]] = {}
    differs: dict[int, int] = {}
    curve = schema.curves.c
    same = (curve.trial_id == prediction.trial_id) & (curve.epoch == prediction.epoch)
    predictions = select(
        *(prediction.trial_id, prediction.split, prediction.epoch, prediction.samples, prediction.correct),
        *(trial.best_epoch, curve.validation_accuracy),
    )
    predictions = predictions.select_from(schema.predictions.join(schema.trials).outerjoin(schema.curves, same))
    for row in connection.execute(predictions.where(own).execution_options(yield_per=_AT_ONCE)):
        correct, samples = row.correct, row.samples
        right_ones = (int.from_bytes(correct) >> max(0, 8 * len(correct) - samples)).bit_count()
        share = right_ones / samples if samples > 0 else -1.0  # which no accuracy is
        if row.epoch == row.best_epoch:
            right.setdefault(row.trial_id, {})[row.split] = share
        accuracy = row.validation_accuracy
        if row.split == "validation" and correct and (accuracy is None or abs(share - accuracy) > _NEAR):
            differs.setdefault(row.trial_id, row.epoch)
    others = (trial.test_cost, trial.test_loss, trial.test_accuracy, trial.test_metrics)
    tested = or_(*(other.is_not(None) for other in others))
    return {
        row.id: _Stored(weights.get(row.id, {}), right.get(row.id, {}), row.test_value, differs.get(row.id), row.tested)
        for row in connection.execute(select(trial.id, trial.test_value, tested.label("tested")).where(own))
    }


def _of_curve(trial: TrialRow, curve: _Curve) -> Iterator[str]:
    """Is the curve complete, and does the trial's value follow from it?"""
    lengths = (trial.epochs_done, trial.epochs_done - 1) if trial.state == FAILED else (trial.epochs_done,)
    if not curve.complete or curve.epochs not in lengths:
        yield f"its curve is not that of {trial.epochs_done} epochs, each once"
    if curve.differs is not None:
        yield f"its value in epoch {curve.differs} is not its validation {trial.goal.metric}"
    if trial.epochs_done > trial.epochs or (trial.state == WAITING and trial.epochs_done):
        yield f"it is {trial.state} with {trial.epochs_done} of {trial.epochs} epochs"
    if trial.state == COMPLETE and trial.epochs_done < trial.epochs and trial.reason is None:
        yield f"it is complete after {trial.epochs_done} of {trial.epochs} epochs without a reason"
    wanted: tuple[int | None, float | None] = (curve.best_epoch, curve.best)
    if trial.configuration.get("training", {}).get("keep") == "last":
        lost = trial.state == FAILED or not curve.epochs
        wanted = (None, None) if lost else (curve.epochs, curve.last)
    if (trial.best_epoch, trial.value) != wanted:
        yield f"its value is {trial.value} of epoch {trial.best_epoch}, by its curve {wanted[1]} of epoch {wanted[0]}"


def _of_stored(stage: StageRow, trial: TrialRow, stored: _Stored) -> Iterator[str]:
    """Are there the weights and predictions that the trial must have, and no others?"""
    goes_on = trial.state == RUNNING or (trial.state == PRUNED and trial.epochs_done > 0)
    if stored.weights.get("state") != (trial.epochs_done if goes_on else None):
        yield f"what it would go on from is of epoch {stored.weights.get('state')}, it is {trial.state}"
    finished = trial.state == COMPLETE and stage.state == RUNNING and not stage.batches
    needed = trial.value is not None and (
        trial.state == RUNNING or finished or (trial.state == PRUNED and trial.pruned_at is None)
    )
    best = stored.weights.get("best")
    if best != trial.best_epoch and (needed or best is not None):
        yield f"its best weights are of epoch {best}, not {trial.best_epoch}"
    goal = trial.goal
    of_samples = (("validation", trial.value), ("test", stored.test_value)) if not trial.of_function else ()
    for split, value in of_samples:
        share = stored.right.get(split)
        if (share is None) != (value is None):
            yield f"its {split} {goal.metric} is {value}, but its predictions are{' not' * (share is None)} stored"
        elif share is not None and goal.metric == "accuracy" and abs(share - (value or 0.0)) > _NEAR:
            yield f"its {split} accuracy is {value}, by its predictions {share}"
    if "test" not in stored.right and (stored.tested or (trial.of_function and stored.test_value is not None)):
        yield "it has values on the test set, on which it was not evaluated"
    if stored.differs is not None:
        yield f"its validation accuracy in epoch {stored.differs} is not that of its predictions"


def _of_labels(connection: Connection, stage: StageRow) -> Iterator[str]:
    """Are the true labels whole, and as many as there are predictions for?"""
    label, prediction, trial = schema.labels.c, schema.predictions.c, schema.trials.c
    folds = bool(stage.data.get("folds"))
    counted: dict[tuple[str, int], int] = {}
    for row in connection.execute(select(schema.labels).where(label.stage_id == stage.id)):
        size, scale = len(row.labels), len(row.scale or b"")
        whole = size * 2 == row.samples * scale if scale else size in (row.samples, 2 * row.samples)
        if not whole:
            yield f"its labels of {row.samples} {row.split} samples are {size} bytes long"
        counted[row.split, row.fold] = row.samples
    query = select(prediction.split, trial.replicate, prediction.samples).distinct()
    query = query.join_from(schema.predictions, schema.trials).where(trial.stage_id == stage.id)
    for split, replicate, samples in connection.execute(query) if counted else ():
        known = counted.get((split, replicate if folds else 0))
        if known != samples:
            yield f"there are predictions for {samples} {split} samples, and {known or 'no'} labels"


_REPAIR = "; the results do not depend on it, `hpsearch repair-mirror` shows them anew"

_Shown = tuple[int, TrialState, float | None, dict[str, Any]]


def _of_mirror(
    connection: Connection, stage: StageRow, trials: Sequence[TrialRow], curves: Mapping[int, _Curve]
) -> Iterator[str]:
    """Do Optuna's tables say the same, if nobody deleted the study there?"""
    study = shown_study(connection, stage.id)
    shown = None if study is None else _shown(connection, study)
    for number in () if study is None else strangers(connection, stage.id, study):
        yield f"Optuna shows a trial {number} that another program added{_REPAIR}"
    means = means_of(trials, over=stage.state == COMPLETE)
    for trial in trials if shown is not None else ():
        curve = curves.get(trial.id, _Curve())
        value = trial.value if trial.state == COMPLETE else curve.last if trial.state == PRUNED else None
        params = {key: categorical(value) for key, value in trial.params.items()}
        wanted = trial.number, STATES[trial.state], value, params
        found = shown.get(trial.optuna_trial_id) if shown else None
        if found is not None and trial.state == COMPLETE and is_mean(found[2], means.get(trial.point)):
            found = (*found[:2], value, found[3])  # it shows the mean that its configuration is ranked by
        if found != wanted:
            yield f"trial {stage.name}:{trial.number}: Optuna shows {found}, not {wanted}{_REPAIR}"


def _shown(connection: Connection, study_id: int) -> dict[int | None, _Shown]:
    """Number, state, value and parameters of each trial of an Optuna study by id."""
    own = TRIALS.c.study_id == study_id
    params: dict[int, dict[str, Any]] = {}
    query = select(PARAMS.c.trial_id, PARAMS.c.param_name, PARAMS.c.param_value, PARAMS.c.distribution_json)
    for trial_id, key, value, distribution in connection.execute(query.join_from(PARAMS, TRIALS).where(own)):
        params.setdefault(trial_id, {})[key] = _param(distribution, value)
    rows = select(TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state, VALUES.c.value)
    main = (VALUES.c.trial_id == TRIALS.c.trial_id) & (VALUES.c.objective == 0)  # of several objectives
    rows = rows.select_from(TRIALS.outerjoin(VALUES, main)).where(own)
    return {row[0]: (*row[1:], params.get(row[0], {})) for row in connection.execute(rows)}


_distribution = lru_cache(json_to_distribution)


def _param(distribution: str, value: float) -> Any:
    """A parameter as Optuna reads it."""
    try:
        return _distribution(distribution).to_external_repr(value)
    except Exception:  # whatever damage makes of Optuna's reading
        return f"what cannot be read of {distribution!r:.60}"
