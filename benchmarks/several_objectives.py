"""How well the samplers of several objectives find known fronts, beside Optuna's own at equal numbers of trials.

    python benchmarks/several_objectives.py [--seeds 5] [--trials 200]

ZDT1 (two objectives, ten variables) and DTLZ2 (three objectives, seven variables). Ours ask in batches of eight, as a
study does, so that any number of workers gives the same search; Optuna's ask one by one. The table has the mean
hypervolume over the seeds and its standard error, as a share of that of the true front.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna._hypervolume import compute_hypervolume

from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import Point
from hpsearch.spec import Stage
from hpsearch.storage.records import COMPLETE

Function = Callable[[np.ndarray], tuple[float, ...]]


def zdt1(x: np.ndarray) -> tuple[float, ...]:
    """Zitzler, Deb and Thiele 2000; the front is f2 = 1 − √f1."""
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - np.sqrt(x[0] / g)))


def dtlz2(x: np.ndarray) -> tuple[float, ...]:
    """Deb et al. 2002; the front is the unit sphere's octant."""
    r = 1 + ((x[2:] - 0.5) ** 2).sum()
    a, b = np.pi / 2 * x[0], np.pi / 2 * x[1]
    return float(r * np.cos(a) * np.cos(b)), float(r * np.cos(a) * np.sin(b)), float(r * np.sin(a))


# name, variables, reference point, the true front's hypervolume: ∫ (r2 − 1 + √f) df, and that of a cube without a ball
PROBLEMS: tuple[tuple[str, Function, int, tuple[float, ...], float], ...] = (
    ("ZDT1", zdt1, 10, (1.1, 6.0), 5.0 + 2 / 3 + 0.1 * 6.0),
    ("DTLZ2", dtlz2, 7, (1.5, 1.5, 1.5), 1.5**3 - np.pi / 6),
)

OURS: dict[str, dict[str, Any]] = {
    "hpsearch random": {"kind": "random"},
    "hpsearch nsga2": {"kind": "nsga2", "population_size": 20, "batch": 8},
    "hpsearch tpe": {"kind": "tpe", "batch": 8},
}
OPTUNAS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "Optuna NSGA-II": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
    "Optuna TPE": lambda seed: optuna.samplers.TPESampler(seed=seed),
}


def ours(function: Function, variables: int, trials: int, sampler: dict[str, Any], seed: int) -> np.ndarray:
    """Search as a stage does: configuration i is asked for after the results of all batches before its own."""
    space = {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(variables)}
    stage = Stage.model_validate({"name": "search", "sampler": sampler | {"trials": trials}, "space": space})
    goals = len(function(np.zeros(variables)))
    made, points, told = sampler_of(stage, stage.space, seed, several=goals), list[Point](), 0
    batch = stage.batch_size_of_points or trials
    for number in range(trials):
        while made.learns and told < number // batch * batch:
            made.tell(points[told])
            told += 1
        params, attributes = made.ask(number)
        values = function(np.array(list(params.values())))
        scores = tuple(-value for value in values)
        points.append(Point(number, params, COMPLETE, scores[0], (), attributes, scores))
    return -np.array([point.scores for point in points])


def optunas(
    function: Function, variables: int, trials: int, sampler: Callable[[int], optuna.samplers.BaseSampler], seed: int
) -> np.ndarray:
    """Search by Optuna's `optimize`, one trial after the other."""
    goals = len(function(np.zeros(variables)))
    study = optuna.create_study(directions=["minimize"] * goals, sampler=sampler(seed))
    study.optimize(
        lambda trial: function(np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(variables)])),
        n_trials=trials,
    )
    return np.array([trial.values for trial in study.trials])


def hypervolume(values: np.ndarray, reference: tuple[float, ...]) -> float:
    """The volume between the reference point and what was found; what lies beyond that point adds nothing."""
    inside = values[(values <= reference).all(axis=1)]
    return float(compute_hypervolume(inside, np.array(reference))) if len(inside) else 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=200)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searches: dict[str, Callable[[Function, int, int], np.ndarray]] = {
        name: lambda f, d, seed, sampler=sampler: ours(f, d, given.trials, sampler, seed)
        for name, sampler in OURS.items()
    } | {
        name: lambda f, d, seed, sampler=sampler: optunas(f, d, given.trials, sampler, seed)
        for name, sampler in OPTUNAS.items()
    }
    print(f"| sampler, {given.trials} trials | {' | '.join(name for name, *_ in PROBLEMS)} |")
    print(f"|---|{'---|' * len(PROBLEMS)}")
    for name, search in searches.items():
        cells = []
        for _, function, variables, reference, whole in PROBLEMS:
            found = [hypervolume(search(function, variables, seed), reference) / whole for seed in range(given.seeds)]
            cells.append(f"{np.mean(found):.3f} ± {np.std(found, ddof=1) / np.sqrt(len(found)):.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
