"""The time until a search is within 0.2 points of the best of 64 random configurations, compared with Optuna.

    HPSEARCH_DATA=DIRECTORY python benchmarks/target.py [--trials 64] [--epochs 8] [--train 20000] [--seeds 3]

HPSEARCH_DATA must name a directory with CIFAR-10. λ, η and the batch size of a two-layer net are searched. The target
is the best validation accuracy of `--trials` fully trained random configurations, less 0.2 points. The time is from the
start of the search (the samples are prepared) until a configuration reaches it, after any of its epochs. Optuna's
samplers and pruner run in two processes over one SQLite file; our core trains each trial, one at a time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
MARGIN = 0.002
STUDY = """\
name = "target"
seed = {seed}
data = {{ dataset = "cifar10", train = {train}, validation = 5000 }}
model = {{ file = "models/mlp.py", hidden = [50] }}
training = {{ epochs = {epochs}, eta = 0.1, batch_size = 100 }}
[[stage]]
name = "only"
sampler = {sampler}
space.lambda = {{ low = 1e-6, high = 1e-1, log = true }}
space.eta = {{ low = 1e-3, high = 1.0, log = true }}
space.batch_size = [50, 100, 200]
"""
RANDOM = '{{ kind = "random", trials = {trials} }}'
TPE = '{{ kind = "tpe", trials = {trials}, batch = 16 }}'
OURS = {
    "hpsearch random": RANDOM,
    "hpsearch random, halving": RANDOM + '\npruner = {{ kind = "halving", audit = 0.0 }}',
    "hpsearch TPE, halving": TPE + '\npruner = {{ kind = "halving", audit = 0.0 }}',
}
PEERS = {"Optuna random": "random", "Optuna TPE + MedianPruner": "tpe"}
RUN = """\
import json, sys, time
from pathlib import Path
from hpsearch.search.launch import launch
from hpsearch.search.options import Options
from hpsearch.search.progress import Watcher
from hpsearch.search.stages import run as stage_run

marks = []
first = stage_run.StageRun.run

def timed(self):
    marks.append((0.0, time.perf_counter()))
    return first(self)

class Marks(Watcher):
    def stage(self, progress):
        marks.append((progress.best or 0.0, time.perf_counter()))

if __name__ == "__main__":
    stage_run.StageRun.run = timed
    launch(Path(sys.argv[1]), Options(sys.argv[2], int(sys.argv[3]), watcher=Marks()))
    print(json.dumps(marks))
