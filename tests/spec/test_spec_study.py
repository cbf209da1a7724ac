"""What a study file means: its spaces, its settings, and what changed in it."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from hpsearch.errors import StudyFileError
from hpsearch.spec import (
    Around,
    Choices,
    Range,
    Setting,
    check_model_keys,
    data_of,
    difference,
    epochs,
    grid,
    parse,
    read,
    resolve,
    trials_at_most,
)

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.toml"))
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", (ROOT / "docs/study-file.md").read_text("utf-8"), re.M | re.S)

TEXT = """
name = "x"
[data]
dataset = "digits"
train = 1_000
validation = 400
[model]
file = "models/mlp.py"
hidden = [50]
init = { kind = "he", gain = 2 }
[training]
batch_size = 100
cycles = 2
schedule = { kind = "cyclical", eta_min = 1e-5, eta_max = 0.1, half_cycle_epochs = 2 }
[[stage]]
name = "one"
sampler = { kind = "random", trials = 8 }
training.cycles = 3
space.schedule.eta_max = { low = 1, high = 2 }
space.batch_size = { low = 10, high = 20 }
space.hidden = [[50], [100, 20]]
space.init.gain = { low = 1, high = 3 }
[[stage]]
name = "two"
sampler = { kind = "grid" }
training.schedule = { kind = "step", every_epochs = 5 }
training.epochs = 40
model.hidden = [7]
space.eta = { low = 1e-3, high = 1e-1, log = true, points = 3 }
space.batch_size = { around = "one", best = 2, points = 4 }
[[stage]]
name = "three"
settings = [ { lambda = 0, schedule = { eta_max = 1 } }, {} ]
test = true
[final]
data = { train = 1_200 }
"""


def test_a_study_file_becomes_frozen_values():
    study = parse(TEXT, "x.toml")
    assert (study.name, study.seed, study.description, study.place) == ("x", 0, "", "x.toml")
    assert [stage.kind for stage in study.stages] == ["random", "grid", "list"]
    assert [stage.test for stage in study.stages] == [False, False, True]
    assert study.stages[2].keys_searched == ("lambda", "schedule.eta_max")
    assert (data_of(study, study.stages[0]).train, data_of(study, study.final).train) == (1000, 1200)
    assert study.model.parameters == {"hidden": [50], "init": {"kind": "he", "gain": 2}}
    check_model_keys(study, ["hidden", "init"])
    with pytest.raises(ValidationError):
        study.name = "y"


def test_a_space_has_flat_names_and_whole_numbers_where_the_key_has():
    one, two, _ = parse(TEXT, "x").stages
    assert one.space["schedule.eta_max"] == Range(low=1, high=2)
    assert one.space["batch_size"] == Range(low=10, high=20, integer=True)
    assert one.space["init.gain"] == Range(low=1, high=3, integer=True)
    assert one.space["hidden"] == Choices(choices=([50], [100, 20]))
    assert two.space["batch_size"] == Around(around="one", best=2, points=4)


def test_the_params_replace_the_stages_keys_and_these_the_studys():
    study = parse(TEXT, "x")
    one, two, three = study.stages
    setting = resolve(study, one, {"schedule.eta_max": 1.5, "hidden": [100, 20], "init.gain": 3, "batch_size": 13})
    assert setting.training.schedule.eta_max == 1.5
    assert setting.training.schedule.eta_min == 1e-5
    assert (setting.training.batch_size, setting.training.cycles, setting.training.lambda_) == (13, 3, 0)
    assert setting.parameters == {"hidden": [100, 20], "init": {"kind": "he", "gain": 3}}
    setting = resolve(study, two, {"eta": 0.01})
    assert (setting.training.schedule.kind, setting.training.cycles, setting.training.epochs) == ("step", None, 40)
    assert (setting.file, setting.parameters["hidden"]) == ("models/mlp.py", [7])
    assert resolve(study, three, three.settings[0]).training.schedule.eta_max == 1


def test_a_setting_survives_json():
    study = parse(TEXT, "x")
    setting = resolve(study, study.stages[0], {"lambda": 0.1 + 0.2, "hidden": [3]})
    assert Setting.from_json(json.loads(json.dumps(setting.to_json()))) == setting
    assert setting.to_json()["training"]["lambda"] == 0.1 + 0.2


@pytest.mark.parametrize(
    "params", [{"batch_size": 0}, {"lambda": -1.0}, {"schedule.eta_max": float("nan")}, {"epochs": 1.5}]
)
def test_a_sampled_value_that_breaks_a_rule_never_becomes_a_setting(params):
    study = parse(TEXT, "x")
    with pytest.raises(StudyFileError, match=r"^x: stage\[0\]"):
        resolve(study, study.stages[0], params)


def test_cycles_come_to_epochs():
    study = parse(TEXT, "x")
    training = resolve(study, study.stages[0], {}).training
    assert epochs(training, 1000) == 12
    schedule = training.schedule.model_copy(update={"half_cycle_epochs": None, "half_cycle_updates": 25})
    training = training.model_copy(update={"schedule": schedule})
    assert epochs(training, 1000) == 15


def test_cycles_that_end_inside_an_epoch_name_the_nearest_half_cycle():
    study = parse(TEXT, "x")
    training = resolve(study, study.stages[0], {}).training
    schedule = training.schedule.model_copy(update={"half_cycle_epochs": None, "half_cycle_updates": 500})
    with pytest.raises(StudyFileError, match=r"got 500; the nearest that does is 450$"):
        epochs(training.model_copy(update={"schedule": schedule, "cycles": 1}), 45_000)


def test_a_grid_has_every_combination_in_order():
    space = {"eta": Range(low=1e-3, high=1e-1, log=True, points=3), "batch_size": Choices(choices=(10, 20))}
    rows = grid(space)
    assert [row["batch_size"] for row in rows] == [10, 20] * 3
    assert [row["eta"] for row in rows[::2]] == pytest.approx([1e-3, 1e-2, 1e-1])
    assert Range(low=1, high=4, integer=True, points=3).grid() == [1, 2, 4]
    study = parse(TEXT, "x")
    assert [trials_at_most(study, stage) for stage in study.stages] == [8, 12, 2]


def test_only_what_a_study_file_says_is_a_difference():
    again = "# a comment\n" + TEXT.replace("1_000", "1000").replace("cycles = 2", "cycles    = 2 # two")
    assert difference(TEXT, again) == []
    changed = TEXT.replace("batch_size = 100", "batch_size = 200").replace("trials = 8", "trials = 9")
    assert difference(TEXT, changed + "replicates = 3") == [
        "training.batch_size: 100 → 200",
        "stage[0].sampler.trials: 8 → 9",
        "final.replicates: not given → 3",
    ]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_that_come_with_it_are_valid(path):
    check_model_keys(read(path), ["hidden", "init"])


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_are_valid(text):
    complete = EXAMPLES[0] if text is not EXAMPLES[0] else ""
    if complete:  # the others are one stage, or [training], to be put into the complete one
        complete = complete.partition("[[stage]]")[0]
        if "[training]" in text:
            complete = complete.partition("[training]")[0]
        if "[[stage]]" not in text:
            text += '\n[[stage]]\nname = "x"\nsettings = [ {} ]\n'
    check_model_keys(parse(complete + text, "docs/study-file.md"), ["hidden", "init"])
