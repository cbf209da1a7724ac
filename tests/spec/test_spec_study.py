"""What a study file means: its spaces, its configurations, and what changed in it."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from hpsearch.errors import StudyFileError
from hpsearch.spec import (
    Adam,
    Around,
    Augmentation,
    Choices,
    Configuration,
    Data,
    Momentum,
    Nesterov,
    OneCycle,
    Range,
    Sgd,
    augmentation_of,
    check_model_keys,
    data_of,
    difference,
    epochs,
    grid,
    parse,
    read,
    replicates_of,
    resolve,
    trials_at_most,
    warm_up,
)
from hpsearch.spec.tables.data import DataOverrides
from hpsearch.workers.models.plugin import read_plugin

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
configurations = [ { lambda = 0, schedule = { eta_max = 1 } }, {} ]
test = true
[final]
data = { train = 1_200 }
"""


def test_a_study_file_becomes_frozen_values():
    study = parse(TEXT, "x.toml")
    assert (study.name, study.seed, study.description, study.place) == ("x", 0, "", "x.toml")
    assert [stage.kind for stage in study.stages] == ["random", "grid", "list"]
    assert [stage.test for stage in study.stages] == [False, False, True]
    assert study.stages[2].hyperparameters == ("lambda", "schedule.eta_max")
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
    configuration = resolve(
        study, one, {"schedule.eta_max": 1.5, "hidden": [100, 20], "init.gain": 3, "batch_size": 13}
    )
    assert configuration.training.schedule.eta_max == 1.5
    assert configuration.training.schedule.eta_min == 1e-5
    assert (configuration.training.batch_size, configuration.training.cycles, configuration.training.lambda_) == (
        13,
        3,
        0,
    )
    assert configuration.parameters == {"hidden": [100, 20], "init": {"kind": "he", "gain": 3}}
    configuration = resolve(study, two, {"eta": 0.01})
    assert (configuration.training.schedule.kind, configuration.training.cycles, configuration.training.epochs) == (
        "step",
        None,
        40,
    )
    assert (configuration.file, configuration.parameters["hidden"]) == ("models/mlp.py", [7])
    assert resolve(study, three, three.configurations[0]).training.schedule.eta_max == 1


def test_a_configuration_survives_json():
    study = parse(TEXT, "x")
    configuration = resolve(study, study.stages[0], {"lambda": 0.1 + 0.2, "hidden": [3]})
    assert Configuration.from_json(json.loads(json.dumps(configuration.to_json()))) == configuration
    assert configuration.to_json()["training"]["lambda"] == 0.1 + 0.2


@pytest.mark.parametrize(
    "params", [{"batch_size": 0}, {"lambda": -1.0}, {"schedule.eta_max": float("nan")}, {"epochs": 1.5}]
)
def test_a_sampled_value_that_breaks_a_rule_never_becomes_a_configuration(params):
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


MORE = """
name = "x"
data = {{ dataset = "digits", train = 1_000, validation = {validation} }}
augmentation = {{ flip = true, shift = 2 }}
model = {{ file = "models/mlp.py" }}
[training]
batch_size = 100
eta = 0.1
{training}
[[stage]]
name = "one"
augmentation.flip = false
configurations = [ {configurations} ]
[final]
replicates = 3
augmentation = {{ noise = 0.5 }}
"""


def more(training="epochs = 40", configurations="{}", validation="400"):
    return parse(MORE.format(training=training, configurations=configurations, validation=validation), "x")


def configurations_of(study):
    stage = study.stages[0]
    return [resolve(study, stage, params) for params in stage.configurations]


def test_an_optimiser_replaces_the_whole_of_another_and_its_name_is_short_for_its_table():
    study = more(
        "epochs = 4\noptimiser = { kind = 'nesterov', momentum = 0.5 }",
        "{}, { optimiser = { momentum = 0.7 } }, { optimiser = 'adam' }, { optimiser = { kind = 'momentum' } }",
    )
    found = [configuration.training.optimiser for configuration in configurations_of(study)]
    assert found == [
        Nesterov(kind="nesterov", momentum=0.5),
        Nesterov(kind="nesterov", momentum=0.7),
        Adam(kind="adam", beta1=0.9, beta2=0.999, epsilon=1e-8),
        Momentum(kind="momentum", momentum=0.9),
    ]


def test_one_length_takes_the_place_of_another():
    study = more("epochs = 4", "{}, { updates = 50 }, { epochs = 7 }")
    trainings = [configuration.training for configuration in configurations_of(study)]
    assert [(training.epochs, training.updates) for training in trainings] == [(4, None), (None, 50), (7, None)]
    assert [epochs(training, 1000) for training in trainings] == [4, 5, 7]


