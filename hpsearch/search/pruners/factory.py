"""From the study file's [stage].pruner to its pruner; a new kind of pruner gets a branch here. May import spec."""

from hpsearch.search.pruners.halving import HalvingPruner
from hpsearch.search.pruners.hyperband import HyperbandPruner
from hpsearch.search.pruners.median import MedianPruner
from hpsearch.search.pruners.pruner import Pruner
from hpsearch.spec import Halving, Hyperband, Median


def pruner_of(pruner: Halving | Hyperband | Median, epochs: int) -> Pruner:
    """The pruner of a stage whose longest training has so many epochs."""
    if isinstance(pruner, Hyperband):
        return HyperbandPruner(pruner.keep, pruner.brackets_for(epochs))
    rungs = pruner.rungs_for(epochs)
    return HalvingPruner(pruner.keep, rungs) if isinstance(pruner, Halving) else MedianPruner(pruner.startup, rungs)


def rungs_of(pruner: Halving | Hyperband | Median, number: int, epochs: int) -> tuple[tuple[int, ...], int]:
    """The rungs at which configuration `number` meets the pruner, and its bracket; `epochs` as for `pruner_of`."""
    if not isinstance(pruner, Hyperband):
        return pruner.rungs_for(epochs), 0
    bracket = pruner.bracket_of(number, epochs)
    return pruner.brackets_for(epochs)[bracket], bracket
