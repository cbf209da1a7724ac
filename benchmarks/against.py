"""The whole search of lab report 5, from the command to its result, by hpsearch and by its peers, in turn in one run.

    HPSEARCH_DATA=DIRECTORY python benchmarks/against.py [--runs 5] [--short] [--peers optuna ray sklearn]

HPSEARCH_DATA must name a directory with CIFAR-10. Each peer is a script of the kind that a user would write (`peers/`):
Optuna and PyTorch, two processes over one SQLite file; Ray Tune and PyTorch; scikit-learn's MLPClassifier and joblib.
All have two processes of one thread, the same network, batches, updates and stages. Ours also keeps all curves, the
evidence of each trial and the weights, and writes its report. Each line has the accuracies, so that nobody is fast by
doing less. `--short` trains on 2,500 images for a few epochs; there starting is most of the time.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SHORT = {"train": 2_500, "final": 3_000, "first": 4, "others": 4}
PEERS = {
    "optuna": ("Optuna + PyTorch", "optuna_torch.py"),
    "ray": ("Ray Tune + PyTorch", "ray_torch.py"),
    "sklearn": ("scikit-learn + joblib", "sklearn_joblib.py"),
}


def timed(command: list[str], environment: dict[str, str], folder: str) -> tuple[float, float, str]:
    """Run a command; return its time and its processor time with that of its children (s), and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=os.environ | environment, cwd=folder, capture_output=True, text=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr[-2000:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def ours(short: bool) -> tuple[float, float, dict[str, Any]]:
    """Launch the study; return its times and its result."""
    with tempfile.TemporaryDirectory() as folder:
        text = (ROOT / "studies" / "coarse_to_fine.toml").read_text()
        if short:
            for old, new in (("45_000", SHORT["train"]), ("49_000", SHORT["final"])):
                text = text.replace(f"train = {old}", f"train = {new}")
            text = re.sub(r"cycles = \d", "cycles = 1", text)  # of four epochs
        for part in ("models", "studies"):
            (Path(folder) / part).mkdir()
        (Path(folder) / "models" / "mlp.py").write_bytes((ROOT / "models" / "mlp.py").read_bytes())
        (Path(folder) / "studies" / "study.toml").write_text(text)
        storage = f"sqlite:///{folder}/study.db"
        command = [sys.executable, "-m", "hpsearch", "launch", "studies/study.toml", "--workers", "2", "--json"]
        command += ["--storage", storage, "--reports", f"{folder}/reports"]
        seconds, cpu, out = timed(command, {"PYTHONPATH": str(ROOT)}, folder)
        lines = [json.loads(line) for line in out.splitlines()]
        best = lines[-1]["best"]
        found = {"lambda": best["params"]["lambda"], "validation": best["value"], "test": best["test"]}
        return seconds, cpu, found | {"trials": sum(line["event"] == "trial" for line in lines)}


def peer(script: str, short: bool) -> tuple[float, float, dict[str, Any]]:
    """Run a peer's script; return its times and its result."""
    environment = ONE_THREAD | {"PYTHONPATH": str(HERE / "peers"), "SIZES": json.dumps(SHORT if short else {})}
    with tempfile.TemporaryDirectory() as folder:
        seconds, cpu, out = timed([sys.executable, str(HERE / "peers" / script)], environment, folder)
    return seconds, cpu, json.loads(out.splitlines()[-1])


def main() -> None:
    """Run all in turn; print each run, and a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    given = parser.parse_args()
    runs: dict[str, Callable[[], tuple[float, float, dict[str, Any]]]] = {"hpsearch": lambda: ours(given.short)}
    for name in given.peers:
        title, script = PEERS[name]
        runs[title] = lambda script=script: peer(script, given.short)  # type: ignore[misc]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(given.runs):
        for name, run in runs.items():
            seconds, cpu, result = run()
            found[name].append((seconds, cpu))
            accuracies = f"validation {result['validation']:.2%}, test {result['test']:.2%}"
            print(
                f"{name}: {seconds:.1f} s, {cpu:.1f} s of processor time, {result['trials']} trainings,"
                f" λ = {result['lambda']:.2e}, {accuracies}; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores; seconds: min, median, max")
    for name, times in found.items():
        walls = [wall for wall, _ in times]
        ratios = [wall / mine for (wall, _), (mine, _) in zip(times, found["hpsearch"], strict=True)]
        text = f"{min(walls):.1f}, {median(walls):.1f}, {max(walls):.1f}; processor {median(c for _, c in times):.1f}"
        print(f"| {name} | {text} | {min(ratios):.2f}, {median(ratios):.2f}, {max(ratios):.2f}× |")


if __name__ == "__main__":
    main()
