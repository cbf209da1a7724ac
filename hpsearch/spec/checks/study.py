"""Rules between the tables of a study file. May import hpsearch.errors."""

from typing import Any

from hpsearch.errors import nearest
from hpsearch.spec.checks.bounds import entries, entries_of, probes, root, stage_named, trials_at_most
from hpsearch.spec.checks.constraints import check_constraints
from hpsearch.spec.checks.objective import check_objective
from hpsearch.spec.checks.references import check_references
from hpsearch.spec.checks.samplers import check_rungs, check_samplers
from hpsearch.spec.checks.trial import check_updates
from hpsearch.spec.messages import Where, fail, show
from hpsearch.spec.resolve import Configuration, length_of, replicates_of, resolve
from hpsearch.spec.spaces.branches import bare, branches
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.schedules import Cyclical, OneCycle
from hpsearch.spec.tables.space import MAX_GRID, SMALLEST, Around, Choices, Range
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Final, Study
from hpsearch.spec.tables.training import TABLES, TRAINING_KEYS, Training


def check(study: Study) -> None:
    """Raise StudyFileError for the first rule between the study's tables that is broken."""
    check_objective(study)
    names: list[str] = []
    for i, stage in enumerate(study.stages):
        if stage.name in names:
            rule = "must not be that of an earlier stage"
            raise fail(study.place, ["stage", i, "name"], f"{rule}, got {show(stage.name)}")
        names.append(stage.name)
        _check_keys(study, i)
        for key, entry in stage.space.items():
            _check_entry(study, i, key, entry)
        check_constraints(study, i)
        _check_number(study, i)
        check_samplers(study, i)
        check_rungs(study, i, _check_configurations(study, stage, stage))
        _check_epochs(study, i)
    if study.final is not None:
        _check_overrides(study, study.final, ["final"], study.stages[-1])
        _check_configurations(study, study.final, study.stages[-1])
    check_references(study)


def _check_number(study: Study, i: int) -> None:
    """Refuse more trials than a database should hold, and replicates beside folds."""
    stage = study.stages[i]
    trials = trials_at_most(study, stage)
    if trials > MAX_GRID:
        raise fail(study.place, ["stage", i, "space"], f"must have at most {MAX_GRID:_} combinations")
    if study.data.folds is not None and stage.replicates > 1:
        rule = f"must be 1 with validation = {{ folds = {study.data.folds} }}, where each fold is a replicate"
        raise fail(study.place, ["stage", i, "replicates"], f"{rule}, got {stage.replicates:_}")
    if (each := replicates_of(study, stage)) * trials > MAX_GRID:
        what = "folds" if study.data.folds else "replicates"
        rule = f"must come to at most {MAX_GRID:_} trainings, got {each:_} {what} of {trials:_} trials"
        raise fail(study.place, ["stage", i], rule)
    _check_confirm(study, i, trials)


def _check_confirm(study: Study, i: int, trials: int) -> None:
    """Refuse `confirm` with folds, of more configurations than there are, or of too many trials for a database."""
    stage = study.stages[i]
    where: Where = ["stage", i, "confirm"]
    if stage.confirm is None:
        return
    best, most = stage.confirm.best, stage.confirm.replicates
    if study.data.folds is not None:
        rule = f"must not be given with validation = {{ folds = {study.data.folds} }}, which has no further replicates"
        raise fail(study.place, where, rule)
    if best > trials:
        raise fail(study.place, [*where, "best"], f"must be at most {trials:_}, the trials of the stage, got {best:_}")
    if (all_of_them := stage.replicates * trials + (most - stage.replicates) * best) > MAX_GRID:
        raise fail(study.place, where, f"must come to at most {MAX_GRID:_} trainings, got {all_of_them:_}")


