"""Makes trainings.json: curves of real trainings whose diagnosis is known from more than the curve.

`python tests/reporting/make_trainings.py` (6 minutes) trains small networks with NumPy alone, none of hpsearch's code.
What is right is decided here, by further trainings and samples that no rule of the diagnosis sees: the same training
continued, with a tenth and ten times the learning rate, and scored on test samples. Where these do not decide, several
kinds are right.
"""

import itertools
import json
import math
from pathlib import Path

import numpy as np
from sklearn import datasets

WHERE = Path(__file__).with_name("trainings.json")

VALUES = ("diabetes", "friedman")
JUMPS, TOO_LOW = "learning rate too high", "learning rate too low"

BASE = {"eta": 0.1, "lam": 0.0, "epochs": 40, "hidden": 30, "loss": "cross_entropy", "momentum": 0.0, "batch": 20}
CASES = [
    # data, train, validation, share of wrong labels, and what differs from BASE
    ("digits", 600, 400, 0.0, {}),
    ("digits", 600, 400, 0.0, {"epochs": 15}),
    ("digits", 100, 400, 0.0, {}),
    ("digits", 60, 400, 0.0, {"epochs": 100}),
    ("digits", 600, 100, 0.0, {"hidden": 100}),
    ("digits", 600, 400, 0.0, {"eta": 1e-3}),
    ("digits", 600, 400, 0.0, {"eta": 3e-4, "epochs": 60}),
    ("digits", 600, 400, 0.0, {"eta": 1e-4}),
    ("digits", 600, 400, 0.0, {"eta": 3e-3, "epochs": 20}),
    ("digits", 600, 400, 0.0, {"eta": 3e-3, "epochs": 10}),
    ("digits", 600, 400, 0.0, {"eta": 1e-2, "epochs": 10}),
    ("digits", 600, 400, 0.0, {"eta": 1e-7}),
    ("digits", 600, 400, 0.0, {"eta": 3.0}),
    ("digits", 600, 400, 0.0, {"eta": 10.0}),
    ("digits", 600, 400, 0.0, {"eta": 1.0, "momentum": 0.9}),
    ("digits", 600, 400, 0.0, {"eta": 0.5, "momentum": 0.9}),
    ("digits", 600, 400, 0.0, {"eta": 100.0, "loss": "hinge"}),
    ("digits", 600, 400, 0.0, {"eta": 1e4}),
    ("digits", 600, 400, 0.0, {"hidden": 2}),
    ("digits", 600, 400, 0.0, {"hidden": 3, "epochs": 80}),
    ("digits", 600, 400, 0.0, {"lam": 0.1}),
    ("digits", 600, 400, 0.0, {"lam": 0.3}),
    ("digits", 600, 400, 0.0, {"lam": 3.0, "eta": 0.03}),
    ("digits", 300, 400, 0.4, {"epochs": 60, "hidden": 100}),
    ("digits", 300, 400, 0.2, {"epochs": 60, "hidden": 100}),
    ("digits", 300, 100, 0.4, {"epochs": 60, "hidden": 100}),
    ("digits", 600, 400, 0.1, {"epochs": 80, "hidden": 60, "momentum": 0.8, "eta": 0.05}),
    ("digits", 300, 400, 0.4, {"epochs": 30, "hidden": 30, "lam": 0.02}),
    ("digits", 40, 400, 0.0, {"loss": "hinge", "epochs": 60}),
    ("digits", 20, 400, 0.0, {"loss": "hinge", "epochs": 60, "hidden": 60}),
    ("digits", 600, 400, 0.0, {"loss": "hinge", "epochs": 60}),
    ("digits", 300, 400, 0.4, {"loss": "hinge", "epochs": 80, "hidden": 100}),
    ("digits", 600, 400, 0.0, {"loss": "hinge", "eta": 1e-4}),
    ("shuffled digits", 200, 400, 0.0, {"hidden": 60, "epochs": 60}),
    ("shuffled digits", 600, 400, 0.0, {"eta": 1e-3}),
    ("wine", 60, 60, 0.0, {"epochs": 30}),
    ("wine", 60, 60, 0.0, {"eta": 1e-3, "epochs": 30}),
    ("wine", 60, 60, 0.3, {"epochs": 100, "hidden": 60}),
    ("cancer", 200, 180, 0.0, {"epochs": 40}),
    ("cancer", 200, 180, 0.2, {"epochs": 100, "hidden": 100}),
    ("cancer", 60, 180, 0.0, {"epochs": 200, "eta": 0.3}),
    ("cancer", 200, 180, 0.0, {"eta": 3e-5, "epochs": 30}),
    ("96:4", 600, 600, 0.0, {"epochs": 30}),
    ("96:4", 600, 600, 0.0, {"epochs": 60, "eta": 0.3, "hidden": 100}),
    ("96:4", 600, 600, 0.0, {"lam": 1.0}),
    ("hard", 300, 400, 0.0, {"epochs": 100, "hidden": 60}),
    ("hard", 300, 400, 0.0, {"epochs": 40, "hidden": 30, "lam": 0.03}),
    ("hard", 1000, 400, 0.0, {"epochs": 40, "hidden": 5}),
    ("hard", 1000, 2000, 0.0, {"epochs": 100, "hidden": 60}),
    ("digits", 600, 400, 0.0, {"epochs": 200, "eta": 0.3}),
    ("digits", 100, 400, 0.0, {"epochs": 200, "momentum": 0.9}),
    ("diabetes", 200, 120, 0.0, {"eta": 0.01, "epochs": 60}),
    ("diabetes", 100, 120, 0.0, {"eta": 0.05, "epochs": 200, "hidden": 100}),
    ("diabetes", 200, 120, 0.0, {"eta": 1e-5}),
    ("diabetes", 200, 120, 0.0, {"eta": 1e-4}),
    ("diabetes", 200, 120, 0.0, {"eta": 100.0}),
    ("friedman", 1000, 400, 0.0, {"eta": 0.03, "epochs": 60}),
    ("friedman", 1000, 400, 0.0, {"eta": 0.003, "epochs": 20}),
    ("friedman", 1000, 400, 0.0, {"eta": 1e-4, "epochs": 40}),
    ("friedman", 1000, 400, 0.0, {"eta": 0.03, "lam": 0.3}),
    ("friedman", 60, 400, 0.0, {"eta": 0.05, "epochs": 300, "hidden": 100}),
    ("friedman", 1000, 400, 0.0, {"eta": 1.0}),
]


