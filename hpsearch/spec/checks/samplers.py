"""Rules between a stage's sampler and pruner and the study. May import nothing but this package."""

from typing import Any

from hpsearch.spec.checks.bounds import entries, root, trials_at_most
from hpsearch.spec.messages import Where, fail, show
from hpsearch.spec.spaces.branches import branches, roots
from hpsearch.spec.tables.pruners import Hyperband, Median
from hpsearch.spec.tables.samplers import Cmaes, Nsga2, PriorBand, Random, Tpe
from hpsearch.spec.tables.space import Choices, Range, is_near, is_numeric, same
from hpsearch.spec.tables.study import Study


def check_samplers(study: Study, i: int) -> None:
    """Raise StudyFileError for the first rule that stage i's sampler, pruner or `first` breaks, but those on rungs."""
    stage = study.stages[i]
    if stage.source is not None and stage.source.partition("/")[0] == study.name:
        rule = "must name another study; a stage of this one is searched around"
        raise fail(study.place, ["stage", i, "from"], f"{rule}, got {show(stage.source)}")
    if isinstance(stage.sampler, Cmaes) and not any(is_numeric(root(study, stage, key)) for key in stage.space):
        rule = "must have at least one range or ordered choices for cmaes, which only draws other choices at random"
        raise fail(study.place, ["stage", i, "space"], rule)
    if isinstance(stage.sampler, Cmaes | Nsga2) and (splitting := branches(entries(study, stage))):
        rule = f"must not have ranges or lists inside choices for {stage.kind}; random, grid, qmc, tpe and gp can"
        raise fail(study.place, ["stage", i, "space", next(iter(splitting))], rule)
    ranges = {key: entry for key, entry in stage.space.items() if isinstance(entry, Range)}
    with_prior = {key: entry for key, entry in ranges.items() if entry.prior is not None}
    if isinstance(stage.sampler, PriorBand) and not with_prior:
        rule = "must have a prior in at least one range for priorband, as in { low = 1e-4, high = 1.0, prior = 1e-2 }"
        raise fail(study.place, ["stage", i, "space"], rule)
    if not isinstance(stage.sampler, Random | Tpe | PriorBand | None):
        for key, entry in with_prior.items():
            rule = f"must not be given; random, tpe and priorband draw by it, and {stage.kind} does not"
            raise fail(study.place, ["stage", i, "space", key, "prior"], f"{rule}, got {show(entry.prior)}")
    if isinstance(stage.pruner, Median) and stage.pruner.startup >= (most := trials_at_most(study, stage)):
        rule = f"must be below {most:_}, the trials of the stage"
        raise fail(study.place, ["stage", i, "pruner", "startup"], f"{rule}, got {stage.pruner.startup:_}")
    if stage.default is not None:
        _check_default(study, i, stage.default)
    for j, row in enumerate(stage.tried_first):
        where: Where = ["stage", i, *stage.place_of_first(j)]
        _check_active(study, i, where, row)
        for key, value in row.items():
            _check_first(study, [*where, key], root(study, stage, key), value, stage.space[key])


def _check_default(study: Study, i: int, default: dict[str, Any]) -> None:
    """Refuse a default of a later stage, one that leaves a hyperparameter open, and one that its grid does not have."""
    stage = study.stages[i]
    where: Where = ["stage", i, "default"]
    if i:
        raise fail(study.place, where, f"must be given in the first stage alone, got {show(default)}")
    needed, splitting = roots(stage.space), branches(stage.space)
    for key in needed:  # grows by what belongs to the choices taken
        if key not in default:
            rule = "must give all hyperparameters of the space that its choices have"
            raise fail(study.place, where, f"{rule}, but {key!r} is missing")
        if key in splitting and same(default[key]) in map(same, splitting[key].choices):
            needed += splitting[key].belonging(default[key])
    if stage.kind != "grid":
        return
    _check_active(study, i, where, default)
    for key, value in default.items():
        of_grid = root(study, stage, key).grid()
        if not any(is_near(value, each) for each in of_grid):
            raise fail(study.place, [*where, key], f"must be one of the grid's {show(of_grid)}, got {show(value)}")


def _check_active(study: Study, i: int, where: Where, row: dict[str, Any]) -> None:
    """Refuse a value without the choice that it belongs to."""
    for parent, entry in branches(study.stages[i].space).items():
        taken = entry.belonging(row[parent]) if parent in row else ()
        for key in {inner for keys in entry.active for inner in keys} & row.keys():
            if key not in taken:
                rule = f"belongs to a choice of {parent!r} that the configuration does not take"
                raise fail(study.place, [*where, key], rule)


def _check_first(study: Study, where: Where, source: Range | Choices, value: Any, entry: object) -> None:
    """Refuse a value outside the space; the bounds of a range around another stage are not known yet."""
    if isinstance(source, Choices):
        if same(value) not in map(same, source.choices):
            raise fail(study.place, where, f"must be one of {show(source.choices)}, got {show(value)}")
        return
    if isinstance(value, bool) or not isinstance(value, int if source.integer else int | float):
        raise fail(study.place, where, f"must be a {'whole ' * source.integer}number, got {show(value)}")
    if entry is source and not source.low <= value <= source.high:
        rule = f"must be between {show(source.low)} and {show(source.high)}, the ends of its range"
        raise fail(study.place, where, f"{rule}, got {show(value)}")
    if source.step is not None and (near := source.at(source.index(value))) != value and entry is source:
        rule = f"must be {show(source.low)} and whole steps of {show(source.step)}"
        raise fail(study.place, where, f"{rule}, got {show(value)}; the nearest that is is {show(near)}")


def check_rungs(study: Study, i: int, longest: int) -> None:
    """Refuse rungs that stage i never reaches; its longest training has `longest` epochs."""
    pruner = study.stages[i].pruner
    if pruner is None:
        return
    of = f"{longest:_}, the epochs of the stage's longest training"
    where: Where = ["stage", i, "pruner"]
    rungs = None if isinstance(pruner, Hyperband) else pruner.rungs
    if isinstance(rungs, tuple):
        for j, rung in enumerate(rungs):
            if rung >= longest:
                raise fail(study.place, [*where, "rungs", j], f"must be below {of}, got {rung:_}")
        return
    if pruner.first >= longest:
        raise fail(study.place, [*where, "min_epochs"], f"must be below {of}, got {pruner.first:_}")
    if rungs is not None and rungs > (fit := len(pruner.rungs_for(longest))):
        raise fail(study.place, [*where, "rungs"], f"must be at most {fit:_}, the rungs below {of}, got {rungs:_}")
