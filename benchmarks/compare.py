"""The short benchmarks on two checkouts, in turns: whether a change has made anything slower.

    python benchmarks/compare.py OLD NEW [--runs 5] [--only NAME …] [--limit 1.1]

OLD and NEW are checkouts of this repository; both run in this Python. Measured is processor time with that of all
children, which other work on the machine disturbs least. Each run of the new one is divided by the run of the old one
beside it. Exits with 1 if a median is above `--limit`.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

STUDY = """\
name = "short"
data = { dataset = "digits", train = 1_150, validation = 287 }
model = { file = "models/mlp.py", hidden = [64] }
training = { epochs = 20, schedule = { kind = "constant" } }
[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 32 }
space.lambda = { low = 1e-6, high = 1e-1, log = true }
space.eta = { low = 1e-3, high = 0.5, log = true }
space.batch_size = [20, 50, 100]
[final]
replicates = 3
"""

MANY = """\
name = "many"
data = { dataset = "digits", train = 64, validation = 64 }
model = { file = "models/softmax.py" }
training = { epochs = 2, eta = 0.1, batch_size = 64 }
[[stage]]
name = "only"
sampler = { kind = "random", trials = 1_000 }
space.lambda = { low = 1e-6, high = 1e-1, log = true }
"""

HPSEARCH = ("-m", "hpsearch")
PLACES = ("--storage", "sqlite:///short.db")
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "digits, 35 trials": (*HPSEARCH, "launch", "studies/short.toml", "--workers", "2", "--quiet", *PLACES),
    "a finished study again": (*HPSEARCH, "launch", "--or-resume", "studies/short.toml", "--quiet", *PLACES),
    "report": (*HPSEARCH, "report", "short", *PLACES),
    "report as PDF": (*HPSEARCH, "report", "short", "--format", "pdf", *PLACES),
    "status": (*HPSEARCH, "status", *PLACES),
    "top --once": (*HPSEARCH, "top", "short", "--once", *PLACES),
    "1,000 tiny trials": (*HPSEARCH, "launch", "studies/many.toml", "--workers", "1", "--quiet", *PLACES),
    "training core, cohort of 8": ("CHECKOUT/benchmarks/one.py", "hpsearch", "two-layer", "0", "5"),
}
"""The arguments of Python, in order: the first one makes the study that the next ones read."""


def prepare(folder: Path, checkout: Path) -> None:
    """Make a workspace with the model files of a checkout."""
    for part in ("models", "studies"):
        (folder / part).mkdir(parents=True)
    for model in ("mlp.py", "softmax.py"):
        (folder / "models" / model).write_bytes((checkout / "models" / model).read_bytes())
    (folder / "studies" / "short.toml").write_text(STUDY)
    (folder / "studies" / "many.toml").write_text(MANY)


def measured(checkout: Path, folder: Path, arguments: tuple[str, ...]) -> float:
    """Run Python with a checkout's package; return the processor time (s)."""
    command = [sys.executable, *(each.replace("CHECKOUT", str(checkout)) for each in arguments)]
    environment = os.environ | {"PYTHONPATH": str(checkout), "OPENBLAS_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Run all in turns; print times and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME")
    parser.add_argument("--limit", type=float, default=1.1)
    given = parser.parse_args()
    checkouts = {"old": given.old.resolve(), "new": given.new.resolve()}
    times: dict[str, dict[str, list[float]]] = {name: {"old": [], "new": []} for name in BENCHMARKS}
    with tempfile.TemporaryDirectory() as place:
        for run in range(given.runs):
            for which, checkout in checkouts.items():
                prepare(Path(place) / f"{which} {run}", checkout)
            for name, arguments in BENCHMARKS.items():
                if given.only and name not in (next(iter(BENCHMARKS)), *given.only):
                    continue
                for which in ("old", "new") if run % 2 == 0 else ("new", "old"):
                    seconds = measured(checkouts[which], Path(place) / f"{which} {run}", arguments)
                    times[name][which].append(seconds)
    print("| processor time | old, s | new, s | new ÷ old: min, median, max |\n|---|---|---|---|")
    slower = False
    for name, found in times.items():
        if not found["old"]:
            continue
        ratios = [new / old for old, new in zip(found["old"], found["new"], strict=True)]
        slower |= median(ratios) > given.limit
        numbers = f"{median(found['old']):.2f} | {median(found['new']):.2f}"
        print(f"| {name} | {numbers} | {min(ratios):.2f}, {median(ratios):.2f}, {max(ratios):.2f} |")
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
