"""Whatever is wrong with a study file costs one line: the place, the rule, what was given, the nearest valid thing."""

# ruff: noqa: E501  (a row of a table stays on one line)

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import StudyFileError
from hpsearch.spec import check_model_keys, parse, read

GOOD = """
name = "good"
[data]
dataset = "digits"
train = 1_000
validation = 400
[model]
file = "models/mlp.py"
hidden = [50]
[training]
eta = 0.1
batch_size = 100
epochs = 40
[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 8 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
[[stage]]
name = "fine"
sampler = { kind = "grid" }
space.lambda = { around = "coarse", best = 3, points = 5 }
[final]
replicates = 3
data = { train = 1_200 }
"""

LAMBDA = "{ low = 1e-5, high = 1e-1, log = true }"
CYCLES = 'cycles = 2\nschedule = { kind = "cyclical", eta_min = 1e-5, eta_max = 0.1, half_cycle_epochs = 2 }'
UPDATES = CYCLES.replace("epochs = 2", "updates = 5")
LIST = '[[stage]]\nname = "list"\nconfigurations = [ { lambda = 0 } ]\n[final]'

BAD = [
    # keys
    ("epochs = 40", "epochs = 40\nlamda = 0", "training.lamda is not a key; did you mean 'lambda'?"),
    ('name = "good"', 'nam = "good"', "nam is not a key; did you mean 'name'?"),
    ('name = "good"', "", "name is missing"),
    ("validation = 400", "", "data.validation is missing"),
    ("low = 1e-5", "lo = 1e-5", "stage[0].space.lambda.lo is not a key; did you mean 'low'?"),
    ("replicates = 3", "replicate = 3", "final.replicate is not a key; did you mean 'replicates'?"),
    ("data = { train", "data = { dataset = 'x', train", "final.data.dataset is not a key; known: all, train, validation"),
    ('name = "good"', 'name = "good"\n"a\\u001b\\nb" = 1', "a\\x1b\\nb is not a key; docs/study-file.md and `hpsearch schema` have all keys"),
    ("eta = 0.1", "eta = 0.1\nclass_weights = 'balanced'", "training.class_weights is not a key; did you mean 'class_weight'?"),
    ("eta = 0.1", "eta = 0.1\nclass_weight = 'balance'", "training.class_weight must be 'balanced', 'none' or a table of weights by class, got 'balance'"),
    ("eta = 0.1", "eta = 0.1\nclass_weight = { a = 0 }", "training.class_weight.a must be above 0, got 0"),
    ("eta = 0.1", "eta = 0.1\nclass_weight = {}", "training.class_weight must have at least 1, got {}"),
    # types
    ("batch_size = 100", 'batch_size = "100"', "training.batch_size must be a whole number, got '100'"),
    ("batch_size = 100", "batch_size = 100.0", "training.batch_size must be a whole number, got 100.0"),
    ("trials = 8", "trials = true", "stage[0].sampler.trials must be a whole number, got true"),
    ("eta = 0.1", "eta = true", "training.eta must be a number, got true"),
    ("eta = 0.1", 'eta = "0.1"', "training.eta must be a number, got '0.1'"),
    ('name = "good"', "name = 4", "name must be text, got 4"),
    ("log = true", "log = 1", "stage[0].space.lambda.log must be true or false, got 1"),
    ("low = 1e-5", "low = true", "stage[0].space.lambda.low must be a number, got true"),
    ("[model]", "[model]\nfile = 3\n[models]", "models is not a key; did you mean 'model'?"),
    ('file = "models/mlp.py"', "file = 3", "model.file must be text, got 3"),
    ('sampler = { kind = "grid" }', "sampler = 'grid'", "stage[1].sampler must be a table with a kind, got 'grid'"),
    (LAMBDA, "0.1", "stage[0].space.lambda must be a range, a list of choices or a range around a stage, got 0.1"),
    ("eta = 0.1", "eta = 1979-05-27", "training.eta must not be a date or time, got 1979-05-27"),
    ("hidden = [50]", "hidden = [nan]", "model.hidden must be finite, got [nan]"),
    ("hidden = [50]", "hidden = [[{ a = inf }]]", "model.hidden must be finite, got [[{ a = inf }]]"),
    # numbers
    ("trials = 8", "trials = 0", "stage[0].sampler.trials must be at least 1, got 0"),
    ("trials = 8", "trials = 1_000_000", "stage[0].sampler.trials must be at most 100_000, got 1_000_000"),
    ("eta = 0.1", "eta = 0", "training.eta must be above 0, got 0"),
    ("eta = 0.1", "eta = inf", "training.eta must be finite, got inf"),
    ("eta = 0.1", "eta = 1e300", "training.eta must be at most 1e+15, got 1e+300"),
    ("eta = 0.1", "eta = 0.1\nlambda = -1", "training.lambda must be at least 0, got -1"),
    ("epochs = 40", "epochs = 0", "training.epochs must be at least 1, got 0"),
    ("batch_size = 100", "batch_size = 9223372036854775808", "training.batch_size must fit in 64 bits, got 9_223_372_036_854_775_808"),
    ('name = "good"', 'name = "good"\nseed = -1', "seed must be at least 0, got -1"),
    ("replicates = 3", "replicates = 0", "final.replicates must be at least 1, got 0"),
    # names
    ('name = "good"', 'name = ""', "name must not be empty, got ''"),
    ('name = "good"', 'name = "a/b"', "name must not begin with '.', contain '/' or '\\', or begin or end with a space, got 'a/b'"),
    ('name = "good"', 'name = ".."', "name must not begin with '.', contain '/' or '\\', or begin or end with a space, got '..'"),
    ('name = "good"', 'name = "a\\nb"', "name must not contain control characters, got 'a\\nb'"),
    ('name = "good"', 'name = "a\\u0000b"', "name must not contain NUL, got 'a\\x00b'"),
    ('name = "good"', f'name = "{"a" * 251}"', f"name must have at most 250 characters, got '{'a' * 78}…"),
    ('name = "fine"', 'name = "coarse"', "stage[1].name must not be that of an earlier stage, got 'coarse'"),
    ('name = "fine"', 'name = "final"', "stage[1].name must not be 'final', which is the name of the step after the last stage"),
    # training
    ("epochs = 40", "epochs = 40\ncycles = 2", "training must have only one of epochs, cycles and updates, got epochs and cycles"),
    ("epochs = 40", "cycles = 2", "training.cycles needs the cyclical schedule, got kind = 'constant'"),
    ("epochs = 40", "", "stage[0].training must have epochs, cycles or updates"),
    ("batch_size = 100", "batch_size = 1_001", "training.batch_size must be at most 1_000, the number of training samples, got 1_001"),
    ("data = { train = 1_200 }", "data = { train = 50 }", "final.training.batch_size must be at most 50, the number of training samples, got 100"),
    ("epochs = 40", "epochs = 40\nschedule = { kind = 'cyclic' }", "training.schedule.kind must be one of 'constant', 'step', 'cyclical', 'cosine', 'one_cycle', got 'cyclic'"),
    ("epochs = 40", "epochs = 40\nschedule = { factor = 1 }", "training.schedule.kind must be one of 'constant', 'step', 'cyclical', 'cosine', 'one_cycle'"),
    ("epochs = 40", "epochs = 40\nschedule = { kind = 'step', factor = 2 }", "training.schedule.factor must be at most 1, got 2"),
    ("epochs = 40", CYCLES, "training.eta is not used by the cyclical schedule, which has eta_min and eta_max"),
    ("replicates = 3", "training.epochs = -1", "final.training.epochs must be at least 1, got -1"),
    ('name = "fine"', 'name = "fine"\ntraining.epoch = 1', "stage[1].training.epoch is not a key; did you mean 'epochs'?"),
    ('name = "fine"', 'name = "fine"\ntraining.lambda = 1', "stage[1].training.lambda must not be given; stage 'fine' searches it"),
    ("replicates = 3", "training.lambda = 1", "final.training.lambda must not be given; stage 'fine' searches it"),
    ('name = "fine"', 'name = "fine"\nmodel.file = "x"', "stage[1].model.file must not be given; a study has one model file"),
    # spaces
    ("low = 1e-5", "low = 0.5", "stage[0].space.lambda.low must be below high = 0.1, got 0.5"),
    ("low = 1e-5", "low = 0", "stage[0].space.lambda.low must be above 0 where log = true, got 0"),
    ("low = 1e-5", "low = 1e-200", "stage[0].space.lambda.low must be at least 1e-100 where log = true, got 1e-200"),
    ("high = 1e-1", "high = 1e16", "stage[0].space.lambda.high must be between -1e+15 and 1e+15, got 1e+16"),
    ("low = 1e-5", "integer = true, low = 1e-5", "stage[0].space.lambda.low must be a whole number, got 1e-05"),
    (", log = true }", ", points = 5 }", "stage[0].space.lambda.points must not be given; only a grid has points, got 5"),
    ("points = 5", "neighbours = true", "stage[1].space.lambda.neighbours must not be given; only ordered choices have some, not a range"),
    ("points = 5", "points = 1", "stage[1].space.lambda.points must be at least 2, got 1"),
    (", points = 5", "", "stage[1].space.lambda.points is missing; a grid needs the number of points of each range"),
    (LAMBDA, "{ low = 0, high = 1, step = 0 }", "stage[0].space.lambda.step must be above 0, got 0"),
    (LAMBDA, "{ low = 0.1, high = 0.55, step = 0.1 }", "stage[0].space.lambda.step must divide the range from 0.1 to 0.55, which is 4.5 steps, got 0.1; the nearest range that it divides is 0.1 to 0.5"),
    (LAMBDA, "{ low = 0, high = 1, step = 3 }", "stage[0].space.lambda.step must divide the range from 0 to 1, which is 0.333333 steps, got 3; the nearest range that it divides is 0 to 3.0"),
    (LAMBDA, "{ low = 0, high = 1, step = 1e-10 }", "stage[0].space.lambda.step must give at most 1_000_000_000 steps from low to high, got 1e-10"),
    (LAMBDA, "{ low = 1e-3, high = 1, log = true, step = 1 }", "stage[0].space.lambda.step must not be given where log = true; list the values as choices, got 1"),
    (LAMBDA, LAMBDA + "\nspace.batch_size = { low = 10, high = 90, step = 0.5 }", "stage[0].space.batch_size.step must be a whole number, got 0.5"),
    (LAMBDA, LAMBDA + "\nspace.batch_size = { low = 10, high = 95, step = 20 }", "stage[0].space.batch_size.step must divide the range from 10 to 95, which is 4.25 steps, got 20; the nearest range that it divides is 10 to 90"),
    (LAMBDA, "{ low = 0, high = 1, step = 0.25 }\nfirst = [{ lambda = 0.3 }]", "stage[0].first[0].lambda must be 0 and whole steps of 0.25, got 0.3; the nearest that is is 0.25"),
    (LAMBDA, "{ low = 0, high = 1, prior = 2 }", "stage[0].space.lambda.prior must be between 0 and 1, the ends of the range, got 2"),
    (LAMBDA, "{ low = 0, high = 1, confidence = 'high' }", "stage[0].space.lambda.confidence must not be given without a prior, got 'high'"),
    (LAMBDA, "{ low = 0, high = 1, prior = 1, confidence = 'sure' }", "stage[0].space.lambda.confidence must be 'low', 'medium' or 'high', got 'sure'"),
    ('kind = "random", trials = 8 }\nspace.lambda = ' + LAMBDA, 'kind = "qmc", trials = 8 }\nspace.lambda = { low = 0, high = 1, prior = 0.5 }', "stage[0].space.lambda.prior must not be given; random, tpe and priorband draw by it, and qmc does not, got 0.5"),
    (LAMBDA, "[]", "stage[0].space.lambda must have at least one choice, got []"),
    (LAMBDA, "[1, 2, 1.0]", "stage[0].space.lambda must not repeat a choice, got 1.0 twice"),
    (LAMBDA, "{}", "stage[0].space.lambda must have low and high, or choices, or around, got {}; known: around, choices, high, low"),
    (LAMBDA, "{ choises = [1] }", "stage[0].space.lambda must have low and high, or choices, or around, got { choises = [1] }; did you mean 'choices'?"),
    (LAMBDA, "[0, -1]", "stage[0].space.lambda must be at least 0, got -1"),
    (LAMBDA, "{ low = -1, high = 1 }", "stage[0].space.lambda must be at least 0, got -1"),
    (LAMBDA, LAMBDA + "\nspace.batch_size = [1, 2_000]", "stage[0].space.batch_size must be at most 1_000, the number of training samples, got 2_000"),
    (LAMBDA, LAMBDA + "\nspace.batch_size = { low = 1.5, high = 9 }", "stage[0].space.batch_size.low must be a whole number, got 1.5"),
    (LAMBDA, LAMBDA + "\nspace.schedule.eta_mx = [1]", "stage[0].space.schedule.eta_mx is not a key of [training]; did you mean 'schedule.eta_max'?"),
    (LAMBDA, LAMBDA + "\nspace.training.eta = [1]", "stage[0].space.training.eta is not a key; write 'eta' for the key of [training]"),
    (LAMBDA, LAMBDA + "\nspace.model.hidden = { low = 1, high = 9 }", "stage[0].space.model.hidden is not a key; write 'hidden' for the key of [model]"),
    (LAMBDA, LAMBDA + "\nspace.file = ['a']", "stage[0].space.file cannot be searched; a study has one model file"),
    (f"space.lambda = {LAMBDA}", "", "stage[0].space must name at least one hyperparameter for the random sampler, got none"),
    # around
    ('around = "coarse"', 'around = "corse"', "stage[1].space.lambda.around must name an earlier stage, got 'corse'; did you mean 'coarse'?"),
    (LAMBDA, '{ around = "fine" }', "stage[0].space.lambda.around must name an earlier stage, got 'fine'; there is none"),
    (LAMBDA, '{ around = "coarse" }', "stage[0].space.lambda.around must name an earlier stage, got 'coarse'; there is none"),
    ("space.lambda = { a", "space.eta = { a", "stage[1].space.eta.around must name a stage whose space has 'eta', got 'coarse'; known: lambda"),
    ("best = 3", "best = 9", "stage[1].space.lambda.best must be at most 8, the trials of stage 'coarse', got 9"),
    ("best = 3", "best = 0", "stage[1].space.lambda.best must be at least 1, got 0"),
    (LAMBDA, "[0, 1, 2]", "stage[1].space.lambda.points must not be given; stage 'coarse' searches choices"),
    # lists of configurations
    ("[final]", LIST.replace("[final]", "sampler = { kind = 'grid' }\n[final]"), "stage[2].sampler must not be given beside configurations"),
    ("[final]", LIST.replace("{ lambda = 0 }", ""), "stage[2].configurations must have at least 1, got []"),
    ("[final]", LIST.replace("{ lambda = 0 }", "{ lambda = 0 }, { lambda = 0.0 }"), "stage[2].configurations[1] must not repeat configurations[0]"),
    ("[final]", LIST.replace("0 }", "-1 }"), "stage[2].configurations[0].lambda must be at least 0, got -1"),
    ("[final]", LIST.replace("0 }", "0, eta = 'x' }"), "stage[2].configurations[0].eta must be a number, got 'x'"),
    ('sampler = { kind = "grid" }', "", "stage[1] must have a sampler and a space, or configurations"),
    ('kind = "grid"', 'kind = "gird"', "stage[1].sampler.kind must be one of 'random', 'grid', 'qmc', 'tpe', 'cmaes', 'gp', 'nsga2', 'priorband', 'python', got 'gird'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line"), BAD)
