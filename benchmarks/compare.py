"""The short benchmarks on two checkouts, in turns: whether a change has made anything slower; or on one, in wall time.

    python benchmarks/compare.py OLD NEW [--runs 5] [--only NAME …] [--limit 1.1]
    python benchmarks/compare.py CHECKOUT [--runs 5] [--only NAME …]

OLD and NEW are checkouts of this repository; both run in this Python. Measured is processor time with that of all
children, which other work on the machine disturbs least. Each run of the new one is divided by the run of the old one
beside it. Exits with 1 if a median is above `--limit`. Of one checkout the minimum, median and maximum of the wall time
are printed, which needs a machine without other work; the digits are those of the demo, from Enter to report.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

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
    "digits, Enter to report": (*HPSEARCH, "launch", "studies/digits.toml", "--workers", "2", "--quiet", *PLACES),
    "a finished study again": (*HPSEARCH, "launch", "--or-resume", "studies/digits.toml", "--quiet", *PLACES),
    "report: page, Markdown, CSV": (*HPSEARCH, "report", "digits", *PLACES),
    "report: page alone": (*HPSEARCH, "report", "digits", "--format", "html", *PLACES),
    "report as PDF": (*HPSEARCH, "report", "digits", "--format", "pdf", *PLACES),
    "status": (*HPSEARCH, "status", *PLACES),
    "top --once": (*HPSEARCH, "top", "digits", "--once", *PLACES),
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
    (folder / "studies" / "digits.toml").write_bytes((checkout / "studies" / "digits.toml").read_bytes())
    (folder / "studies" / "many.toml").write_text(MANY)


def measured(checkout: Path, folder: Path, arguments: tuple[str, ...]) -> tuple[float, float]:
    """Run Python with a checkout's package; return the processor and the wall time (s)."""
    command = [sys.executable, *(each.replace("CHECKOUT", str(checkout)) for each in arguments)]
    environment = os.environ | {"PYTHONPATH": str(checkout), "OPENBLAS_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def run_all(checkouts: Sequence[Path], runs: int, only: Sequence[str]) -> dict[str, list[list[tuple[float, float]]]]:
    """Run the benchmarks in turns; return for each, and each checkout, what was measured."""
    times: dict[str, list[list[tuple[float, float]]]] = {name: [[] for _ in checkouts] for name in only}
    first = next(iter(BENCHMARKS))
    with tempfile.TemporaryDirectory() as place:
        for run in range(runs):
            folders = [Path(place) / f"{which} {run}" for which in range(len(checkouts))]
            for folder, checkout in zip(folders, checkouts, strict=True):
                prepare(folder, checkout)
            for name in dict.fromkeys((first, *only)):
                order = range(len(checkouts)) if run % 2 == 0 else reversed(range(len(checkouts)))
                for which in order:
                    found = measured(checkouts[which], folders[which], BENCHMARKS[name])
                    if name in times:
                        times[name][which].append(found)
    return times


def main() -> int:
    """Run all in turns; print times and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="+", type=Path, metavar="CHECKOUT")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--limit", type=float, default=1.1)
    given = parser.parse_args()
    if len(given.checkouts) > 2:
        parser.error("give one checkout or two")
    times = run_all([each.resolve() for each in given.checkouts], given.runs, given.only)
    if len(given.checkouts) == 1:
        print(f"load {os.getloadavg()[0]:.1f} at the end\n\n| wall time, s | min | median | max |\n|---|---|---|---|")
        for name, (found,) in times.items():
            walls = [wall for _, wall in found]
            print(f"| {name} | {min(walls):.2f} | {median(walls):.2f} | {max(walls):.2f} |")
        return 0
    print("| processor time | old, s | new, s | new ÷ old: min, median, max |\n|---|---|---|---|")
    slower = False
    for name, (old, new) in times.items():
        ratios = [after[0] / before[0] for before, after in zip(old, new, strict=True)]
        slower |= median(ratios) > given.limit
        numbers = " | ".join(f"{median(cpu for cpu, _ in found):.2f}" for found in (old, new))
        print(f"| {name} | {numbers} | {min(ratios):.2f}, {median(ratios):.2f}, {max(ratios):.2f} |")
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
