"""Rungs of a pruner that is given none: by the stage's training and its schedule. May import this package only.

They are chosen at the launch and stored with the stage. So a study goes on as it began, whatever a later version would
choose.
"""

import math
from collections.abc import Sequence

from hpsearch.spec.checks.bounds import probes
from hpsearch.spec.checks.lengths import updates_per_epoch, warm_up
from hpsearch.spec.resolve import data_of, epochs, resolve
from hpsearch.spec.tables.pruners import Halving, Median, Pruner
from hpsearch.spec.tables.schedules import Cyclical
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study
from hpsearch.spec.tables.training import Training

FIRST = 1 / 16
"""The first rung as a share of the training."""

SECOND = 3 / 2
"""The second rung of successive halving as a multiple of the first."""


def chosen_rungs(study: Study, stage: Stage) -> tuple[int, ...] | None:
    """Return the rungs of a stage whose pruner leaves them open; None without a pruner, and for one that is given them.

    docs/benchmarks.md has what other rungs save and lose. Early in training the best configurations can be told from
    the bad ones, but not from each other. So halving decides twice within the first tenth of the training, and then
    trains what is left, a ninth, to the end: later rungs would save little, and lose the best one more often.
    """
    pruner = stage.pruner
    if pruner is None or pruner.min_epochs is not None or isinstance(getattr(pruner, "rungs", None), tuple):
        return None
    samples = data_of(study, stage).train
    trainings = [resolve(study, stage, params).training for params in probes(study, stage)]
    longest = max(epochs(training, samples) for training in trainings)
    first = max(1, _rounded(FIRST * longest), *(_settled(training, samples) for training in trainings))
    first = min(first, max(1, longest - 1))
    if isinstance(pruner, Halving) and pruner.rungs is None:
        return tuple(rung for rung in (first, max(first + 1, _rounded(SECOND * first))) if rung == first or rung < longest)
    count = getattr(pruner, "rungs", None)
    if isinstance(pruner, Median) and count is None:
        return (first,)  # and every epoch from there on
    found = _from(pruner, first, longest)
    while count is not None and len(found) < count and first > 1:
        first -= 1
        found = _from(pruner, first, longest)
    return found


def with_rungs(pruner: Pruner | None, chosen: Sequence[int] | None) -> Pruner | None:
    """Return a stage's pruner with the rungs that its launch chose; None are those of studies before there was a choice."""
    return pruner.choosing(chosen) if pruner and chosen else pruner


def _from(pruner: Pruner, first: int, longest: int) -> tuple[int, ...]:
    return pruner.model_copy(update={"min_epochs": first}).rungs_for(longest)


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)


def _settled(training: Training, samples: int) -> int:
    """Return the epochs after which a training's scores mean something: its warm-up, or its first cycle."""
    if training.batch_size is None:  # of a trainable, which has the constant schedule
        return 0
    per_epoch, schedule = updates_per_epoch(training, samples), training.schedule
    if isinstance(schedule, Cyclical):
        return 2 * schedule.half_cycle_epochs if schedule.half_cycle_epochs else 0
    return math.ceil(warm_up(schedule, per_epoch) / per_epoch)