def test_a_bad_study_file_costs_one_line(old, new, line):
    assert old in GOOD
    with pytest.raises(StudyFileError) as error:
        parse(GOOD.replace(old, new, 1), "studies/x.toml")
    assert str(error.value) == f"studies/x.toml: {line}"


CYCLIC = GOOD.replace("eta = 0.1\n", "").replace("epochs = 40", CYCLES)

BAD_CYCLES = [
    ("half_cycle_epochs = 2", "eta = 1", "training.schedule.eta is not a key; did you mean 'eta_min'?"),
    (", half_cycle_epochs = 2", "", "training.schedule must have either half_cycle_epochs or half_cycle_updates"),
    ("eta_min = 1e-5", "eta_min = 1", "training.schedule.eta_min must be at most eta_max = 0.1, got 1.0"),
    ("epochs = 2", "updates = 7", "training.schedule.half_cycle_updates must come to whole epochs of 10 updates over 2 cycles, got 7; the nearest that does is 5"),
    (LAMBDA, LAMBDA + "\nspace.eta = [1]", "stage[0].space.eta is not used by the cyclical schedule, which has eta_min and eta_max"),
    ("replicates", "training.eta = 1\nreplicates", "final.training.eta is not used by the cyclical schedule, which has eta_min and eta_max"),
    (LAMBDA, LAMBDA + "\nspace.schedule.eta_max = { low = 1e-6, high = 1e-5 }", "training.schedule.eta_min must be at most eta_max = 1e-06, got 1e-05"),
    ("replicates", "training.schedule.kind = 'constant'\nreplicates", "final.training.cycles needs the cyclical schedule, got kind = 'constant'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line"), BAD_CYCLES)
