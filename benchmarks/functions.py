"""What a trial of a function costs beside the function itself: `hpsearch.optimise`, and Optuna's `study.optimize`.

    python benchmarks/functions.py [--trials 1000] [--dimensions 5]

A sphere function, in one process and thread, each run in a process of its own, with a random sampler and with TPE. The
time is processor time from the call to its end; what importing costs is beside it, and so is the wall time, which has
the writes to the disk. hpsearch always writes to SQLite, and each trial with its curve; Optuna writes to SQLite, or
keeps its trials in memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OURS = """
import time
began = time.process_time()
import hpsearch
from hpsearch import Range
from hpsearch.api.optimise import optimise

def sphere(params, seed):
    return sum(value * value for value in params.values())

space = {f"x{i}": Range(-5.0, 5.0) for i in range(DIMENSIONS)}
study = {"space": space, "sampler": "SAMPLER", "storage": "sqlite:///study.db", "progress": False}
optimise(sphere, trials=5, name="first", **study)  # makes the database, and imports the rest
imported = time.process_time() - began
cpu, wall = time.process_time(), time.perf_counter()
results = optimise(sphere, trials=TRIALS, **study)
print(imported, time.process_time() - cpu, time.perf_counter() - wall, results.best.value)
"""

OPTUNAS = """
import time
began = time.process_time()
import optuna
optuna.logging.set_verbosity(optuna.logging.WARNING)

def sphere(trial):
    return sum(trial.suggest_float(f"x{i}", -5.0, 5.0) ** 2 for i in range(DIMENSIONS))

sampler = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}["SAMPLER"](seed=0)
optuna.create_study(sampler=sampler, storage=STORAGE.replace("study", "first") if STORAGE else None).optimize(sphere, 5)
study = optuna.create_study(sampler=sampler, storage=STORAGE)
imported = time.process_time() - began
cpu, wall = time.process_time(), time.perf_counter()
study.optimize(sphere, n_trials=TRIALS)
print(imported, time.process_time() - cpu, time.perf_counter() - wall, study.best_value)
"""


def run(name: str, script: str, trials: int, **given: str) -> None:
    """Run a script in a new folder; print its times a trial."""
    for key, value in given.items():
        script = script.replace(key, value)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "script.py").write_text(script, "utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "script.py"], cwd=folder, env=environment, capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(done.stderr)
    imported, cpu, wall, best = map(float, done.stdout.split()[-4:])
    print(f"{name:32} {1000 * cpu / trials:8.2f} {1000 * wall / trials:8.2f} {imported:8.1f} {best:10.4g}", flush=True)


def main() -> None:
    """Measure each sampler with each library."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--dimensions", type=int, default=5)
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe"])
    given = parser.parse_args()
    print(f"{'ms a trial':32} {'cpu':>8} {'wall':>8} {'import s':>8} {'best':>10}")
    for sampler in given.samplers:
        common = {"SAMPLER": sampler, "TRIALS": str(given.trials), "DIMENSIONS": str(given.dimensions)}
        run(f"hpsearch, {sampler}", OURS, given.trials, **common)
        run(f"Optuna, {sampler}, SQLite", OPTUNAS, given.trials, STORAGE="'sqlite:///study.db'", **common)
        run(f"Optuna, {sampler}, memory", OPTUNAS, given.trials, STORAGE="None", **common)


if __name__ == "__main__":
    main()
