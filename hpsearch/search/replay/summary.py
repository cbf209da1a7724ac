"""Many replays of a search, in random orders, and what they come to. May import spec and NumPy."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.search.replay.choosers import Chooser
from hpsearch.search.replay.curves import Trained, best_of
from hpsearch.search.replay.search import Plan, Replayed, replay


@dataclass(frozen=True)
class Spread:
    """A mean over the orders, and the range of the middle 95% of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Chosen:
    """A configuration that a replay chose, with its score, and the share of the orders in which it was chosen."""

    trial: int
    score: float
    share: float


@dataclass(frozen=True)
class Summary:
    """Replays of one search in many orders: epochs trained, regret against the best of all, and what was chosen."""

    orders: int
    trials: int
    all_epochs: int
    best: Trained
    epochs: Spread
    pruned: float
    regret: Spread
    lost: float
    chosen: tuple[Chosen, ...]

    @property
    def saved(self) -> float:
        """The share of the epochs of training all configurations that is not needed."""
        return 1 - self.epochs.mean / self.all_epochs


def summary(configurations: Sequence[Trained], plan: Plan, orders: int, chooser: Callable[[int], Chooser]) -> Summary:
    """Replay a search in so many orders; `chooser` makes the chooser of each."""
    found = [replay(configurations, chooser(number), plan) for number in range(orders)]
    best = best_of(configurations)
    regrets = [best.end[0] - each.chosen.end[0] for each in found]
    return Summary(
        orders=orders,
        trials=plan.trials,
        all_epochs=sum(each.cost() for each in configurations),
        best=best,
        epochs=_spread([each.epochs for each in found]),
        pruned=float(np.mean([each.pruned for each in found])),
        regret=_spread(regrets),
        lost=float(np.mean([regret > 0 for regret in regrets])),
        chosen=_chosen(found),
    )


def _spread(values: Sequence[float]) -> Spread:
    low, high = np.quantile(values, [0.025, 0.975])
    return Spread(float(np.mean(values)), float(low), float(high))


def _chosen(found: Sequence[Replayed]) -> tuple[Chosen, ...]:
    by_number = {each.chosen.number: each.chosen for each in found}
    counted = Counter(each.chosen.number for each in found).most_common()
    return tuple(Chosen(number, by_number[number].end[0], many / len(found)) for number, many in counted)
