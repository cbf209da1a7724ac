"""The cost of the bookkeeping of a search: many trials of a tiny model, compared with Optuna's `study.optimize`.

    python benchmarks/bookkeeping.py [--trials 10000] [--optuna 1000] [--workers 2]

The coordinator's time is the processor time of its process, without training, which is in the workers, start and
report. Optuna runs trials of the same model, samples and epochs, trained by our core one at a time, in `--workers`
threads over one SQLite file; the accuracy of each epoch is reported to it. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
EPOCHS, SAMPLES = 2, 64
STUDY = """\
name = "tiny"
data = {{ dataset = "digits", train = {samples}, validation = {samples} }}
model = {{ file = "models/softmax.py" }}
training = {{ epochs = {epochs}, eta = 0.1, batch_size = {samples} }}
[[stage]]
name = "only"
sampler = {{ kind = "random", trials = {trials} }}
space.lambda = {{ low = 1e-6, high = 1e-1, log = true }}
space.eta = {{ low = 1e-3, high = 1.0, log = true }}
"""
RUN = """\
import json, sys, time
from pathlib import Path
from hpsearch.search.launch import launch
from hpsearch.search.options import Options
from hpsearch.search.progress import Watcher

marks = []

class Marks(Watcher):
    def stage(self, progress):
        marks.append((progress.trials_done, time.process_time(), time.perf_counter()))

if __name__ == "__main__":
    file, storage, workers = sys.argv[1:]
    launch(Path(file), Options(storage, int(workers), watcher=Marks()))
    print(json.dumps(marks))
"""


def text(trials: int) -> str:
    """The study file."""
    return STUDY.format(trials=trials, epochs=EPOCHS, samples=SAMPLES)


def ours(folder: Path, trials: int, workers: int) -> None:
    """Run the study; print what a trial costs the coordinator, and what `status` and `report` cost."""
    (folder / "tiny.toml").write_text(text(trials))
    (folder / "run.py").write_text(RUN)
    url = f"sqlite:///{folder}/tiny.db"
    command = [sys.executable, str(folder / "run.py"), str(folder / "tiny.toml"), url, str(workers)]
    out = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True, env=environment()).stdout
    marks = np.array(json.loads(out), dtype=float)
    done, cpu, wall = marks[np.unique(marks[:, 0], return_index=True)[1]].T
    print(f"hpsearch: {trials:,} trials of {EPOCHS} epochs, {workers} workers, {wall[-1] - wall[0]:.1f} s")
    part = trials // 10
    spans = (("all trials", 0, trials), ("the first 10%", 0, part), ("the last 10%", trials - part, trials))
    for name, low, high in spans:
        cost, took = (1000 * np.diff(np.interp([low, high], done, clock))[0] / (high - low) for clock in (cpu, wall))
        print(f"  {name}: {cost:.2f} ms of the coordinator a trial, {took:.2f} ms of wall time")
    commands = (["status"], ["status", "tiny"], ["report", "tiny", "--reports", str(folder / "reports")])
    for arguments in commands:
        seconds, memory = measured([sys.executable, "-m", "hpsearch", *arguments, "--storage", url])
        print(f"  hpsearch {' '.join(arguments[:2])}: {seconds:.1f} s, {memory:.0f} MB")
    print(f"  the database has {os.path.getsize(folder / 'tiny.db') / 1e6:.0f} MB")


def environment() -> dict[str, str]:
    """Return an environment with one BLAS thread and this checkout."""
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def measured(command: list[str]) -> tuple[float, float]:
    """Return the time (s) and the peak memory (MB) of a command."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment())
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - began, used.ru_maxrss / 1000


def peer(folder: Path, trials: int, workers: int) -> None:
    """Run trials of the same kind through `study.optimize`."""
    import optuna

    from hpsearch import data
    from hpsearch.spec import parse, resolve
    from hpsearch.workers.models.plugin import read_plugin
    from hpsearch.workers.segments.run import run_segment
    from hpsearch.workers.segments.segment import Segment, Task

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = parse(text(trials), "tiny.toml")
    split = data.prepare(data.load("digits", None, ROOT), train=SAMPLES, validation=SAMPLES, seed=0)
    plugin = read_plugin(ROOT / "models/softmax.py")
    training = []

    def objective(trial: optuna.Trial) -> float:
        lam, eta = trial.suggest_float("lambda", 1e-6, 1e-1, log=True), trial.suggest_float("eta", 1e-3, 1, log=True)
        task = Task(0, resolve(study, study.stages[0], {"lambda": lam, "eta": eta}), ("only", trial.number))
        began = time.thread_time()
        result = run_segment(Segment((task,), split, plugin.path, plugin.hash, 0, 0, 1, EPOCHS, ends=True))
        training.append(time.thread_time() - began)
        for row in result.tasks[0].curve:
            trial.report(row[-1], int(row[0]))
        return max(row[-1] for row in result.tasks[0].curve)

    sampler = optuna.samplers.RandomSampler(0)
    made = optuna.create_study(storage=f"sqlite:///{folder}/optuna.db", direction="maximize", sampler=sampler)
    began, cpu = time.perf_counter(), time.process_time()
    made.optimize(objective, n_trials=trials, n_jobs=workers)
    wall, spent = time.perf_counter() - began, time.process_time() - cpu - sum(training)
    print(f"Optuna: {trials:,} trials, {workers} threads, {wall:.1f} s")
    print(f"  {1000 * spent / trials:.2f} ms of bookkeeping a trial, {1000 * wall / trials:.2f} ms of wall time")


def main() -> None:
    """Run both and print the figures."""
    arguments = argparse.ArgumentParser(description="The bookkeeping's cost per trial, ours and Optuna's.")
    for name, default in (("trials", 10_000), ("optuna", 1_000), ("workers", 2)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours(Path(folder), given.trials, given.workers)
        if given.optuna:
            peer(Path(folder), given.optuna, given.workers)


if __name__ == "__main__":
    main()