"""


def text(sampler: str, given: argparse.Namespace, seed: int) -> str:
    """The study file."""
    filled = sampler.format(trials=given.trials)
    return STUDY.format(seed=seed, train=given.train, epochs=given.epochs, sampler=filled)


def ours(folder: Path, sampler: str, given: argparse.Namespace, seed: int) -> list[tuple[float, float]]:
    """Run a study; return the best value so far and when (s)."""
    (folder / "study.toml").write_text(text(sampler, given, seed))
    (folder / "run.py").write_text(RUN)
    database = folder / "ours.db"
    for old in folder.glob("ours.db*"):
        old.unlink()
    command = [
        sys.executable,
        str(folder / "run.py"),
        str(folder / "study.toml"),
        f"sqlite:///{database}",
        f"{WORKERS}",
    ]
    marks = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, env=environment()).stdout)
    return [(value, at - marks[0][1]) for value, at in marks]


def environment() -> dict[str, str]:
    """Return an environment with one BLAS thread and this checkout."""
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def peer(folder: Path, kind: str, given: argparse.Namespace, seed: int) -> list[tuple[float, float]]:
    """Run Optuna's search in two processes; return every epoch's value and when (s)."""
    for old in folder.glob("optuna.db*"):
        old.unlink()
    (folder / "study.toml").write_text(text(RANDOM, given, seed))
    mine = [sys.executable, __file__, "--worker", kind, str(folder), str(seed), "--trials", str(given.trials)]
    processes = []
    for number in range(WORKERS):
        started = subprocess.Popen(
            [*mine, "--number", str(number)], stdout=subprocess.PIPE, env=environment(), cwd=ROOT
        )
        assert started.stdout is not None
        started.stdout.readline()  # the study is made, the samples are prepared
        processes.append(started)
    marks = [json.loads(process.communicate()[0]) for process in processes]
    began = max(found[0][1] for found in marks)
    return sorted(((value, at - began) for found in marks for value, at in found), key=lambda mark: mark[1])


def work(kind: str, folder: Path, seed: int, trials: int, number: int) -> None:
    """One of Optuna's processes."""
    import optuna
    from optuna.study import MaxTrialsCallback

    from hpsearch import data
    from hpsearch.spec import read, resolve
    from hpsearch.workers.models.plugin import read_plugin
    from hpsearch.workers.segments.run import run_segment
    from hpsearch.workers.segments.segment import Segment, Task

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = read(folder / "study.toml")
    dataset = data.load("cifar10", data.data_directory(None), ROOT)
    split = data.prepare(dataset, train=study.data.train, validation=5000, seed=study.seed)
    plugin = read_plugin(ROOT / "models/mlp.py")
    sampler = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}[kind](
        seed=seed + 1000 * number
    )
    pruner = optuna.pruners.MedianPruner() if kind == "tpe" else optuna.pruners.NopPruner()
    made = optuna.create_study(
        study_name="target",
        storage=f"sqlite:///{folder}/optuna.db",
        direction="maximize",
        sampler=sampler,
        pruner=pruner,
        load_if_exists=True,
    )
    marks = []
    epochs = study.training.epochs
    assert epochs is not None

    def objective(trial: optuna.Trial) -> float:
        params = {
            "lambda": trial.suggest_float("lambda", 1e-6, 1e-1, log=True),
            "eta": trial.suggest_float("eta", 1e-3, 1.0, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [50, 100, 200]),
        }
        configuration = resolve(study, study.stages[0], params)
        state, best = None, -1.0
        for epoch in range(1, epochs + 1):
            task = Task(0, configuration, ("only", trial.number), state, best)
            one = Segment((task,), split, plugin.path, plugin.hash, seed, 0, epoch, epoch, ends=epoch == epochs)
            result = run_segment(one).tasks[0]
            if result.failed:
                raise optuna.TrialPruned
            state, best = result.state, max(best, result.curve[-1][-1])
            marks.append((best, time.time()))
            trial.report(result.curve[-1][-1], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return best

    print(flush=True)
    marks.append((0.0, time.time()))
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED, optuna.trial.TrialState.RUNNING)
    made.optimize(objective, callbacks=[MaxTrialsCallback(trials, states)])
    print(json.dumps(marks))


def until(marks: list[tuple[float, float]], target: float) -> float:
    """Return when the target was reached (s); infinite if it never was."""
    return min((at for value, at in marks if value >= target), default=float("inf"))


def main() -> None:
    """Run all of them and print a table."""
    arguments = argparse.ArgumentParser(description="Time to a configuration as good as the best of many random ones.")
    for name, default in (("trials", 64), ("epochs", 8), ("train", 20_000), ("seeds", 3), ("number", 0)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--worker", nargs=3)
    given = arguments.parse_args()
    if given.worker:
        kind, place, seed = given.worker
        work(kind, Path(place), int(seed), given.trials, given.number)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found: dict[str, list[tuple[float, float]]] = {}
        for seed in range(given.seeds):
            runs = {name: ours(folder, sampler, given, seed) for name, sampler in OURS.items()}
            runs |= {name: peer(folder, kind, given, seed) for name, kind in PEERS.items()}
            target = max(value for value, _ in runs["hpsearch random"]) - MARGIN
            print(f"seed {seed}: the target is {target:.2%}")
            for name, marks in runs.items():
                found.setdefault(name, []).append((until(marks, target), marks[-1][1]))
                best = max(value for value, _ in marks)
                took = f"{until(marks, target):.1f} s to the target, {marks[-1][1]:.1f} s in all"
                print(f"  {name}: {took}, best {best:.2%}")
    print("median over the seeds, to the target and in all:")
    for name, times in found.items():
        print(f"  {name}: {median(t for t, _ in times):.1f} s, {median(t for _, t in times):.1f} s")


if __name__ == "__main__":
    main()
