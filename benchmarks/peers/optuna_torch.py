"""The search of lab report 5 with Optuna and PyTorch: two processes over one SQLite file, one thread each."""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import optuna
import plan
import torch_training

optuna.logging.set_verbosity(optuna.logging.ERROR)
held: dict[str, plan.Data] = {}


def start() -> None:
    held["search"] = plan.load(plan.SIZES.train)


def optimise(storage: str, name: str, trials: int, low: float, high: float, epochs: int, points: list[float]) -> None:
    """What one of the two processes does in a stage."""

    def objective(trial: optuna.Trial) -> float:
        lam = trial.suggest_float("lambda", low, high, log=True)
        return torch_training.train(held["search"], lam, epochs, trial.number, trial.report)[0]

    sampler = optuna.samplers.GridSampler({"lambda": points}) if points else optuna.samplers.RandomSampler()
    study = optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    study.optimize(objective, n_trials=trials)


def final(lam: float, seed: int) -> float:
    data = held.setdefault("final", plan.load(plan.SIZES.final, 1_000))
    return torch_training.train(data, lam, plan.SIZES.others, seed, lambda *_: None)[1]


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(plan.WORKERS, get_context("spawn"), start) as pool,
    ):
        storage = f"sqlite:///{folder}/optuna.db"
        done = 0

        def stage(
            name: str, trials: int, low: float, high: float, epochs: int, points: list[float]
        ) -> dict[float, float]:
            nonlocal done
            study = optuna.create_study(study_name=name, storage=storage, direction="maximize")
            shares = [len(range(process, trials, plan.WORKERS)) for process in range(plan.WORKERS)]
            for each in [pool.submit(optimise, storage, name, share, low, high, epochs, points) for share in shares]:
                each.result()
            done += len(study.trials)
            return {trial.params["lambda"]: trial.value or 0.0 for trial in study.trials if trial.value is not None}

        first, others = plan.SIZES.first, plan.SIZES.others
        low, high = plan.around(stage("coarse", 8, plan.LOW, plan.HIGH, first, []))
        low, high = plan.around(stage("narrow", 8, low, high, others, []))
        scores = stage("fine", 5, low, high, others, plan.grid(low, high))
        best = max(scores, key=lambda lam: scores[lam])
        tests = list(pool.map(final, [best] * 3, range(3)))
        plan.end(scores, tests, done + 3)


if __name__ == "__main__":
    main()