def test_a_bad_cyclical_schedule_costs_one_line(old, new, line):
    assert old in CYCLIC
    with pytest.raises(StudyFileError) as error:
        parse(CYCLIC.replace(old, new, 1), "studies/x.toml")
    assert str(error.value) == f"studies/x.toml: {line}"


ADAMW = "training.lambda must be 0 with adamw, which has weight_decay in its place, got 0.1"
ONE = "{ kind = 'one_cycle', eta_max = 1"
KINDS = "'sgd', 'momentum', 'nesterov', 'adam', 'adamw'"

BAD_TRAINING = [
    # what is added to [training], with the line it costs
    ("optimiser = { kind = 'rmsprop' }", f"training.optimiser.kind must be one of {KINDS}, got 'rmsprop'"),
    ("optimiser = 'adm'", f"training.optimiser.kind must be one of {KINDS}, got 'adm'"),
    ("optimiser = 3", "training.optimiser must be a table with a kind, got 3"),
    ("optimiser = { kind = 'sgd', momentum = 0.9 }", "training.optimiser.momentum is not a key; known: kind"),
    ("optimiser = { kind = 'momentum', momentum = 1 }", "training.optimiser.momentum must be below 1, got 1"),
    ("optimiser = { kind = 'nesterov', momentum = -1 }", "training.optimiser.momentum must be at least 0, got -1"),
    ("optimiser = { kind = 'adam', beta1 = 1.0 }", "training.optimiser.beta1 must be below 1, got 1.0"),
    ("optimiser = { kind = 'adam', beta2 = 2 }", "training.optimiser.beta2 must be below 1, got 2"),
    ("optimiser = { kind = 'adam', epsilon = 0 }", "training.optimiser.epsilon must be above 0, got 0"),
    ("optimiser = { kind = 'adam', weight_decay = 1 }", "training.optimiser.weight_decay is not a key; did you mean 'lambda' of [training]?"),
    ("optimiser = { kind = 'adamw', weight_decay = -1 }", "training.optimiser.weight_decay must be at least 0, got -1"),
    ("lambda = 0.1\noptimiser = 'adamw'", ADAMW),
    ("clip_norm = 0", "training.clip_norm must be above 0, got 0"),
    ("loss = 'svm'", "training.loss must be 'cross_entropy', 'hinge', 'squared_error', 'absolute_error' or 'huber', got 'svm'"),
    ("keep = 'first'", "training.keep must be 'best' or 'last', got 'first'"),
    ("curves = 'some'", "training.curves must be 'sample', 'all' or 'running', got 'some'"),
    ("stop = {}", "training.stop.patience is missing"),
    ("stop = 3", "training.stop must be a table, got 3"),
    ("stop = { patience = 0 }", "training.stop.patience must be at least 1, got 0"),
    ("stop = { patience = 3, metric = 'cost' }", "training.stop.metric must be 'accuracy', 'loss' or 'objective', got 'cost'"),
    ("stop = { patience = 3, min_delta = -1 }", "training.stop.min_delta must be at least 0, got -1"),
    # schedules
    ("schedule = { kind = 'cosine', eta_min = -1 }", "training.schedule.eta_min must be at least 0, got -1"),
    ("schedule = { kind = 'cosine', eta_min = 1 }", "training.schedule.eta_min must be at most eta = 0.1, got 1"),
    ("schedule = { kind = 'constant', factor = 1 }", "training.schedule.factor is not a key; known: kind, warmup_epochs, warmup_updates"),
    ("schedule = { kind = 'step', warmup_epochs = 0 }", "training.schedule.warmup_epochs must be at least 1, got 0"),
    ("schedule = { kind = 'step', warmup_epochs = 1, warmup_updates = 1 }", "training.schedule must have either warmup_epochs or warmup_updates, not both"),
    ("schedule = { kind = 'constant', warmup_epochs = 40 }", "training.schedule.warmup_epochs must be below 40, the epochs of the training, got 40"),
    ("schedule = { kind = 'cosine', warmup_updates = 500 }", "training.schedule.warmup_updates must be below 400, the updates of the training, got 500"),
    (f"schedule = {ONE} }}", "training.eta is not used by the one_cycle schedule, which has eta_min and eta_max"),
    (f"schedule = {ONE}, eta_min = 2 }}", "training.schedule.eta_min must be at most eta_max = 1.0, got 2.0"),
    (f"schedule = {ONE}, eta_end = 1 }}", "training.schedule.eta_min is missing; eta_end needs it"),
    (f"schedule = {ONE}, eta_min = 0.1, eta_end = 1 }}", "training.schedule.eta_end must be at most eta_min = 0.1, got 1.0"),
    (f"schedule = {ONE}, warm = 1 }}", "training.schedule.warm must be below 1, got 1"),
    (f"schedule = {ONE}, warm = 0 }}", "training.schedule.warm must be above 0, got 0"),
    (f"schedule = {ONE}, warmup_epochs = 1 }}", "training.schedule.warmup_epochs is not a key; known: eta_end, eta_max, eta_min, kind, warm"),
    ("schedule = { kind = 'one_cycle' }", "training.schedule.eta_max is missing"),
    ("updates = 100", "training must have only one of epochs, cycles and updates, got epochs and updates"),
    # beside what is searched
    ("[augmentation]\nflip = 1", "augmentation.flip must be true or false, got 1"),
    ("[augmentation]\nflips = true", "augmentation.flips is not a key; did you mean 'flip'?"),
    ("[augmentation]\nshift = -1", "augmentation.shift must be at least 0, got -1"),
    ("[augmentation]\nshift = 1.5", "augmentation.shift must be a whole number, got 1.5"),
    ("[augmentation]\nnoise = -0.1", "augmentation.noise must be at least 0, got -0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("added", "line"), BAD_TRAINING)
def test_a_bad_key_of_training_or_augmentation_costs_one_line(added, line):
    with pytest.raises(StudyFileError) as error:
        parse(GOOD.replace("epochs = 40", f"epochs = 40\n{added}"), "x")
    assert str(error.value) == f"x: {line}"


def several(*metrics: str) -> str:
    """Several objectives, each a metric or a whole table."""
    return "".join(f"[[objective]]\n{each if '=' in each else f'metric = {each!r}'}\n" for each in metrics)


BAD_OBJECTIVES = [
    (several("accuracy"), "objective must be two to four tables; write [objective] for a single one, got 1"),
    (several("parameters", "flops"), "objective[0].metric must be a metric in at least one objective; by counted costs alone nothing need be trained, got 'parameters', 'flops'"),
    (several("loss", "accuracy", "loss"), "objective[2].metric must not repeat objective[0], got 'loss' twice"),
    (several("accuracy", "seconds"), "objective[1].metric must not be a time, which depends on the machine; counted costs are parameters, flops, epochs, got 'seconds'"),
    (several("accuracy", "flop"), "objective[1].metric must be a metric or a counted cost, got 'flop'; did you mean 'flops'?"),
    (several("acuracy", "flops"), "objective[0].metric must be a metric, got 'acuracy'; did you mean 'accuracy'?"),
    (several("accuracy", "metric = 3"), "objective[1].metric must be the name of a metric, such as \"accuracy\", or a table, got 3"),
    (several("accuracy", "metric = 'flops'\ndirection = 'maximize'"), "objective[1].direction must be 'minimize', which is better for flops, got 'maximize'"),
    (several("accuracy", "metric = 'flops'\nalso = []"), "objective[1].also is not a key; known: direction, metric"),
    (several("flops", "rmse"), "objective[1].metric must be a metric of classification, got 'rmse' of regression; known: accuracy, balanced_accuracy, f1, precision, recall, matthews_corrcoef, cohen_kappa, roc_auc, average_precision, top_k_accuracy, log_loss, brier, loss, cost"),
    ("[objective]\nmetric = 'flops'\n", "objective.metric must be measured; a counted cost can only be one of several objectives, [[objective]], got 'flops'"),
    ("[objective]\nmetric = 'seconds'\n", "objective.metric must not be a time, which depends on the machine, got 'seconds'"),
    (several("accuracy", "flops") + "[final]\nprefer = 'acuracy'\n", "final.prefer must be one of the objectives, 'accuracy', 'flops', got 'acuracy'; did you mean 'accuracy'?"),
    (several("accuracy", "flops") + "[final]\nprefer = 'flops'\ntolerance = -1\n", "final.tolerance must be at least 0, got -1"),
    (several("accuracy", "flops") + "[final]\ntolerance = 1\n", "final.tolerance must not be given without prefer, the objective whose unit it has, got 1.0"),
    ("[final]\nprefer = 'accuracy'\n", "final.prefer must not be given; only among several objectives, [[objective]], one can be preferred, got 'accuracy'"),
]  # fmt: skip


@pytest.mark.parametrize(("added", "line"), BAD_OBJECTIVES)
def test_bad_objectives_cost_one_line(added, line):
    text = GOOD.replace("[final]", "[later]") if "[final]" in added else GOOD
    text = text.split("[later]")[0].replace("[training]", f"{added}[training]")
    with pytest.raises(StudyFileError) as error:
        parse(text, "x")
    assert str(error.value) == f"x: {line}"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ('kind = "gp"', "sampler.kind must be 'tpe' or 'nsga2' to learn with several objectives, got 'gp', which learns from one"),
        ('kind = "random", trials = 8 }\nconfirm = 3 #', "confirm must not be given with several objectives; it compares configurations by one"),
    ],
)  # fmt: skip
def test_what_needs_one_objective_is_refused_with_several(changed, line):
    text = GOOD.replace("[training]", several("accuracy", "flops") + "[training]").replace('kind = "random"', changed)
    with pytest.raises(StudyFileError) as error:
        parse(text, "x")
    assert str(error.value) == f"x: stage[0].{line}"


