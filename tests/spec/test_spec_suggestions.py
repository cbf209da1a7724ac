"""A name from another library gets the study file's name for it; many known keys are never listed."""

# ruff: noqa: E501  (a row of a table stays on one line)

import pytest

from hpsearch.errors import StudyFileError
from hpsearch.spec import TRAINING_KEYS, check_model_keys, did_you_mean, parse

ETA, LAMBDA, HIDDEN = "did you mean 'eta'?", "did you mean 'lambda'?", "did you mean 'hidden'?"
MANY = "docs/study-file.md and `hpsearch schema` have all keys"

TEXT = """
name = "x"
[data]
dataset = "digits"
train = 1_000
validation = 400
[model]
file = "models/mlp.py"
[training]
eta = 0.1
batch_size = 100
epochs = 40
[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 8 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
"""

SYNONYMS = [
    # a key of [training]
    *(("[training]\n", f"{name} = 0.1", f"training.{name}", ETA) for name in ("learning_rate", "lr", "step_size")),
    *(("[training]\n", f"{name} = 0.1", f"training.{name}", LAMBDA) for name in ("weight_decay", "l2", "alpha", "reg", "regularisation", "regularization")),
    *(("[training]\n", f"{name} = 1", f"training.{name}", "did you mean 'batch_size'?") for name in ("minibatch_size", "minibatch", "bs")),
    *(("[training]\n", f"{name} = 1", f"training.{name}", "did you mean 'epochs'?") for name in ("n_epochs", "num_epochs", "max_epochs", "max_iter")),
    *(("[training]\n", f"{name} = 1", f"training.{name}", "did you mean 'schedule'?") for name in ("lr_schedule", "scheduler")),
    ("[training]\n", "optimizer = 'adam'", "training.optimizer", "did you mean 'optimiser'?"),
    ("[training]\n", "hidden_units = 50", "training.hidden_units", "did you mean 'hidden' of [model]?"),
    ("[training]\n", "schedule = { kind = 'step', gamma = 0.5 }", "training.schedule.gamma", "did you mean 'factor'?"),
    ("[training]\n", "schedule = { kind = 'one_cycle', max_lr = 1 }", "training.schedule.max_lr", "did you mean 'eta_max'?"),
    ("[training]\n", "optimiser = { kind = 'adamw', l2 = 1 }", "training.optimiser.l2", "did you mean 'weight_decay'?"),
    ("[training]\n", "trials = 3", "training.trials", "it is a key of a random, qmc, tpe, cmaes or gp sampler"),
    ("[training]\n", "nonsense = 3", "training.nonsense", MANY),
    # of [data] and of the file itself
    *(("[data]\n", f"{name} = 100", f"data.{name}", "did you mean 'validation'?") for name in ("val", "valid", "validation_split", "dev")),
    *(("validation = 400", f"validation = {{ {name} = 5 }}", f"data.validation.{name}", "did you mean 'folds'?") for name in ("n_splits", "cv", "k")),
    ("[data]\n", "n_splits = 5", "data.n_splits", "did you mean 'folds' of data.validation?"),
    ('name = "x"\n', "random_state = 1", "random_state", "did you mean 'seed'?"),
    ('name = "x"\n', "lr = 1", "lr", "did you mean 'eta' of [training]?"),
    ('name = "x"\n', "epochs = 1", "epochs", "it is a key of [training]"),
    ('name = "x"\n', "n_jobs = 2", "n_jobs", "it is the option --workers of `hpsearch launch`"),
    # of a stage, its sampler and its pruner
    *(("trials = 8", f"{name} = 8", f"stage[0].sampler.{name}", "did you mean 'trials'?") for name in ("n_trials", "n_iter", "max_trials")),
    ("[[stage]]\n", "n_trials = 8", "stage[0].n_trials", "did you mean 'trials' of a random, qmc, tpe, cmaes or gp sampler?"),
    ("[training]\n", "from = 'a'", "training.from", "it is a key of [[stage]]"),
    ("[[stage]]\n", "n_startup_trials = 8", "stage[0].n_startup_trials", "it is a key of a tpe sampler"),
    ("[[stage]]\n", "params = {}", "stage[0].params", "did you mean 'space'?"),
    ("[[stage]]\n", "random_state = 1", "stage[0].random_state", "did you mean 'seed' of the top level of the file?"),
    ("[[stage]]\n", "pruner = { kind = 'halving', min_resource = 2 }", "stage[0].pruner.min_resource", "did you mean 'min_epochs'?"),
    ("[[stage]]\n", "pruner = { kind = 'hyperband', reduction_factor = 3 }", "stage[0].pruner.reduction_factor", "did you mean 'keep'?"),
    ("[[stage]]\n", "pruner = { kind = 'median', n_startup_trials = 3 }", "stage[0].pruner.n_startup_trials", "did you mean 'startup'?"),
    ("[[stage]]\n", "budget = { timeout = 3 }", "stage[0].budget.timeout", "did you mean 'minutes'?"),
    ("low = 1e-5", "min = 1e-5", "stage[0].space.lambda.min", "did you mean 'low'?"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "given", "place", "hint"), SYNONYMS)
