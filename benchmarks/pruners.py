"""What pruners save and lose: replayed on random searches of 64 configurations whose learning curves are all known.

    HPSEARCH_DATA=DIRECTORY python benchmarks/pruners.py [--banks FOLDER] [--orders 40] [--peers 2] [--trials 64]

The banks of curves (`banks.py`) are made once: digits, and CIFAR-10 where HPSEARCH_DATA has it, each with six schedules
of the learning rate and five seeds. A search draws 64 configurations of one bank in a random order. The columns: the
share of the epochs of training all of them; the regret, how much the best configuration of the 64 is better than the
one that was chosen, in percentage points of the validation accuracy, with a 95% interval over the banks (Student's t,
each bank one observation); and in how many searches the best one was lost. The replays are those of `hpsearch replay`.
Optuna's pruners decide in real studies that are given the same curves, one trial after the other. `--rungs 3,5 10,15`
adds lists of rungs; `--seeds 3,4` takes only these seeds.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import optuna
from banks import SEEDS, Bank, banks
from platformdirs import user_cache_path
from scipy.stats import t as student

from hpsearch.search.replay.choosers import RandomOrder
from hpsearch.search.replay.curves import Trained, best_of
from hpsearch.search.replay.search import Plan, replay
from hpsearch.spec import Halving, Hyperband, Median, Pruner
from hpsearch.spec.rungs import rungs_of_length

WITHOUT, WITH = "schedules without a warm-up", "with a warm-up"
"""Rungs wait for a warm-up, so that more epochs are trained."""

Search = Callable[[list[Trained], Bank], tuple[Trained, float]]
"""A search over configurations in this order: the one that it chooses, and the epochs that it trains."""


def ours(make: Callable[[Bank], Pruner | None], configurations: list[Trained], bank: Bank) -> tuple[Trained, float]:
    """hpsearch's pruner, all configurations in one batch."""
    found = replay(configurations, InOrder(), Plan(len(configurations), make(bank)))
    return found.chosen, found.epochs


class InOrder(RandomOrder):
    """The configurations as they come."""

    def __init__(self) -> None:
        pass

    def choose(self, number: int) -> int:
        return number


def optunas(
    make: Callable[[int], optuna.pruners.BasePruner], configurations: list[Trained], bank: Bank
) -> tuple[Trained, float]:
    """Optuna's pruner in a study of Optuna's; what it does not prune is chosen from."""
    longest, epochs, left = bank.dataset.epochs, 0, []
    study = optuna.create_study(direction="maximize", pruner=make(longest), study_name="replay")
    for configuration in configurations:
        trial = study.ask()
        for epoch in range(1, longest + 1):
            trial.report(configuration.at(epoch)[0], epoch)
            epochs += 1
            if epoch < longest and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, configuration.end[0])
            left.append(configuration)
    return best_of(left), epochs


def fewer(like: Search, configurations: list[Trained], bank: Bank) -> tuple[Trained, float]:
    """Random search without a pruner that stops at the epochs of another search."""
    longest = bank.dataset.epochs
    many = max(1, round(like(configurations, bank)[1] / longest))
    return best_of(configurations[:many]), many * longest


def halving(**given: object) -> Halving:
    return Halving.of({"kind": "halving", "audit": 0.0, **given})


def hyperband(**given: object) -> Hyperband:
    return Hyperband.of({"kind": "hyperband", "audit": 0.0, **given})


def median(**given: object) -> Median:
    return Median.of({"kind": "median", "audit": 0.0, **given})


def chosen(pruner: Pruner, bank: Bank) -> Pruner:
    """The pruner with the rungs that a launch chooses."""
    return pruner.choosing(rungs_of_length(pruner, bank.dataset.epochs, bank.warm_up))


OURS: dict[str, Callable[[Bank], Pruner | None]] = {
    "halving": lambda bank: chosen(halving(), bank),
    "halving, rungs from epoch 1": lambda bank: halving(min_epochs=1),
    "Hyperband": lambda bank: chosen(hyperband(), bank),
    "Hyperband, rungs from epoch 1": lambda bank: hyperband(min_epochs=1),
    "median rule": lambda bank: chosen(median(), bank),
    "median rule, rungs from epoch 1": lambda bank: median(min_epochs=1),
}
PEERS: dict[str, Callable[[int], optuna.pruners.BasePruner]] = {
    "Optuna's SuccessiveHalvingPruner": lambda epochs: optuna.pruners.SuccessiveHalvingPruner(),
    "Optuna's HyperbandPruner": lambda epochs: optuna.pruners.HyperbandPruner(max_resource=epochs),
    "Optuna's MedianPruner": lambda epochs: optuna.pruners.MedianPruner(),
}