WARM = 'epochs = 40\nschedule = { kind = "cosine", warmup_epochs = 20 }'
SEARCHED = f"space.lambda = {LAMBDA}"
NOT_AUGMENTATION = "cannot be searched; it is the same for all trials of a stage (augmentation = { … } in [[stage]])"
HOLD_OUT = "the number of samples held out"

BAD_STEPS = [
    # lengths
    (("epochs = 40", "updates = 95"), "training.updates must come to whole epochs of 10 updates, got 95; the nearest that does is 100"),
    (("epochs = 40", "updates = 4"), "training.updates must come to whole epochs of 10 updates, got 4; the nearest that does is 10"),
    (("epochs = 40", WARM, "replicates = 3", "training.epochs = 20"), "final.training.schedule.warmup_epochs must be below 20, the epochs of the training, got 20"),
    (("eta = 0.1\n", "", "epochs = 40", CYCLES.replace("cycles = 2", "epochs = 3")), "training.schedule.half_cycle_epochs must come to a cycle within the 3 epochs of the training, got 2; the longest that does is 1"),
    (("eta = 0.1\n", "", "epochs = 40", UPDATES.replace("cycles = 2", "epochs = 1").replace("= 5", "= 6")), "training.schedule.half_cycle_updates must come to a cycle within the 10 updates of the training, got 6; the longest that does is 5"),
    (("epochs = 40", "updates = 400", SEARCHED, SEARCHED + "\nspace.batch_size = { low = 100, high = 200 }"), "stage[0].space.batch_size must be a list of choices where the length is in updates; or give epochs"),
    # replicates and folds
    (("trials = 8 }", "trials = 8 }\nreplicates = 0"), "stage[0].replicates must be at least 1, got 0"),
    (("trials = 8 }", "trials = 8 }\nreplicates = 50_000"), "stage[0] must come to at most 100_000 trainings, got 50_000 replicates of 8 trials"),
    (("validation = 400", "validation = { folds = 5 }", "trials = 8 }", "trials = 8 }\nreplicates = 3"), "stage[0].replicates must be 1 with validation = { folds = 5 }, where each fold is a replicate, got 3"),
    (("validation = 400", "validation = { folds = 1 }"), "data.validation.folds must be at least 2, got 1"),
    (("validation = 400", "validation = { fold = 5 }"), "data.validation.fold is not a key; did you mean 'folds'?"),
    (("validation = 400", "validation = '400'"), "data.validation must be a whole number, got '400'"),
    (("1_000\nvalidation = 400", "1_001\nvalidation = { folds = 5 }"), "data.train must be a multiple of 4, the number of folds that are trained on, got 1_001; the nearest that is: 1_000"),
    (("1_200", "1_200, validation = { folds = 5 }"), "final.data.validation must be a whole number, got { folds = 5 }"),
    # augmentation
    (("trials = 8 }", "trials = 8 }\naugmentation.flips = true"), "stage[0].augmentation.flips is not a key; did you mean 'flip'?"),
    (("replicates = 3", "augmentation = { shift = -1 }"), "final.augmentation.shift must be at least 0, got -1"),
    ((SEARCHED, "space.augmentation.flip = [true, false]"), f"stage[0].space.augmentation {NOT_AUGMENTATION}"),
    ((SEARCHED, "space.augmentation = [{ flip = true }]"), f"stage[0].space.augmentation {NOT_AUGMENTATION}"),
    ((SEARCHED, "space = { 'augmentation.shift' = { low = 1, high = 2 } }"), f"stage[0].space.augmentation.shift {NOT_AUGMENTATION}"),
    (("[final]", LIST.replace("lambda = 0", "augmentation = { flip = true }")), f"stage[2].configurations[0].augmentation {NOT_AUGMENTATION}"),
    # spaces of the new keys
    ((SEARCHED, SEARCHED + "\nspace.optimiser.momentum = [0.5, 1]"), "stage[0].space.optimiser.momentum is not a key; known: kind"),
    ((SEARCHED, SEARCHED + "\nspace.optimiser = ['sgd', 'adamw']"), "stage[0].space.lambda must be 0 with adamw, which has weight_decay in its place, got 1e-05"),
    ((SEARCHED, "space = { optimiser = ['sgd'], 'optimiser.momentum' = [0.5] }"), "stage[0].space.optimiser.momentum must not be searched beside 'optimiser', which replaces the whole table"),
    ((SEARCHED, SEARCHED + "\nspace.optimiser.kind = ['momentum']\nspace.optimiser.momentum = [0.5]"), "stage[0].space.optimiser.momentum must not be searched beside 'optimiser.kind', which replaces the whole table"),
    ((SEARCHED, SEARCHED + "\nspace.stop.patience = [0]"), "stage[0].space.stop.patience must be at least 1, got 0"),
    ((SEARCHED, SEARCHED + "\nspace.loss = ['hinge', 'x']"), "stage[0].space.loss must be 'cross_entropy', 'hinge', 'squared_error', 'absolute_error' or 'huber', got 'x'"),
    # datasets by path
    (('"digits"', "3"), "data.dataset must be a dataset's name or a table with a kind, got 3"),
    (('"digits"', "''"), "data.dataset must not be empty, got ''"),
    (('"digits"', "{ path = 'x' }"), "data.dataset.kind must be one of 'idx', 'npz', 'csv', 'folder', 'parquet', 'python'"),
    (('"digits"', "{ kind = 'zip', path = 'x' }"), "data.dataset.kind must be one of 'idx', 'npz', 'csv', 'folder', 'parquet', 'python', got 'zip'"),
    (('"digits"', "{ kind = 'idx' }"), "data.dataset.path is missing"),
    (('"digits"', "{ kind = 'idx', path = '' }"), "data.dataset.path must not be empty, got ''"),
    (('"digits"', "{ kind = 'idx', path = 'x', classes = [] }"), "data.dataset.classes must have at least 1, got []"),
    (('"digits"', "{ kind = 'idx', path = 'x', classes = ['a', 'a'] }"), "data.dataset.classes must not repeat a class, got 'a' twice"),
    (('"digits"', "{ kind = 'idx', path = 'x', classes = [1] }"), "data.dataset.classes[0] must be text, got 1"),
    (('"digits"', "{ kind = 'npz', path = 'x', image = 'a' }"), "data.dataset.image is not a key; did you mean 'samples'?"),
    (('"digits"', "{ kind = 'npz', path = 'x', test_samples = 'a', test = 10 }"), f"data.dataset.test_samples must not be given beside test, {HOLD_OUT}"),
    (('"digits"', "{ kind = 'npz', path = 'x', channels = 'middle' }"), "data.dataset.channels must be 'first' or 'last', got 'middle'"),
    (('"digits"', "{ kind = 'csv', path = 'x', test = 1 }"), "data.dataset.label is missing"),
    (('"digits"', "{ kind = 'csv', path = 'x', label = 'y' }"), f"data.dataset must have either test_path or test, {HOLD_OUT}"),
    (('"digits"', "{ kind = 'csv', path = 'x', label = 'y', test = 0 }"), "data.dataset.test must be at least 1, got 0"),
    (('"digits"', "{ kind = 'csv', path = 'x', label = 'y', test = 1, image_shape = [1, 2] }"), "data.dataset.image_shape must have at least 3, got [1, 2]"),
    (('"digits"', "{ kind = 'folder', path = 'x', test = 1, test_path = 'y' }"), f"data.dataset must have either test_path or test, {HOLD_OUT}"),
    (('"digits"', "{ kind = 'folder', path = 'x', test = 1, size = [1, 2, 3] }"), "data.dataset.size must have at most 2, got [1, 2, 3]"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), BAD_STEPS)
