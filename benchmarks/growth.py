"""How the cost of a search grows with its trials, samples, hidden units and workers, each beside a straight line.

    python benchmarks/growth.py [--out docs/images] [--only trials samples hidden workers] [--short]

Each point is a whole `launch`, report included, in a process of its own, less what the smallest study costs (starting).
Measured is processor time with that of the workers, but for the workers themselves, where it is wall time: these need a
machine without other work. The line goes through the last point and the origin, that of the workers through the first:
more of them than cores gain nothing. Writes growth-NAME.png, and prints the
numbers.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent

STUDY = """\
name = "growth"
data = {{ dataset = {{ kind = "npz", path = "data.npz", test = 100 }}, train = {samples}, validation = 500 }}
model = {{ file = "models/mlp.py", hidden = [{hidden}] }}
training = {{ epochs = {epochs}, eta = 0.01, batch_size = 100 }}
[[stage]]
name = "only"
sampler = {{ kind = "random", trials = {trials} }}
space.lambda = {{ low = 1e-6, high = 1e-1, log = true }}
"""


@dataclass(frozen=True)
class Growth:
    """One axis: the name of what grows, its values, and what the others are meanwhile; `features` of each sample."""

    label: str
    values: Sequence[int]
    key: str
    samples: int = 2_000
    hidden: int = 50
    epochs: int = 2
    trials: int = 8
    features: int = 256
    wall: bool = False


GROWTHS = {
    "trials": Growth("trials", (100, 1_000, 10_000, 100_000), "trials", 100, 4, 1, features=8),
    "samples": Growth("training samples", (1_000, 4_000, 16_000, 64_000), "samples"),
    "hidden": Growth("hidden units", (25, 100, 400, 1_600), "hidden"),
    "workers": Growth("workers", (1, 2, 4), "workers", 20_000, epochs=16, trials=64, wall=True),
}


def seconds(growth: Growth, value: int, folder: Path) -> float:
    """Launch the study with one value; return its processor or wall time (s)."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "mlp.py").write_bytes((ROOT / "models" / "mlp.py").read_bytes())
    given = {key: getattr(growth, key) for key in ("samples", "hidden", "epochs", "trials")} | {growth.key: value}
    workers = given.pop("workers", 2)
    (folder / "growth.toml").write_text(STUDY.format(**given))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((given["samples"] + 600, growth.features), dtype=np.float32)
    np.savez(folder / "data.npz", x_train=x, y_train=(x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0))
    command = [sys.executable, "-m", "hpsearch", "launch", "growth.toml", "--quiet", "--workers", str(workers)]
    command += ["--storage", "sqlite:///growth.db", "--reports", "reports"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr)
    return wall if growth.wall else after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def plot(name: str, growth: Growth, values: Sequence[int], times: Sequence[float], out: Path) -> None:
    """Write the picture: the measured points, and the straight line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 3.0), layout="constrained")
    axes = figure.subplots()
    line = [times[0] / each for each in values] if growth.wall else [times[-1] / values[-1] * each for each in values]
    axes.plot(values, line, color="#757575", linestyle="--", label="in proportion")
    axes.plot(values, times, color="#0072b2", marker="o", label="measured")
    axes.set_xscale("log")
    if growth.wall:
        axes.set_ylim(bottom=0)
    else:
        axes.set_yscale("log")
    axes.set_xticks(list(values), [f"{each:,}" for each in values])
    axes.minorticks_off()
    axes.set_xlabel(growth.label)
    axes.set_ylabel("wall time (s)" if growth.wall else "processor time (s)")
    axes.grid(True, color="#dfe2e6", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(out / f"growth-{name}.png", dpi=150, metadata={"Software": None})


def main() -> None:
    """Measure each axis, from small to large."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--only", nargs="+", choices=GROWTHS, default=list(GROWTHS))
    parser.add_argument("--short", action="store_true", help="leave out the largest value")
    given = parser.parse_args()
    for name in given.only:
        growth = GROWTHS[name]
        values = growth.values[:-1] if given.short else growth.values
        with tempfile.TemporaryDirectory() as place:
            smallest = Growth("", (), "trials", 100, 4, 1, features=8, wall=growth.wall)
            start = seconds(smallest, 1, Path(place) / "start")
            times = [seconds(growth, value, Path(place) / str(value)) - start for value in values]
        plot(name, growth, values, times, given.out)
        each = ", ".join(f"{value:,}: {took:.2f} s" for value, took in zip(values, times, strict=True))
        print(f"{growth.label}: {each} (start {start:.2f} s, load {os.getloadavg()[0]:.1f})", flush=True)


if __name__ == "__main__":
    main()