def load(name):
    """Return the samples, standardised, and their classes or values."""
    random = np.random.default_rng(0)
    if name in ("digits", "shuffled digits"):
        x, y = datasets.load_digits(return_X_y=True)
        y = random.permutation(y) if name == "shuffled digits" else y  # then there is nothing to learn
    elif name == "96:4":
        x, y = datasets.make_classification(
            3000, 20, n_informative=4, weights=[0.96], flip_y=0.05, class_sep=0.5, random_state=1
        )
    elif name == "hard":
        x, y = datasets.make_classification(6000, 20, n_informative=8, n_classes=3, flip_y=0.3, random_state=1)
    elif name == "friedman":
        x, y = datasets.make_friedman1(3000, noise=1.0, random_state=1)
    else:
        loader = {"wine": datasets.load_wine, "cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes}
        x, y = loader[name](return_X_y=True)
    order = random.permutation(len(y))
    x, y = x[order], y[order]
    if y.dtype.kind == "f":
        y = (y - y.mean()) / y.std()
    return (x - x.mean(0)) / (x.std(0) + 1e-9), y


def outcome(loss, scores, y):
    """Return the loss and the metric (accuracy; −RMSE) of scores (samples, outputs), and their gradient."""
    n = np.arange(len(y))
    with np.errstate(all="ignore"):
        if loss == "squared_error":
            error = scores[:, 0] - y
            return float((error**2).mean()), -float(np.sqrt((error**2).mean())), 2 * error[:, None] / len(y)
        right = float((scores.argmax(1) == y).mean())
        if loss == "hinge":
            margins = np.maximum(0, 1 + scores - scores[n, y][:, None])
            margins[n, y] = 0
            gradient = (margins > 0).astype(float)
            gradient[n, y] = -gradient.sum(1)
            return float(margins.sum(1).mean()), right, gradient / len(y)
        shifted = scores - scores.max(1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        gradient = np.exp(logs)
        gradient[n, y] -= 1
        return float(-logs[n, y].mean()), right, gradient / len(y)


def train(data, setting, parts):
    """Return the curves of one training: (epochs, 7) of train cost, and loss and metric on each of three parts."""
    random = np.random.default_rng(1)
    x, y = parts[0]
    loss = "squared_error" if y.dtype.kind == "f" else setting["loss"]
    outputs = 1 if loss == "squared_error" else int(max(part[1].max() for part in parts)) + 1
    sizes = [x.shape[1], setting["hidden"], outputs]
    weights = [random.normal(size=(a, b)) / np.sqrt(a) for a, b in itertools.pairwise(sizes)]
    weights += [np.zeros(size) for size in sizes[1:]]
    speed = [np.zeros_like(w) for w in weights]
    rows = []
    with np.errstate(all="ignore"):
        for _ in range(setting["epochs"]):
            order = random.permutation(len(y))
            for batch in np.array_split(order, max(1, len(y) // setting["batch"])):
                hidden = np.tanh(x[batch] @ weights[0] + weights[2])
                gradient = outcome(loss, hidden @ weights[1] + weights[3], y[batch])[2]
                back = gradient @ weights[1].T * (1 - hidden**2)
                slopes = [x[batch].T @ back, hidden.T @ gradient, back.sum(0), gradient.sum(0)]
                for index, slope in enumerate(slopes):
                    slope = slope + (2 * setting["lam"] * weights[index] if index < 2 else 0)
                    speed[index] = setting["momentum"] * speed[index] - setting["eta"] * slope
                    weights[index] = weights[index] + speed[index]
            measured = [
                outcome(loss, np.tanh(a @ weights[0] + weights[2]) @ weights[1] + weights[3], b)[:2] for a, b in parts
            ]
            cost = measured[0][0] + setting["lam"] * sum(float((w**2).sum()) for w in weights[:2])
            rows.append([cost, *(value for pair in measured for value in pair)])
            if not np.isfinite(cost):
                break
    return np.array(rows)


def end(values):
    return float(np.mean(values[-max(1, len(values) // 5) :]))


def smooth(values):
    width = max(1, len(values) // 10)
    return np.convolve(values, np.ones(width) / width, mode="valid")


def truth(name, setting, curves, probes, base, best, chance, few):
    """Return the kinds that are right, and why. Metrics in points of accuracy, or percent of the targets' deviation.

    `few` is one sample of the test part in points. The first kind is the likeliest.
    """
    more, less, longer = (probes[key] for key in ("more", "less", "longer"))
    _, loss, metric, _, _, other_loss, other = curves.T
    numbers = {
        "train": 100 * end(metric),
        "test": 100 * end(other),
        "train loss": end(loss),
        "ten times eta": 100 * end(more[:, 6]),
        "a tenth of eta": 100 * end(less[:, 6]),
        "its train loss": end(less[:, 1]),
        "three times the epochs": 100 * end(longer[:, 6]),
        "best": 100 * best,
        "base rate": 100 * base,
    }

    def gain(probe):
        return 100 * (end(probe[:, 6]) - end(other)) if np.isfinite(probe).all() else -math.inf

    if not np.isfinite(curves).all() or end(loss) > 20 * chance:
        return ["diverged"], numbers
    rough = (np.diff(loss) > 0).mean()
    if gain(less) > 2 and end(less[:, 1]) < 0.7 * end(loss) and rough > 0.2:
        return [JUMPS, *(["diverged"] if rough < 0.35 else [])], numbers
    rough_too = [JUMPS] if gain(less) > 10 and rough > 0.2 else []
    values = name in VALUES
    nothing = "no better than the mean" if values else "no better than the commonest class"
    if smooth(other).max() < base + 0.01 or name.startswith("shuffled"):
        return [nothing, *([TOO_LOW] if gain(more) > 10 else [])], numbers
    kinds = []
    smoothed = smooth(other_loss)
    rise = smoothed[-1] / smoothed.min() - 1
    later = 100 * (end(other) - smooth(other)[int(smoothed.argmin())])
    if rise > 0.05:
        numbers |= {"test loss rises by, %": 100 * rise, "and the metric since by": later}
        kinds = [
            *(["overfits"] if values or later < -0.5 else []),
            *(["loss rises"] if not values and later > -1.5 else []),
        ]
        if rise > 0.15 or kinds == ["overfits"]:
            return [*kinds, *rough_too], numbers
    kinds += ["loss rises"] if 0.02 < rise <= 0.05 and not values else []
    kinds += [nothing] if smooth(other).max() < base + 0.03 else []
    # Three times as long, it is still far below the best.
    underfits = ["underfits"] if end(metric) < best - 0.03 and end(longer[:, 6]) < best - 0.05 else []
    sure, unsure = max(1.5, 2 * few), max(0.5, few)
    if gain(more) > 10 and gain(longer) > 3:
        return [TOO_LOW, *kinds], numbers
    if gain(more) > 3 and gain(longer) > 1:
        return [TOO_LOW, "still improving", *underfits, *kinds], numbers
    if gain(longer) > sure:
        return ["still improving", *underfits, *kinds], numbers
    kinds += ["still improving"] if gain(longer) > unsure else []
    if end(metric) < best - 0.03:
        return ["underfits", *kinds], numbers
    wide = (end(metric) - end(other)) / (end(metric) - base)
    numbers["share that is not there on test samples"] = wide
    fine = ["gap"] if wide > 0.13 else ["plateaued", "healthy"] if wide < 0.07 else ["gap", "plateaued", "healthy"]
    return [*fine, *kinds], numbers


def main():
    made = []
    for name, size, validation, noise, differs in CASES:
        setting = BASE | differs
        x, y = load(name)
        values = name in VALUES
        random = np.random.default_rng(2)
        labels = y[: size + validation].copy()
        wrong = np.flatnonzero(random.random(len(labels)) < noise)
        labels[wrong] = random.integers(0, y.max() + 1, len(wrong)) if noise else labels[wrong]
        elsewhere = y[size + validation :].copy()
        wrong = np.flatnonzero(random.random(len(elsewhere)) < noise)
        elsewhere[wrong] = random.integers(0, y.max() + 1, len(wrong)) if noise else elsewhere[wrong]
        parts = [
            (x[:size], labels[:size]),
            (x[size : size + validation], labels[size:]),
            (x[size + validation :], elsewhere),
        ]
        curves = train(name, setting, parts)
        probes = {
            "more": train(name, setting | {"eta": 10 * setting["eta"]}, parts),
            "less": train(name, setting | {"eta": 0.1 * setting["eta"]}, parts),
            "longer": train(name, setting | {"epochs": 3 * setting["epochs"]}, parts),
        }
        good = {
            "eta": 0.03 if values else 0.1,
            "lam": 0.003,
            "hidden": 50,
            "epochs": 60,
            "loss": "cross_entropy" if not values else "",
        }
        reference = train(name, BASE | good, parts)
        runs = [curves, reference, *probes.values()]
        best = max(float(smooth(run[:, 6]).max()) for run in runs if np.isfinite(run).all())
        highest = max(float(np.nanmax(run[:, 4])) for run in (curves, reference))
        lowest = min(float(np.nanmin(run[:, 3])) for run in (curves, reference))
        classes = None if values else int(y.max()) + 1
        counts = None if values else np.bincount(labels[:size], minlength=classes)
        base = -1.0 if values else float((elsewhere == counts.argmax()).mean())
        chance = 1.0 if values else float(classes - 1) if setting["loss"] == "hinge" else float(np.log(classes))
        right, numbers = truth(name, setting, curves, probes, base, best, chance, 100 / len(elsewhere))
        wrong_labels = [f"{noise:.0%} wrong labels"] if noise else []
        differing = [f"{key} = {value}" for key, value in differs.items()]
        made.append(
            {
                "name": ", ".join([f"{name}, {size} + {validation}", *wrong_labels, *differing]),
                "right": right,
                "because": {k: round(float(v), 2) if math.isfinite(v) else None for k, v in numbers.items()},
                "classes": classes,
                "validation": validation,
                "loss": setting["loss"],
                "eta": setting["eta"],
                "highest": round(highest, 5),
                "lowest": round(lowest, 5),
                "base": None if values else round(float((labels[size:] == counts.argmax()).mean()), 5),
                "curves": {
                    key: [float(f"{v:.4g}") if np.isfinite(v) else None for v in column]
                    for key, column in zip(
                        ("cost", "loss", "metric", "validation loss", "validation metric"), curves.T, strict=False
                    )
                },
            }
        )
        print(len(made), made[-1]["name"], right, numbers, flush=True)
    WHERE.write_text("[\n" + ",\n".join(json.dumps(each, allow_nan=False) for each in made) + "\n]\n")


if __name__ == "__main__":
    main()
