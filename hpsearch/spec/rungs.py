"""Rungs of a pruner that is given none: by the length of the training and its warm-up. May import this package only.

They are chosen at the launch and stored with the stage. So a study goes on as it began, whatever a later version would
choose.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

from hpsearch.spec.checks.bounds import probes
from hpsearch.spec.checks.lengths import updates_per_epoch, warm_up
from hpsearch.spec.resolve import data_of, length_of, resolve
from hpsearch.spec.tables.pruners import Halving, Median, Pruner
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study
from hpsearch.spec.tables.training import Training

FIRST, LAST = 1 / 16, 2 / 3
"""The first and the last rung of successive halving as shares of the training."""

EARLY = 5 / 2
"""How much later than the first the last but one is: those between are close together."""

LEFT = 1 / 27
"""The share of the configurations that successive halving trains to the end, as nearly as its `keep` comes to it."""


def chosen_rungs(study: Study, stage: Stage) -> tuple[int, ...] | None:
    """Return the rungs of a stage whose pruner leaves them open; None where there is none, or it is given them."""
    pruner = stage.pruner
    if pruner is None or pruner.min_epochs is not None or isinstance(getattr(pruner, "rungs", None), tuple):
        return None
    samples = data_of(study, stage).train
    trainings = [resolve(study, stage, params).training for params in probes(study, stage)]
    longest = max(length_of(study, stage, training) for training in trainings)
    return rungs_of_length(pruner, longest, max(_warm_up(training, samples) for training in trainings))


def rungs_of_length(pruner: Pruner, longest: int, warm_up: int = 0) -> tuple[int, ...]:
    """Return the rungs for trainings of at most `longest` epochs, with a warm-up of at most `warm_up` of them.

    docs/benchmarks.md has what these and others save and lose. Early in training the best configurations differ from
    the bad ones, but not yet from each other. So halving decides early and quickly until few are left, and then not
    until most of the training is over. A warm-up is waited for, as it favours high learning rates; a cycle is not:
    rungs inside of it lost no more than rungs at its end, and saved more.
    """
    first = max(1, _rounded(FIRST * longest), min(warm_up, longest - 1))
    count = getattr(pruner, "rungs", None)
    if isinstance(pruner, Median) and count is None:
        return (first,)  # and every epoch from there on
    if isinstance(pruner, Halving) and count is None:
        return tuple(itertools.takewhile(lambda rung: rung < longest, _of_halving(pruner.keep, first, longest)))
    found = _from(pruner, first, longest)
    while count is not None and len(found) < count and first > 1:
        first -= 1
        found = _from(pruner, first, longest)
    return found


def _of_halving(keep: float, first: int, longest: int) -> Iterator[int]:
    """Yield the early rungs, from `first` to EARLY times that, and the last one."""
    early = max(1, _rounded(math.log(LEFT) / math.log(keep))) - 1
    rung = first - 1
    for i in range(max(1, early)):
        rung = max(rung + 1, _rounded(first * EARLY ** (i / max(1, early - 1))))
        yield rung
    if early and (last := _rounded(LAST * longest)) > rung:
        yield last


def with_rungs(pruner: Pruner | None, chosen: Sequence[int] | None) -> Pruner | None:
    """Return a stage's pruner with the rungs that its launch chose; earlier versions chose None."""
    return pruner.choosing(chosen) if pruner and chosen else pruner


def _from(pruner: Pruner, first: int, longest: int) -> tuple[int, ...]:
    return pruner.model_copy(update={"min_epochs": first}).rungs_for(longest)


def _warm_up(training: Training, samples: int) -> int:
    if training.batch_size is None:  # of a trainable, which has the constant schedule
        return 0
    per_epoch = updates_per_epoch(training, samples)
    return math.ceil(warm_up(training.schedule, per_epoch) / per_epoch)


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)
