"""From the study file's [stage].pruner to its pruner; a new kind of pruner gets a branch here. May import spec."""

from typing import assert_never

from hpsearch import spec
from hpsearch.search.pruners.halving import HalvingPruner
from hpsearch.search.pruners.hyperband import HyperbandPruner
from hpsearch.search.pruners.median import MedianPruner
from hpsearch.search.pruners.pruner import Pruner
from hpsearch.spec import Halving, Hyperband, Median
from hpsearch.storage.records import ACCURACY, Goal


def pruner_of(pruner: spec.Pruner, epochs: int, goal: Goal = ACCURACY) -> Pruner:
    """The pruner of a stage whose longest training has so many epochs; `goal` is for the reasons that it gives."""
    match pruner:
        case Halving():
            return HalvingPruner(pruner.keep, pruner.rungs_for(epochs))
        case Hyperband():
            return HyperbandPruner(pruner.keep, pruner.brackets_for(epochs))
        case Median():
            return MedianPruner(pruner.startup, pruner.rungs_for(epochs), goal)
        case _:
            assert_never(pruner)


def rungs_of(pruner: spec.Pruner, number: int, epochs: int) -> tuple[tuple[int, ...], int]:
    """The rungs at which configuration `number` meets the pruner, and its bracket; `epochs` as for `pruner_of`."""
    if not isinstance(pruner, Hyperband):
        return pruner.rungs_for(epochs), 0
    bracket = pruner.bracket_of(number, epochs)
    return pruner.brackets_for(epochs)[bracket], bracket