def test_a_warm_up_is_counted_in_updates():
    schedules = "{ schedule = { warmup_epochs = 3 } }, { schedule = { warmup_updates = 7 } }, {}"
    found = [configuration.training.schedule for configuration in configurations_of(more(configurations=schedules))]
    assert [warm_up(schedule, 10) for schedule in found] == [30, 7, 0]
    one = "{ schedule = { kind = 'one_cycle', eta_max = 1 } }"
    assert warm_up(configurations_of(more(configurations=one))[0].training.schedule, 10) == 0


def test_one_cycle_begins_at_a_25th_of_its_peak_and_ends_far_below_unless_it_says_so():
    schedule = OneCycle(kind="one_cycle", eta_max=1.0)
    assert (schedule.first, schedule.last, schedule.warm) == pytest.approx((0.04, 4e-6, 0.3))
    schedule = OneCycle(kind="one_cycle", eta_max=1.0, eta_min=0.5, eta_end=0.25)
    assert (schedule.first, schedule.last) == (0.5, 0.25)


def test_with_folds_each_is_a_replicate_and_the_final_keeps_their_size_without_them():
    study = more(validation="{ folds = 5 }")
    stage, final = study.stages[0], study.final
    data = data_of(study, stage)
    assert (data.train, data.folds, data.validation_samples, replicates_of(study, stage)) == (1000, 5, 250, 5)
    data = data_of(study, final)
    assert (data.train, data.folds, data.validation_samples, replicates_of(study, final)) == (1000, None, 250, 3)
    given = final.model_copy(update={"data": DataOverrides(train=1200)})
    assert (data_of(study, given).train, data_of(study, given).validation_samples) == (1200, 250)


def test_a_steps_augmentation_is_the_studys_but_for_its_own_keys():
    study = more()
    stage, final = study.stages[0], study.final
    assert augmentation_of(study, stage) == Augmentation(flip=False, shift=2, noise=0.0)
    assert augmentation_of(study, final) == Augmentation(flip=True, shift=2, noise=0.5)
    assert resolve(study, final, {}).augmentation == augmentation_of(study, final)


def test_a_configuration_stored_before_a_key_existed_has_its_default():
    old = {"model": {"file": "m.py"}, "training": {"eta": 0.1, "batch_size": 10, "epochs": 4}}
    configuration = Configuration.from_json(old)
    training = configuration.training
    assert (training.loss, training.keep, training.curves, training.stop) == ("cross_entropy", "best", "sample", None)
    assert (training.optimiser, configuration.augmentation) == (Sgd(), Augmentation())


@pytest.mark.parametrize(
    "dataset",
    [
        {"kind": "idx", "path": "a", "classes": ["x", "y"]},
        {"kind": "npz", "path": "a", "samples": "x", "test": 10, "channels": "first"},
        {"kind": "csv", "path": "a", "label": "y", "test_path": "b", "image_shape": [1, 8, 8]},
        {"kind": "folder", "path": "a", "test": 5, "size": [8, 8]},
    ],
)
def test_a_dataset_by_path_is_passed_on_as_given(dataset):
    data = Data.of({"dataset": dataset, "train": 10, "validation": 5})
    assert json.loads(json.dumps(data.dataset)) == dataset
    assert Data.of({"dataset": "digits", "train": 10, "validation": 5}).dataset == "digits"


NEEDED = {"sgd_classifier": ["sklearn"], "torch_cnn": ["torch"]}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_that_come_with_it_are_valid(path):
    study = read(path)
    if any(not importlib.util.find_spec(name) for name in NEEDED.get(path.stem, ())):
        pytest.skip(f"needs {', '.join(NEEDED[path.stem])}")
    plugin = read_plugin(ROOT / study.model.file)
    check_model_keys(study, plugin.parameters, plugin.taken)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_are_valid(text):
    if text is not EXAMPLES[0]:  # the others are a table or a stage, to be put into the complete one
        complete = EXAMPLES[0].partition("[[stage]]")[0]
        for table in re.findall(r"^\[\w+\]$", text, re.M):
            complete = re.sub(rf"^{re.escape(table)}\n[^\[]*", "", complete, flags=re.M)
        text = complete + text
        if "[[stage]]" not in text:
            text += '\n[[stage]]\nname = "x"\nconfigurations = [ {} ]\n'
    check_model_keys(parse(text, "docs/study-file.md"), ["hidden", "init"])