def test_bad_lengths_folds_augmentations_and_datasets_cost_one_line(changes, line):
    text = GOOD
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(StudyFileError) as error:
        parse(text, "x")
    assert str(error.value) == f"x: {line}"


def test_a_range_of_batch_sizes_does_not_go_with_half_cycles_in_updates():
    text = CYCLIC.replace("epochs = 2 }", "updates = 5 }")
    text = text.replace(LAMBDA, LAMBDA + "\nspace.batch_size = { low = 100, high = 200 }")
    with pytest.raises(StudyFileError, match=r"space.batch_size must be a list of choices where the schedule has"):
        parse(text.replace("data = { train = 1_200 }", ""), "x")


def test_further_errors_are_counted():
    with pytest.raises(StudyFileError) as error:
        parse(GOOD.replace("eta = 0.1", "eta = 0").replace("epochs = 40", "epochs = 0"), "x")
    assert str(error.value) == "x: training.eta must be above 0, got 0 (and 1 more)"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'name = "a"\nname', "is not TOML: Expected '=' after a key in a key/value pair (at end of document)"),
        (b'name = "a"\nx = = 1\n', "is not TOML: Invalid value (at line 2, column 5)"),
        (b"name = '\xff'", "must be UTF-8 text, but byte 9 is not"),
        (b"a = " + b"[" * 5000, "is nested too deeply"),
        (b"a" + b".a" * 5000 + b" = 1", "is nested too deeply"),
        (b"", "name is missing (and 3 more)"),
        (b"stage = 1", "name is missing (and 3 more)"),
        (b"#" * 1_000_001, "must have at most 1_000_000 bytes, got 1_000_001"),
    ],
)
def test_a_file_that_is_no_study_file_costs_one_line(tmp_path, content, line):
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(StudyFileError) as error:
        read(tmp_path / "x.toml")
    assert str(error.value) == f"{tmp_path / 'x.toml'}: {line}"


