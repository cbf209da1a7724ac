"""Rungs of a pruner that is given none: by the length of the stage's training. May import this package only.

They are chosen at the launch and stored with the stage. So a study goes on as it began, whatever a later version would
choose.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

from hpsearch.spec.checks.bounds import probes
from hpsearch.spec.resolve import data_of, epochs, resolve
from hpsearch.spec.tables.pruners import Halving, Median, Pruner
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study

FIRST = 1 / 16
"""The first rung as a share of the training."""

SPACING = 3 / 2
"""Each further rung of successive halving as a multiple of the one before."""

LEFT = 1 / 9
"""The share of the configurations that successive halving trains to the end, as nearly as its `keep` comes to it."""


def chosen_rungs(study: Study, stage: Stage) -> tuple[int, ...] | None:
    """Return the rungs of a stage whose pruner leaves them open; None where there is none, or it is given them."""
    pruner = stage.pruner
    if pruner is None or pruner.min_epochs is not None or isinstance(getattr(pruner, "rungs", None), tuple):
        return None
    samples = data_of(study, stage).train
    lengths = (epochs(resolve(study, stage, params).training, samples) for params in probes(study, stage))
    return rungs_of_length(pruner, max(lengths))


def rungs_of_length(pruner: Pruner, longest: int) -> tuple[int, ...]:
    """Return the rungs for trainings of at most so many epochs.

    docs/benchmarks.md has what these and others save and lose. Early in training the best configurations can be told
    from the bad ones, but not from each other. So halving with its default `keep` decides twice within the first tenth
    of the training, and trains the rest, a ninth, to the end: later rungs would save little, and lose the best one more
    often. That holds inside a warm-up or a cycle, too: the learning rates of all configurations rise and fall together.
    """
    first = max(1, _rounded(FIRST * longest))
    count = getattr(pruner, "rungs", None)
    if isinstance(pruner, Median) and count is None:
        return (first,)  # and every epoch from there on
    if isinstance(pruner, Halving) and count is None:
        further = max(1, _rounded(math.log(LEFT) / math.log(pruner.keep)))
        return tuple(itertools.islice(itertools.takewhile(lambda rung: rung < longest, _spaced(first)), further))
    found = _from(pruner, first, longest)
    while count is not None and len(found) < count and first > 1:
        first -= 1
        found = _from(pruner, first, longest)
    return found


def with_rungs(pruner: Pruner | None, chosen: Sequence[int] | None) -> Pruner | None:
    """Return a stage's pruner with the rungs that its launch chose; earlier versions chose None."""
    return pruner.choosing(chosen) if pruner and chosen else pruner


def _from(pruner: Pruner, first: int, longest: int) -> tuple[int, ...]:
    return pruner.model_copy(update={"min_epochs": first}).rungs_for(longest)


def _spaced(rung: int) -> Iterator[int]:
    while True:
        yield rung
        rung = max(rung + 1, _rounded(SPACING * rung))


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)
