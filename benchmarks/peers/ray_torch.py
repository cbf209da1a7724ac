"""The search of lab report 5 with Ray Tune and PyTorch: two trials at a time, one thread each."""

import logging
import os
import tempfile
from typing import Any

os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0"}

import plan
import ray
import torch_training
from ray import tune


def trainable(config: dict[str, Any], data: plan.Data) -> None:
    def report(accuracy: float, epoch: int) -> None:
        tune.report({"accuracy": accuracy})

    best, test = torch_training.train(data, config["lambda"], config["epochs"], config["seed"], report)
    tune.report({"accuracy": best, "test": test})


def main() -> None:
    ray.init(num_cpus=plan.WORKERS, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    done = 0
    with tempfile.TemporaryDirectory() as folder:

        def stage(name: str, data: plan.Data, space: dict[str, Any], samples: int) -> list[Any]:
            nonlocal done
            tuner = tune.Tuner(
                tune.with_resources(tune.with_parameters(trainable, data=data), {"cpu": 1}),
                param_space=space,
                tune_config=tune.TuneConfig(num_samples=samples, metric="accuracy", mode="max", reuse_actors=True),
                run_config=tune.RunConfig(name=name, storage_path=folder, verbose=0),
            )
            found = list(tuner.fit())
            done += len(found)
            return found

        def scores(found: list[Any]) -> dict[float, float]:
            return {each.config["lambda"]: each.metrics["accuracy"] for each in found}

        data, others = plan.load(plan.SIZES.train), {"epochs": plan.SIZES.others, "seed": 0}
        first = {"lambda": tune.loguniform(plan.LOW, plan.HIGH), "epochs": plan.SIZES.first, "seed": 0}
        low, high = plan.around(scores(stage("coarse", data, first, 8)))
        low, high = plan.around(scores(stage("narrow", data, {"lambda": tune.loguniform(low, high)} | others, 8)))
        fine = scores(stage("fine", data, {"lambda": tune.grid_search(plan.grid(low, high))} | others, 1))
        best = {"lambda": max(fine, key=lambda lam: fine[lam]), "epochs": plan.SIZES.others}
        data = plan.load(plan.SIZES.final, 1_000)
        final = stage("final", data, best | {"seed": tune.grid_search([0, 1, 2])}, 1)
        plan.end(fine, [each.metrics["test"] for each in final], done)


if __name__ == "__main__":
    main()