def test_a_missing_file_names_the_nearest_one(tmp_path):
    (tmp_path / "digits.toml").touch()
    for path, line in [
        (tmp_path / "digts.toml", "no such study file; did you mean 'digits.toml'?"),
        (tmp_path / "no" / "x.toml", f"no such study file; there is no directory '{tmp_path / 'no'}'"),
        (tmp_path, "must be a file"),
    ]:
        with pytest.raises(StudyFileError) as error:
            read(path)
        assert str(error.value) == f"{path}: {line}"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("hidden = [50]", "hiden = [50]", "model.hiden is not a key of models/mlp.py; did you mean 'hidden'?"),
        ("space.lambda", "space.lamda", "stage[0].space.lamda is not a key of models/mlp.py; did you mean 'lambda'?"),
        ("[final]", "[final]\nmodel.depth = 1", "final.model.depth is not a key of models/mlp.py; known: hidden, init"),
        ("eta = 0.1", "", "stage[0].training.eta is missing; the constant schedule needs it"),
        ("batch_size = 100", "", "stage[0].training.batch_size is missing"),
    ],
)
def test_keys_that_the_model_does_not_have_or_lacks_are_refused_once_it_is_known(old, new, line):
    study = parse(GOOD.replace(old, new), "x")
    with pytest.raises(StudyFileError) as error:
        check_model_keys(study, ["hidden", "init"])
    assert str(error.value) == f"x: {line}"