def _check_keys(study: Study, i: int) -> None:
    stage = study.stages[i]
    keys: list[tuple[Where, str]]
    if stage.configurations is not None:
        keys = [(["configurations", j, key], key) for j, row in enumerate(stage.configurations) for key in row]
    else:
        keys = [(["space", key], key) for key in stage.space]
    for where, key in keys:
        head, _, rest = bare(key).partition(".")
        if head in ("training", "model") and rest:
            raise fail(study.place, ["stage", i, *where], f"is not a key; write {rest!r} for the key of [{head}]")
        if study.is_training_key(key) and bare(key) not in TRAINING_KEYS:
            rule = f"is not a key of [training]{did_you_mean(bare(key), TRAINING_KEYS)}"
            raise fail(study.place, ["stage", i, *where], rule)
        if (
            head in TABLES
            and rest
            and (wider := {head, f"{head}.kind"} & stage.space.keys() - {key} - _above(stage, key))
        ):
            rule = f"must not be searched beside {min(wider)!r}, which replaces the whole table"
            raise fail(study.place, ["stage", i, *where], rule)
        if key in study.model.identity:
            raise fail(study.place, ["stage", i, *where], f"cannot be searched; a study has one {_what(study)}")
    _check_overrides(study, stage, ["stage", i], stage)


def _above(stage: Stage, key: str) -> set[str]:
    """Return the hyperparameters to whose choices this one belongs."""
    above = {name for name, entry in branches(stage.space).items() if any(key in keys for keys in entry.active)}
    return above.union(*(_above(stage, name) for name in above))


def _check_overrides(study: Study, step: Stage | Final, where: Where, searched: Stage) -> None:
    for key in study.model.identity.keys() & step.model.keys():
        raise fail(study.place, [*where, "model", key], f"must not be given; a study has one {_what(study)}")
    for table, keys in (("training", _leaves(step.training)), ("model", _leaves(step.model))):
        for key in keys:
            if key in map(bare, searched.hyperparameters) and study.is_training_key(key) == (table == "training"):
                text = f"must not be given; stage {searched.name!r} searches it"
                raise fail(study.place, [*where, table, key], text)


def _what(study: Study) -> str:
    return "estimator" if study.model.is_estimator else "function" if study.model.is_function else "model file"


def _leaves(table: dict[str, Any]) -> list[str]:
    return [
        f"{key}.{inner}" if inner else key
        for key, value in table.items()
        for inner in ["", *(_leaves(value) if isinstance(value, dict) else ())]
    ]


def _check_entry(study: Study, i: int, key: str, entry: Range | Choices | Around) -> None:
    stage = study.stages[i]
    where: Where = ["stage", i, "space", key]
    if isinstance(entry, Around):
        _check_around(study, i, key, entry, where)
    source = root(study, stage, key)
    if isinstance(entry, Around) and entry.neighbours and not (isinstance(source, Choices) and source.ordered):
        what = "choices without an order" if isinstance(source, Choices) else "a range"
        raise fail(
            study.place, [*where, "neighbours"], f"must not be given; only ordered choices have some, not {what}"
        )
    inside = isinstance(entry, Around) and any(each.step is None for each in _ranges_in(study, stage, key))
    if isinstance(entry, Choices) or (isinstance(source, Choices) and not inside):
        return
    if isinstance(source, Choices):
        source = next(each for each in _ranges_in(study, stage, key) if each.step is None)
    if stage.kind == "grid" and entry.points is None and source.step is None:
        raise fail(study.place, [*where, "points"], "is missing; a grid needs the number of points of each range")
    if stage.kind != "grid" and entry.points is not None:
        raise fail(study.place, [*where, "points"], f"must not be given; only a grid has points, got {entry.points}")


def _ranges_in(study: Study, stage: Stage, key: str) -> list[Range]:
    """Return the ranges that belong to the choices of a hyperparameter of an earlier stage, or around one."""
    return [each for name, each in entries_of(study, stage, key).items() if name != key and isinstance(each, Range)]


