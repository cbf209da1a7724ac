"""Rows of Optuna's values: of a trial, one for each objective, and by epoch. May import Optuna and SQLAlchemy."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from optuna.storages._rdb import models
from sqlalchemy import Connection, and_, bindparam, func, select

from hpsearch.storage import objectives, schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.records import COMPLETE, TrialRow

VALUE = [column.name for column in schema.curves.c].index("value") - 1
"""The place of the objective in an epoch of a curve."""

_ENDS = (
    select(schema.curves.c.trial_id, func.max(schema.curves.c.epoch).label("epoch"))
    .where(schema.curves.c.trial_id.in_(bindparam("ids", expanding=True)))
    .group_by(schema.curves.c.trial_id)
    .subquery()
)
_LAST = select(schema.curves.c.trial_id, schema.curves.c.epoch, schema.curves.c.value).join_from(
    schema.curves,
    _ENDS,
    and_(schema.curves.c.trial_id == _ENDS.c.trial_id, schema.curves.c.epoch == _ENDS.c.epoch),
)


def last_values(connection: Connection, trial_ids: Sequence[int]) -> dict[int, tuple[int, float]]:
    """The last epoch of each trial's curve, and its value."""
    rows = (row for part in chunks(trial_ids) for row in connection.execute(_LAST, {"ids": part}))
    return {trial_id: (epoch, value) for trial_id, epoch, value in rows}


def step_of(trial_id: int, epoch: int, value: float) -> dict[str, Any]:
    """The row of an intermediate value."""
    stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    return {"trial_id": trial_id, "step": epoch, "intermediate_value": stored, "intermediate_value_type": kind}


def value_of(trial_id: int, value: float | None, objective: int = 0) -> dict[str, Any]:
    """The row of a trial's value."""
    assert value is not None
    stored, kind = models.TrialValueModel.value_to_stored_repr(value)
    return {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}


def values_of(trial_id: int, values: objectives.Values) -> list[dict[str, Any]]:
    """The rows of a trial's values by several objectives."""
    return [value_of(trial_id, value, index) for index, value in enumerate(values)]


def means_of(trials: Sequence[TrialRow], *, over: bool) -> dict[int, tuple[float, float]]:
    """The least and the greatest that each configuration's value may be where it is shown as it is ranked.

    It is the mean of its complete trials. While a stage is not `over` it is one of earlier: that of some of them.
    """
    values: dict[int, list[float]] = {}
    for trial in trials:
        if trial.state == COMPLETE and trial.value is not None:
            values.setdefault(trial.point, []).append(trial.value)
    return {
        point: (fmean(found), fmean(found)) if over else (min(found), max(found)) for point, found in values.items()
    }


def is_mean(shown: float | None, means: tuple[float, float] | None) -> bool:
    """Whether a value shown is one of `means_of`, but for the rounding that makes the best of equal ones distinct."""
    if shown is None or means is None:
        return False
    return means[0] < shown < means[1] or any(math.isclose(shown, m, rel_tol=1e-12, abs_tol=1e-300) for m in means)