RICH = """
name = "rich"
[data]
dataset = { kind = "csv", path = "x.csv", label = "y", test = 100, image_shape = [1, 2, 3] }
train = 1_000
validation = { folds = 5 }
[augmentation]
flip = true
shift = 2
noise = 0.1
[model]
file = "models/mlp.py"
[training]
eta = 0.1
batch_size = 100
updates = 400
optimiser = { kind = "nesterov", momentum = 0.9 }
schedule = { kind = "cosine", eta_min = 0.01, warmup_updates = 20 }
clip_norm = 1
loss = "hinge"
stop = { patience = 5, metric = "loss", min_delta = 0.1 }
keep = "last"
curves = "running"
[[stage]]
name = "one"
sampler = { kind = "random", trials = 8 }
augmentation.flip = false
training.stop.patience = 3
space.optimiser.momentum = { low = 0.5, high = 0.9 }
space.schedule.eta_min = { low = 0.01, high = 0.1 }
[[stage]]
name = "learnt"
sampler = { kind = "tpe", trials = 8, window = 4, n_startup_trials = 3, multivariate = true }
pruner = { kind = "median", startup = 2, rungs = [2, 4], audit = 0.5 }
budget = { minutes = 3, epochs = 900, target = 0.5, patience = 20 }
first = [ { optimiser = { momentum = 0.6 } } ]
from = "poor/one"
space.optimiser.momentum = { around = "one" }
[[stage]]
name = "halved"
sampler = { kind = "qmc", trials = 8, batch = 4 }
pruner = { kind = "halving", keep = 0.5, rungs = 2, min_epochs = 3 }
space.lambda = { low = 1e-3, high = 1 }
[[stage]]
name = "two"
replicates = 1
configurations = [ { optimiser = "adam" }, { schedule = { kind = "one_cycle", eta_max = 1, eta_min = 0.1, eta_end = 0.1, warm = 0.5 } } ]
[final]
augmentation = { shift = 0 }
data = { validation = 100 }
"""