def test_a_name_from_another_library_gets_ours(at, given, place, hint):
    text = TEXT.replace(at, f"{at}{given}\n" if at.endswith("\n") else given, 1)
    with pytest.raises(StudyFileError) as caught:
        parse(text, "x")
    assert str(caught.value) == f"x: {place} is not a key; {hint}"


OF_THE_MODEL = [
    *((f"space.{name} = [0.1, 1]", f"stage[0].space.{name}", ETA) for name in ("learning_rate", "lr", "step_size")),
    *((f"space.{name} = [[8], [9]]", f"stage[0].space.{name}", HIDDEN) for name in ("hidden_layer_sizes", "n_hidden", "layers", "hidden_units", "units")),
    ("space.max_lr = [0.1, 1]", "stage[0].space.max_lr", "did you mean 'schedule.eta_max'?"),
    ("space.momentum = [0.1, 1]", "stage[0].space.momentum", "did you mean 'optimiser.momentum'?"),
    ("space.nonsense = [0.1, 1]", "stage[0].space.nonsense", MANY),
    ("model.hidden_units = 3", "stage[0].model.hidden_units", HIDDEN),
    ("model.lr = 3", "stage[0].model.lr", "did you mean 'eta' of [training]?"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "place", "hint"), OF_THE_MODEL)
def test_a_hyperparameter_by_another_name_gets_ours_once_the_model_is_known(given, place, hint):
    study = parse(f"{TEXT}{given}\n", "x")
    with pytest.raises(StudyFileError) as caught:
        check_model_keys(study, ["hidden", "init"])
    assert str(caught.value) == f"x: {place} is not a key of models/mlp.py; {hint}"


def test_a_parameter_that_the_model_has_is_no_mistake_whatever_it_is_called():
    check_model_keys(parse(f"{TEXT}space.lr = [0.1, 1]\nmodel.layers = 3\n", "x"), ["lr", "layers"])


def test_no_key_of_another_table_is_proposed_as_one_of_the_model():
    assert did_you_mean("units", ["rate"], "[model]") == "; known: rate"


def test_either_part_of_a_dotted_key_may_be_wrong():
    assert did_you_mean("lr_schedule.max_lr", TRAINING_KEYS) == "; did you mean 'schedule.eta_max'?"
    assert did_you_mean("Optimizer.momentum", TRAINING_KEYS) == "; did you mean 'optimiser.momentum'?"


def test_few_known_keys_are_listed_and_many_are_not():
    assert did_you_mean("x", "abcdefgh") == "; known: a, b, c, d, e, f, g, h"
    assert did_you_mean("x", "abcdefghi") == f"; {MANY}"
    assert did_you_mean("x", []) == ""
