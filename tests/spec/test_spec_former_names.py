"""Study files written for earlier versions mean what they meant; messages know the present names only."""

import pytest

from hpsearch.errors import StudyFileError
from hpsearch.spec import difference, growth, parse

TEXT = """
name = "old"
[data]
dataset = { kind = "npz", path = "x.npz", samples = "a", labels = "b", test_samples = "c" }
train = 100
validation = 50
[model]
file = "models/mlp.py"
images = 3
setting = "s"
[training]
eta = 0.1
batch_size = 10
epochs = 4
[[stage]]
name = "list"
model.settings = 2
configurations = [ { lambda = 0, images = 1 }, { lambda = 0.1, images = 2 } ]
[[stage]]
name = "search"
sampler = { kind = "random", trials = 4 }
space.setting = ["s", "t"]
space.settings = { low = 1, high = 9 }
[[reference]]
configuration = { lambda = 0 }
metric = "validation_accuracy"
value = 0.5
source = "someone"
"""

FORMER = (
    TEXT.replace(", samples =", ", images =")
    .replace("test_samples =", "test_images =")
    .replace("\nconfigurations =", "\nsettings =")
    .replace("\nconfiguration =", "\nsetting =")
)


def test_former_names_mean_what_they_meant():
    assert FORMER.count("images =") == 5
    assert parse(FORMER, "x") == parse(TEXT, "x")


def test_a_file_that_only_renames_keys_has_not_changed():
    assert difference(FORMER, TEXT) == []
    assert growth(FORMER, TEXT).refused == []
    longer = TEXT.replace("{ lambda = 0.1, images = 2 }", "{ lambda = 0.1, images = 2 }, { lambda = 1, images = 2 }")
    assert growth(FORMER, longer).grown == ("list",)


def test_parameters_of_the_model_keep_names_that_were_ours():
    study = parse(FORMER, "x")
    assert study.model.parameters == {"images": 3, "setting": "s"}
    assert study.stages[0].model == {"settings": 2}
    assert study.stages[0].hyperparameters == ("lambda", "images")
    assert study.stages[1].hyperparameters == ("setting", "settings")


def test_parameters_of_a_python_dataset_keep_names_that_were_ours():
    text = TEXT.replace('kind = "npz"', 'kind = "python"').replace("samples =", "images =")
    assert parse(text, "x").data.dataset == {
        "kind": "python",
        "path": "x.npz",
        "images": "a",
        "labels": "b",
        "test_images": "c",
    }


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("\nconfig", "\nsettings = []\nconfig", "stage[0].configurations must not be given twice: 'settings' is"),
        ("metric", "setting = {}\nmetric", "reference[0].configuration must not be given twice: 'setting' is"),
        (", labels", ", images = 'd', labels", "data.dataset.samples must not be given twice: 'images' is"),
    ],
)
def test_a_key_under_both_names_costs_one_line(old, new, line):
    with pytest.raises(StudyFileError) as caught:
        parse(TEXT.replace(old, new, 1), "x")
    assert str(caught.value) == f"x: {line} its former name"


def test_messages_have_the_present_names():
    with pytest.raises(
        StudyFileError, match=r"^x: stage\[0\]\.configurations\[1\] must not repeat configurations\[0\]"
    ):
        parse(FORMER.replace("lambda = 0.1, images = 2", "lambda = 0, images = 1"), "x")