VALUES = [
    "0",
    "-1",
    "1.5",
    "true",
    "nan",
    "'x'",
    "'adam'",
    "[]",
    "[[1]]",
    "{}",
    "{ kind = 'step' }",
    "{ kind = 'cyclical' }",
    "{ kind = 'npz' }",
    "{ kind = 'hyperband', keep = 1e-320 }",
    "{ kind = 'halving', keep = 0.99, rungs = 900 }",
    "{ kind = 'gp', trials = 1 }",
    "{ folds = 3 }",
    "1979-05-27",
    "9" * 30,
    "0x" + "f" * 5000,
]


def test_the_study_files_that_are_mutated_are_valid_themselves():
    assert [parse(text, "x").name for text in (GOOD, RICH)] == ["good", "rich"]


@given(
    st.sampled_from([GOOD.splitlines(), RICH.splitlines()]),
    st.lists(st.tuples(st.integers(0), st.sampled_from(["", "#", "=", *VALUES])), min_size=1, max_size=3),
    st.sets(st.integers(0, 54), max_size=2),
)
def test_a_mutated_study_file_raises_nothing_but_study_file_errors(source, changes, dropped):
    lines = list(source)
    for number, value in changes:
        i = number % len(lines)
        key = lines[i].partition("=")[0]
        lines[i] = f"{key} = {value}" if value in VALUES else lines[i][: len(lines[i]) // 2] + value
    text = "\n".join(line for i, line in enumerate(lines) if i not in dropped)
    with contextlib.suppress(StudyFileError):
        parse(text, "x")


@given(st.binary(max_size=40), st.integers(0, len(GOOD)))
def test_garbage_bytes_raise_nothing_but_study_file_errors(tmp_path_factory, garbage, at):
    path: Path = tmp_path_factory.getbasetemp() / "garbage.toml"
    path.write_bytes(GOOD.encode()[:at] + garbage + GOOD.encode()[at:])
    with contextlib.suppress(StudyFileError):
        read(path)
