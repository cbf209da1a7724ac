"""Rules on the constraints of a stage. May import nothing but this package."""

from hpsearch.spec.checks.bounds import entries, probes
from hpsearch.spec.messages import Where, fail, show
from hpsearch.spec.spaces.admission import constraints_of, emptied_by
from hpsearch.spec.spaces.branches import bare
from hpsearch.spec.spaces.expressions import Constraint
from hpsearch.spec.spaces.operations import ABSENT, ConstraintError, value_of
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.space import Around, Choices, Range
from hpsearch.spec.tables.study import Study


def check_constraints(study: Study, i: int) -> None:
    """Raise StudyFileError for a constraint of stage i that names nothing, cannot be computed or leaves nothing."""
    stage = study.stages[i]
    constraints = constraints_of(stage.constraints)
    for j, each in enumerate(constraints):
        _check_one(study, i, ["stage", i, "constraints", j], each)
    rows = [(stage.place_of_first(j), row) for j, row in enumerate(stage.tried_first)]
    if stage.default is not None and not stage.tried_first:  # of a grid
        rows.append((("default",), stage.default))
    for where, row in rows:
        for each in constraints:
            if each.breaks(row):
                raise fail(study.place, ["stage", i, *where], f"must keep the constraint {each.text!r}")
    space = {key: entry for key, entry in stage.space.items() if not isinstance(entry, Around)}
    if not constraints or len(space) < len(stage.space):  # a range around another stage is known when the stage begins
        return
    if emptied := emptied_by(space, constraints, as_grid=stage.kind == "grid"):
        j, how = emptied
        raise fail(study.place, ["stage", i, "constraints", j], f"must leave configurations to train, but {how}")


def _check_one(study: Study, i: int, where: Where, one: Constraint) -> None:
    stage = study.stages[i]
    space = entries(study, stage)
    for name, column in one.names:
        if not _is_known(name, space):
            rule = f"must name hyperparameters of the stage's space, got {name!r} at column {column}"
            raise fail(study.place, where, rule + did_you_mean(name, space))
    for params in probes(study, stage):
        try:
            found = one.evaluate(params)
        except ConstraintError as error:
            raise fail(study.place, where, f"{error} in {one.text!r}") from None
        except (ArithmeticError, ValueError):  # at an end of a range, say: such a configuration breaks it
            continue
        if found is not ABSENT and not isinstance(found, bool):
            raise fail(study.place, where, f"must be a condition that is true or false, got {show(one.text)}")


def _is_known(name: str, space: dict[str, Range | Choices]) -> bool:
    """Tell whether a name is a hyperparameter, or a key of a table among its choices."""
    if name in map(bare, space) or f"{name}.layers" in space:
        return True
    for key, entry in space.items():
        tables = entry.choices if name.startswith(f"{key}.") and isinstance(entry, Choices) else ()
        if any(value_of({key: table}, name) is not ABSENT for table in tables):
            return True
    return False
