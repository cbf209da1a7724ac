"""The training core against this machine's sgemm rate, and against its peers: `python benchmarks/core.py`.

Each figure comes from a process of its own with one thread on one core (`one.py`). --peers names a Python that has
PyTorch, JAX and scikit-learn; without it only ours are measured. HPSEARCH_DATA may name a directory with CIFAR-10.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cases import CASES

HERE = Path(__file__).parent
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
XLA = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "JAX_PLATFORMS": "cpu"}
SHARES = {
    "two-layer": 0.88,
    "two-layer-momentum": 0.72,
    "two-layer-adam": 0.55,
    "softmax": 0.83,
    "three-layer": 0.80,
    "two-layer-of-4": None,
    "two-layer-alone": None,
    "two-layer-nesterov": None,
    "two-layer-adamw": None,
}
RATIOS = [
    ("two-layer", "torch", 4.5),
    ("two-layer", "torch_vmap", 2.5),
    ("two-layer", "jax_vmap", 1.7),
    ("two-layer", "sklearn", 2.3),
    ("two-layer", "numpy64", 10.0),
    ("softmax", "torch", 5.5),
]


def start(python: str, trainer: str, case: str, core: int, rounds: int) -> "subprocess.Popen[str]":
    environment = os.environ | ONE_THREAD | XLA | {"PYTHONPATH": str(HERE.parent)}
    command = [python, str(HERE / "one.py"), trainer, case, str(core), str(rounds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def measured(process: "subprocess.Popen[str]") -> dict[str, Any]:
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{process.args}: exit status {process.returncode}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def shares(rounds: int, workers: int) -> None:
    print(f"| case, {workers} worker{'s' * (workers > 1)} | share of sgemm | median | sgemm, GFLOP/s | at least |")
    print("|---|---|---|---|---|")
    for case in CASES:
        found = [measured(p) for p in [start(sys.executable, "hpsearch", case, w, rounds) for w in range(workers)]]
        share, median, rate = (sum(f[key] for f in found) / workers for key in ("share", "median_share", "sgemm"))
        target = SHARES[case] if SHARES[case] else ""
        print(f"| {case} | {share:.2f} | {median:.2f} | {rate:.0f} | {target} |", flush=True)


def ratios(rounds: int, peers: str) -> None:
    print("\n| case | against | faster, time per trial | at least | peer, ms | ours, ms |\n|---|---|---|---|---|---|")
    for case, trainer, target in RATIOS:
        runs = [(sys.executable, "hpsearch"), (peers, trainer)] * 2  # in turn, should the machine have other work
        found = [measured(start(python, name, case, 0, rounds))["best"] for python, name in runs]
        ours, theirs = min(found[::2]), min(found[1::2])
        numbers = f"{theirs / ours:.1f}× | {target}× | {theirs * 1e3:.2f} | {ours * 1e3:.2f}"
        print(f"| {case} | {trainer} | {numbers} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", metavar="PYTHON", help="a Python with PyTorch, JAX and scikit-learn")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--workers", type=int, default=1, help="processes that train at the same time, a core each")
    arguments = parser.parse_args()
    shares(arguments.rounds, arguments.workers)
    if arguments.peers:
        ratios(arguments.rounds, arguments.peers)
