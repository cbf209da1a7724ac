"""A complete study of the digits, whose models are exported."""

import pandas as pd
import pytest
from sklearn.datasets import load_iris
from tiny import TINY, options, url, workspace

import hpsearch
from hpsearch.search.launch import launch

MODEL = 'hidden = [8]\nactivation = "leaky_relu"\nbatch_norm = true\ndropout = 0.2'


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """The folder of a study with a [final], whose model has every kind of layer but one."""
    folder = tmp_path_factory.mktemp("exported")
    launch(workspace(folder, TINY.replace("hidden = [8]", MODEL)), options(folder))
    return folder


@pytest.fixture
def results(study):
    return hpsearch.load("tiny", url(study))


IRIS = """
name = "iris"
data = { dataset = { kind = "csv", path = "iris.csv", label = "y", test = 30 }, train = 90, validation = 30 }
model = { estimator = "sklearn.linear_model.LogisticRegression" }
stage = [{ name = "one", configurations = [{ C = 1.0 }] }]
final = {}
"""


@pytest.fixture(scope="session")
def iris(tmp_path_factory):
    """A study of irises, whose classes have the labels -1, 1 and 3 in its file, with that file."""
    folder = tmp_path_factory.mktemp("iris")
    x, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(x, columns=["a b", "c", "d", "e"]).assign(y=2 * y - 1)
    frame.to_csv(folder / "iris.csv", index=False)
    launch(workspace(folder, IRIS, "iris.toml"), options(folder))
    return hpsearch.load("iris", url(folder)), frame, folder
