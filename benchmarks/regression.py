"""The RMSE that a search reaches on two regressions, beside scikit-learn's on the same rows.

    python benchmarks/regression.py [--seeds 3]

`load_diabetes`, and 20,000 samples with 50 features of which ten matter, products and squares among them. Both are
written as CSV, those of the test set in a file of their own. Peers: ridge regression found by
`GridSearchCV` (20 strengths, 5 folds), and `MLPRegressor` found by `RandomizedSearchCV` over the same ranges, both on
the training and validation rows. A standard error of the RMSE is that of the test rows alone.
"""

import argparse
import contextlib
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hpsearch

ROOT = Path(__file__).resolve().parent.parent
TEXT = """\
name = "regression"
seed = {seed}
[data]
dataset = {{ kind = "csv", path = "train.csv", test_path = "test.csv", label = "target" }}
task = "regression"
train = {train}
validation = {validation}
[model]
file = "models/mlp.py"
[training]
epochs = {epochs}
batch_size = {batch}
optimiser = "adam"
[[stage]]
name = "coarse"
sampler = {{ kind = "random", trials = {trials} }}
space.hidden = {hidden}
space.lambda = {{ low = 1e-5, high = 1.0, log = true }}
space.eta = {{ low = 1e-3, high = 3e-2, log = true }}
[final]
replicates = 3
data = {{ train = {most}, validation = 30 }}
"""


def synthetic() -> tuple[np.ndarray, np.ndarray]:
    """A target with a linear part, products, squares and a noise of deviation ½."""
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 50)).round(4)
    y = x[:, 0] + 2 * x[:, 1] * x[:, 2] - x[:, 3] ** 2 + np.sin(3 * x[:, 4]) + 0.5 * x[:, 5:10].sum(axis=1)
    return x, (y + 0.5 * random.normal(size=len(y))).round(4)


CASES = {
    "diabetes": {"validation": 82, "epochs": 60, "batch": 25, "trials": 30, "hidden": "[[16], [32]]"},
    "synthetic": {"validation": 4_000, "epochs": 20, "batch": 100, "trials": 12, "hidden": "[[64], [128]]"},
}

TEST = {"diabetes": 110, "synthetic": 4_000}
"""Rows of the test set: the last ones."""


def search(x: np.ndarray, y: np.ndarray, test: int, case: dict[str, object], seed: int, folder: Path) -> np.ndarray:
    """Launch the study; the test RMSE of each replicate of its final, which trains on nearly all other rows."""
    for name, rows in (("train.csv", slice(0, len(y) - test)), ("test.csv", slice(len(y) - test, None))):
        header = ",".join([*(f"x{i}" for i in range(x.shape[1])), "target"])
        np.savetxt(folder / name, np.column_stack([x, y])[rows], delimiter=",", header=header, comments="")
    rest = len(y) - test
    path = folder / f"study{seed}.toml"
    text = TEXT.format(seed=seed, train=rest - int(str(case["validation"])), most=rest - 30, **case)
    path.write_text(text.replace('"models', f'"{ROOT}/models'))
    with contextlib.chdir(folder):
        results = hpsearch.launch(path, storage=f"sqlite:///{folder}/{seed}.db", progress=False)
    trials = results.trials
    return trials[trials["stage"] == "final"]["test_value"].to_numpy()


def peers(x: np.ndarray, y: np.ndarray, test: int, seed: int) -> dict[str, float]:
    """The test RMSE of scikit-learn's two, chosen by cross-validation on all other rows."""
    ridge = GridSearchCV(
        make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": np.logspace(-4, 4, 20)}, scoring="r2"
    )
    space = {
        "mlpregressor__alpha": np.logspace(-5, 0, 20),
        "mlpregressor__learning_rate_init": np.logspace(-3, -1.5, 10),
        "mlpregressor__hidden_layer_sizes": [(32,), (64,)],
    }
    network = make_pipeline(StandardScaler(), MLPRegressor(max_iter=60, early_stopping=True, random_state=seed))
    found = {
        "ridge": ridge,
        "MLPRegressor": RandomizedSearchCV(network, space, n_iter=8, cv=3, scoring="r2", random_state=seed, n_jobs=2),
    }
    scale = y[:-test].std()  # MLPRegressor needs standardised targets
    return {
        name: float(
            np.sqrt(np.mean((each.fit(x[:-test], y[:-test] / scale).predict(x[-test:]) * scale - y[-test:]) ** 2))
        )
        for name, each in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    diabetes = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(diabetes[1]))
    data = {"diabetes": (diabetes[0][order], diabetes[1][order]), "synthetic": synthetic()}
    print("| data | seed | hpsearch, each replicate | ridge | MLPRegressor |\n|---|---|---|---|---|")
    for name, (x, y) in data.items():
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                ours = search(x, y, TEST[name], CASES[name], seed, Path(folder))
            others = peers(x, y, TEST[name], seed)
            shown = ", ".join(f"{value:.4g}" for value in ours)
            print(f"| {name} | {seed} | {shown} | {others['ridge']:.4g} | {others['MLPRegressor']:.4g} |", flush=True)


if __name__ == "__main__":
    main()
