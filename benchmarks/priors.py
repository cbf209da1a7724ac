"""Priors with halving: what good, vague and wrong ones give and cost, by random search, TPE and PriorBand.

    HPSEARCH_DATA=DIRECTORY python benchmarks/priors.py [--banks FOLDER] [--seeds 20] [--trials 32 64]

Nothing is trained but the banks of `banks.py`: the curve of a configuration (λ, η, batch size) is the mean of the four
nearest ones of all banks with its data set and schedule, weighted by nearness. Our plan, samplers and pruners search
that space. A good prior is at the best of it with the confidence "high", a vague one there with "low"; a near one is a
quarter of each range off; a wrong one is at the end of each range that is farther from the best. Prints, for each way,
the regret of the best configuration that trained to its end ÷ that of random search with the same pruner, the mean over
the surfaces with its standard error over the seeds.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from banks import BATCH_SIZES, LAMBDA, SEEDS, Dataset, banks, drawn, eta_of
from platformdirs import user_cache_path

from hpsearch import spec
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.stages.plan import StagePlan
from hpsearch.search.stages.space import longest_of
from hpsearch.storage.records import COMPLETE, PRUNED, RUNNING, WAITING, NewTrial, TrialRow

SCHEDULES = ("constant", "step", "cosine")
NEIGHBOURS = 4
HALVING = 'pruner = { kind = "halving" }'

Array = np.ndarray


class Surface:
    """The learning curve of every configuration, between those of the banks of one data set and schedule."""

    def __init__(self, dataset: Dataset, schedule: str, places: Array, curves: Array) -> None:
        """`places` are in the unit cube; `curves` (configurations, epochs) have the best accuracy so far."""
        self.dataset, self.name, self._places, self._curves = dataset, f"{dataset.name}, {schedule}", places, curves
        cube = np.random.default_rng(0).random((4000, 3))
        cube[:, 2] = cube[:, 2] < 0.5
        ends = np.array([self.at(place)[-1] for place in cube])
        self.best, self.place = float(ends.max()), cube[ends.argmax()]

    def at(self, place: Array) -> Array:
        distances = np.square(self._places - place).sum(axis=1)
        near = np.argpartition(distances, NEIGHBOURS)[:NEIGHBOURS]
        weights = 1 / (distances[near] + 1e-4)
        return weights @ self._curves[near] / weights.sum()

    def curve(self, params: dict) -> Array:
        return self.at(_place(self.dataset, params["lambda"], params["eta"], params["batch_size"]))

    def space(self, kind: str) -> str:
        """The space with a prior of this kind: none, good, vague, near or wrong."""
        lines = [f"space.batch_size = {BATCH_SIZES}"]
        for key, (low, high), best in zip(("lambda", "eta"), (LAMBDA, eta_of(self.dataset)), self.place, strict=False):
            at = {"near": best + (0.25 if best < 0.5 else -0.25), "wrong": float(best < 0.5)}.get(kind, best)
            sure = {"good": "high", "vague": "low"}.get(kind, "medium")
            prior = f", prior = {10 ** (low + at * (high - low)):.6g}, confidence = '{sure}'" if kind != "none" else ""
            lines.append(f"space.{key} = {{ low = {10.0**low:.6g}, high = {10.0**high:.6g}, log = true{prior} }}")
        return "\n".join(lines)


def _place(dataset: Dataset, lam: float, eta: float, size: int) -> Array:
    low, high = eta_of(dataset)
    place = (np.log10(lam) - LAMBDA[0]) / (LAMBDA[1] - LAMBDA[0]), (np.log10(eta) - low) / (high - low)
    return np.array([*place, float(size == BATCH_SIZES[1])])


def surfaces(folder: Path) -> Iterator[Surface]:
    found: dict[tuple[str, str], tuple[Dataset, list[Array], list[Array]]] = {}
    for bank in banks(folder, range(SEEDS)):
        if bank.schedule not in SCHEDULES:
            continue
        kept = found.setdefault((bank.dataset.name, bank.schedule), (bank.dataset, [], []))
        rows = zip(*drawn(bank.dataset, bank.schedule, bank.seed), bank.configurations, strict=True)
        for lam, eta, size, trained in rows:
            kept[1].append(_place(bank.dataset, lam, eta, size))
            kept[2].append(np.array([score[0] for score in trained.scores]))
    for (_, schedule), (dataset, places, curves) in found.items():
        yield Surface(dataset, schedule, np.array(places), np.array(curves))


def search(surface: Surface, seed: int, sampler: str, space: str, pruner: str) -> tuple[float, float]:
    """The regret of a search, in percentage points, and its epochs as a share of those of training all."""
    study = spec.parse(
        f"""
        name = "priors"
        seed = {seed}
        data = {{ dataset = "digits", train = 200, validation = 100 }}
        model = {{ file = "models/any.py" }}
        training = {{ epochs = {surface.dataset.epochs} }}
        [[stage]]
        name = "only"
        sampler = {{ {sampler} }}
        {pruner}
        {space}
        """,
        "priors.toml",
    )
    stage = study.stages[0]
    longest = longest_of(study, stage)
    plan = StagePlan(study, stage, "only", sampler_of(stage, dict(stage.space), study.seed), longest)
    curves: dict[int, Array] = {}
    while True:
        while step := plan.next(10**6):
            for decision in step.decisions:
                stopped = replace(decision.trial, pruned_at=decision.pruned_at, reason=decision.reason, state=PRUNED)
                plan.update(stopped)
            plan.added([_row(new) for new in step.trials])
        if not (ready := list(plan.take_ready())):
            break
        for row in ready:
            curve = curves.setdefault(row.id, surface.curve(row.params))
            last = plan.limit(row)
            value, state = float(curve[last - 1]), COMPLETE if last == row.epochs else RUNNING
            done = replace(row, state=state, epochs_done=last, value=value, loss=1 - value, best_epoch=last)
            plan.update(done, [(e, float(curve[e - 1]), 1 - value) for e in range(row.epochs_done + 1, last + 1)])
    rows = list(plan.rows.values())
    chosen = max((row for row in rows if row.state == COMPLETE), key=lambda row: row.value or 0)
    epochs = sum(row.epochs_done for row in rows) / (longest * len(rows))
    return 100 * (surface.best - (chosen.value or 0)), epochs


def _row(new: NewTrial) -> TrialRow:
    blank = {"epochs_done": 0, "best_epoch": None, "value": None, "loss": None, "state": WAITING}
    return TrialRow(id=new.number + 1, optuna_trial_id=0, **vars(new), **blank)


def compare(found: Sequence[Surface], trials: int, seeds: int, pruner: str) -> None:
    def run(kind: str, prior: str) -> tuple[Array, Array]:
        sampler = f"kind = '{kind}', trials = {trials}, batch = 16"
        both = [[search(each, s, sampler, each.space(prior), pruner) for s in range(seeds)] for each in found]
        regrets, epochs = np.moveaxis(np.array(both), -1, 0)
        return regrets, epochs

    plain, shares = run("random", "none")
    print(
        f"{trials} configurations; random search: {plain.mean():.2f} points, {100 * shares.mean():.0f}% of the epochs"
    )
    for kind in ("random", "tpe", "priorband"):
        for prior in ("none", "good", "vague", "near", "wrong"):
            if prior == "none" and kind != "tpe":
                continue
            regrets, _ = run(kind, prior)
            ratios = regrets.mean(axis=1) / plain.mean(axis=1)
            error = np.sqrt((regrets.var(axis=1, ddof=1) / seeds).mean() / len(found)) / plain.mean()
            print(f"  {kind:10s}{prior:6s} {ratios.mean():.2f} ± {error:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--banks", type=Path, default=user_cache_path("hpsearch", appauthor=False) / "banks")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--pruner", default=HALVING, help="the line of a study file; empty for none")
    given = parser.parse_args()
    found = list(surfaces(given.banks))
    print(", ".join(f"{each.name}: best {each.best:.4f}" for each in found))
    for trials in given.trials:
        compare(found, trials, given.seeds, given.pruner)


if __name__ == "__main__":
    main()