Row = tuple[float, float, bool]
"""A search: the share of the epochs, the regret in points, whether the best was lost."""


def measured(search: Search, bank: Bank, orders: int, trials: int) -> list[Row]:
    """Search a bank so often; every search has the same orders."""
    found = []
    for number in range(orders):
        rng = np.random.default_rng([bank.seed, number])
        drawn = [bank.configurations[i] for i in rng.permutation(len(bank.configurations))[:trials]]
        chosen, epochs = search(drawn, bank)
        best = best_of(drawn)
        regret = 100 * (best.end[0] - chosen.end[0])
        found.append((epochs / sum(each.cost() for each in drawn), regret, regret > 0))
    return found


def table(title: str, found: dict[str, list[list[Row]]]) -> None:
    """Print a row per search: means over its banks, and the regret's interval."""
    print(f"\n{title}\n\n| | epochs | regret, points | best lost |\n|---|---|---|---|")
    for name, of_banks in found.items():
        means = np.array([np.mean(rows, axis=0) for rows in of_banks])
        epochs, regret, lost = means.mean(axis=0)
        half = 0.0
        if len(means) > 1:
            half = student.ppf(0.975, len(means) - 1) * means[:, 1].std(ddof=1) / np.sqrt(len(means))
        print(f"| {name} | {epochs:.1%} | {regret:.3f} ± {half:.3f} | {lost:.0%} |")


def compare(given: argparse.Namespace, all_banks: Iterable[Bank]) -> None:
    """Run all searches, and print a table for each data set, and the regret by its schedules."""
    searches: dict[str, tuple[Search, int]] = {name: (partial(ours, make), given.orders) for name, make in OURS.items()}
    for rungs in given.rungs:
        make = partial(halving, rungs=[int(rung) for rung in rungs.split(",")])
        searches[f"halving, rungs {rungs}"] = (partial(ours, lambda bank, make=make: make()), given.orders)
    searches["random, as many epochs as halving"] = (partial(fewer, searches["halving"][0]), given.orders)
    if given.peers:
        searches |= {name: (partial(optunas, make), given.peers) for name, make in PEERS.items()}
    found: dict[str, dict[str, dict[str, list[list[Row]]]]] = {}
    for bank in all_banks:
        parts = found.setdefault(bank.dataset.name, {})
        for name, (search, orders) in searches.items():
            rows = measured(search, bank, orders, given.trials)
            for part in (WITH if bank.warm_up else WITHOUT, bank.schedule):
                parts.setdefault(part, defaultdict(list))[name].append(rows)
    for dataset, parts in found.items():
        for part in (WITHOUT, WITH):
            table(f"{dataset}, {given.trials} configurations, {part}", parts[part])
        by_schedule(parts)


def by_schedule(parts: dict[str, dict[str, list[list[Row]]]]) -> None:
    """Print the regret of each search, a column per schedule."""
    schedules = [part for part in parts if part not in (WITH, WITHOUT)]
    print(f"\n| regret, points | {' | '.join(schedules)} |\n|---|{'---|' * len(schedules)}")
    for name in parts[WITHOUT]:
        cells = [f"{np.mean([row[1] for rows in parts[each][name] for row in rows]):.3f}" for each in schedules]
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Make the banks, replay the searches."""
    arguments = argparse.ArgumentParser(description="What pruners save and lose on known learning curves.")
    arguments.add_argument("--banks", type=Path, default=user_cache_path("hpsearch") / "banks")
    arguments.add_argument("--orders", type=int, default=40)
    arguments.add_argument("--peers", type=int, default=2, help="orders for Optuna's pruners, which are slow")
    arguments.add_argument("--trials", type=int, default=64)
    arguments.add_argument("--rungs", nargs="*", default=[], help="lists of rungs to compare")
    arguments.add_argument("--seeds", default=",".join(map(str, range(SEEDS))))
    given = arguments.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    compare(given, banks(given.banks, seeds=[int(seed) for seed in given.seeds.split(",")]))


if __name__ == "__main__":
    main()
