"""ZDT1 (Zitzler et al. 2000), two objectives with a known front, as a model and two metrics of one's own.

A trainable returns classes: here the digits of both numbers, which the metrics put together again.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from tiny import workspace

DIGITS = 12
DIMENSIONS = 5

MODEL = f"""
import numpy as np

def train_epoch(state, data, epoch, rng, x1, {", ".join(f"x{i} = 0.0" for i in range(2, DIMENSIONS + 1))}):
    x = np.array([x1, {", ".join(f"x{i}" for i in range(2, DIMENSIONS + 1))}])
    g = 1 + 9 * x[1:].mean()
    return {{"f": np.array([x[0], g * (1 - np.sqrt(x[0] / g))])}}

def predict(state, samples):
    digits = [int(digit) for value in state["f"] for digit in f"{{round(value * 1e{DIGITS - 2}):0{DIGITS}d}}"]
    return np.resize(np.array(digits), len(samples))
"""
METRIC = f"""
direction = "minimize"

def metric(labels, predictions):
    digits = predictions[{{start}} : {{start}} + {DIGITS}]
    return int("".join(str(int(digit)) for digit in digits)) / 1e{DIGITS - 2}
"""
STUDY = f"""
name = "zdt1"
[data]
dataset = "digits"
train = 100
validation = {2 * DIGITS}
[model]
file = "models/zdt1.py"
[training]
epochs = 1
[[objective]]
metric = {{{{ file = "metrics/zdt_f1.py" }}}}
direction = "minimize"
[[objective]]
metric = {{{{ file = "metrics/zdt_f2.py" }}}}
direction = "minimize"
[[stage]]
name = "search"
sampler = {{sampler}}
""" + "".join(f"space.x{i} = {{{{ low = 0.0, high = 1.0 }}}}\n" for i in range(1, DIMENSIONS + 1))


def zdt1(x: npt.ArrayLike) -> tuple[float, float]:
    """Both values of a point in the unit cube."""
    point = np.asarray(x, float)
    g = 1 + 9 * point[1:].mean()
    return float(point[0]), float(g * (1 - np.sqrt(point[0] / g)))


def zdt1_study(folder: Path, sampler: str) -> Path:
    """A study of ZDT1 in a workspace of its own."""
    folder.mkdir(exist_ok=True)
    path = workspace(folder, STUDY.format(sampler=sampler), "zdt1.toml")
    (folder / "models" / "zdt1.py").write_text(MODEL, "utf-8")
    (folder / "metrics").mkdir(exist_ok=True)
    for name, start in (("zdt_f1", 0), ("zdt_f2", DIGITS)):
        (folder / "metrics" / f"{name}.py").write_text(METRIC.format(start=start), "utf-8")
    return path


def hypervolume(values: npt.ArrayLike, reference: tuple[float, float] = (1.1, 10.0)) -> float:
    """The area that two minimised objectives dominate below the reference point."""
    area, low = 0.0, reference[1]
    for f1, f2 in sorted(map(tuple, np.asarray(values, float))):
        if f1 < reference[0] and f2 < low:
            area += (reference[0] - f1) * (low - f2)
            low = f2
    return area