def _check_around(study: Study, i: int, key: str, entry: Around, where: Where) -> None:
    earlier = [stage.name for stage in study.stages[:i]]
    if entry.around not in earlier:
        rule = f"must name an earlier stage, got {show(entry.around)}"
        raise fail(study.place, [*where, "around"], rule + (nearest(entry.around, earlier) or "; there is none"))
    target = stage_named(study, entry.around)
    if key not in target.space:
        rule = f"must name a stage whose space has {key!r}, got {show(entry.around)}"
        raise fail(study.place, [*where, "around"], rule + nearest(key, target.space))
    if entry.best > (most := trials_at_most(study, target)):
        rule = f"must be at most {most:_}, the trials of stage {target.name!r}"
        raise fail(study.place, [*where, "best"], f"{rule}, got {entry.best:_}")
    source = root(study, target, key)
    for name, value in (("log", entry.log), ("points", entry.points)):
        if (
            value is not None
            and isinstance(source, Choices)
            and not (name == "points" and _ranges_in(study, study.stages[i], key))
        ):
            raise fail(study.place, [*where, name], f"must not be given; stage {target.name!r} searches choices")
    if entry.log and isinstance(source, Range) and source.step is not None:
        rule = f"must not be true where the range has a step of {show(source.step)}"
        raise fail(study.place, [*where, "log"], f"{rule}, got true")
    if entry.log and isinstance(source, Range) and source.low < SMALLEST:
        rule = f"must not be true where the range began at {show(source.low)}"
        raise fail(study.place, [*where, "log"], f"{rule}, got true")


def _check_epochs(study: Study, i: int) -> None:
    """Refuse a budget of epochs that is over before the first configuration."""
    stage = study.stages[i]
    most, replicates = stage.budget.epochs, replicates_of(study, stage)
    if most is None:
        return
    least = min(length_of(study, stage, resolve(study, stage, params).training) for params in probes(study, stage))
    if most < least * replicates:
        of = "the epochs of a configuration" + f" with its {replicates} replicates" * (replicates > 1)
        rule = f"must be at least {least * replicates:_}, {of}"
        raise fail(study.place, ["stage", i, "budget", "epochs"], f"{rule}, got {most:_}")


def _check_configurations(study: Study, step: Stage | Final, searched: Stage) -> int:
    """Check the configurations that bound all of the step's; return the epochs of the longest."""
    longest = 0
    for params in probes(study, searched):
        configuration = resolve(study, step, params)
        _check_schedule(study, step, searched, configuration)
        check_updates(study, step, configuration.training)
        longest = max(longest, length_of(study, step, configuration.training))
    return longest


def _check_schedule(study: Study, step: Stage | Final, searched: Stage, configuration: Configuration) -> None:
    """Refuse keys that the schedule would ignore, and ranges in which hardly any value comes to whole epochs."""
    schedule = configuration.training.schedule

    def at(key: str) -> Where:
        return ["stage", study.stages.index(searched), "configurations" if searched.configurations else "space", key]

    if isinstance(schedule, Cyclical | OneCycle):
        unused = f"is not used by the {schedule.kind} schedule, which has eta_min and eta_max"
        if "eta" in searched.hyperparameters:
            raise fail(study.place, at("eta"), unused)
        if "eta" in step.training:
            here: Where = ["final"] if isinstance(step, Final) else ["stage", study.stages.index(step)]
            raise fail(study.place, [*here, "training", "eta"], unused)
        if study.training.schedule.kind == schedule.kind and study.training.eta is not None:
            raise fail(study.place, ["training", "eta"], unused)
    ranges = [bare(key) for key, entry in entries(study, searched).items() if isinstance(entry, Range)]
    for key, reason in _whole_epochs_needed(configuration.training):
        if key in ranges:
            raise fail(study.place, at(key), f"must be a list of choices {reason}")


def _whole_epochs_needed(training: Training) -> list[tuple[str, str]]:
    """Return the keys that must come to whole epochs together, with the end of their message."""
    schedule = training.schedule
    if training.updates is not None:
        return [(key, "where the length is in updates; or give epochs") for key in ("updates", "batch_size")]
    if training.cycles is not None and isinstance(schedule, Cyclical) and schedule.half_cycle_updates is not None:
        reason = "where the schedule has half_cycle_updates; or give half_cycle_epochs"
        return [(key, reason) for key in ("schedule.half_cycle_updates", "cycles", "batch_size")]
    return []
