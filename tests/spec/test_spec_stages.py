"""What a stage has beside its space: samplers, pruners, budgets, configurations to try first, confirmation."""

# ruff: noqa: E501  (a row of a table stays on one line)

import pytest

from hpsearch.errors import StudyFileError
from hpsearch.spec import Budget, Confirm, Halving, Hyperband, Median, parse, probes, resolve, trials_at_most

TEXT = """
name = "good"
[data]
dataset = "digits"
train = 1_000
validation = 400
[model]
file = "models/mlp.py"
init = { gain = 1 }
[training]
eta = 0.1
batch_size = 100
epochs = 40
[[stage]]
name = "coarse"
sampler = { kind = "tpe", trials = 12 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.batch_size = { low = 10, high = 200 }
space.loss = ["cross_entropy", "hinge"]
space.init.gain = { low = 0.5, high = 2 }
[[stage]]
name = "fine"
sampler = { kind = "random", trials = 8 }
space.lambda = { around = "coarse", best = 3 }
space.loss = { around = "coarse" }
space.batch_size = { around = "coarse" }
[[stage]]
name = "list"
configurations = [{ lambda = 0 }, { lambda = 1 }]
"""

TPE, RANDOM = 'kind = "tpe", trials = 12', 'kind = "random", trials = 8'
CONFIGURATIONS = "configurations = [{ lambda = 0 }"


def stages(*changes):
    text = TEXT
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return parse(text, "x").stages


def with_keys(keys):
    """The first stage with further keys."""
    return stages('name = "coarse"', f'name = "coarse"\n{keys}')[0]


def test_a_stage_has_no_more_than_a_sampler_and_a_space_by_default():
    for stage in stages():
        assert (stage.pruner, stage.budget, stage.first, stage.source, stage.confirm) == (
            None,
            Budget(),
            (),
            None,
            None,
        )


def test_options_of_a_sampler_are_kept_by_optunas_names():
    tpe, *_ = stages(TPE, f"{TPE}, n_startup_trials = 3, multivariate = true")
    assert (tpe.kind, tpe.sampler.trials) == ("tpe", 12)
    assert tpe.sampler.options == {"n_startup_trials": 3, "multivariate": True}
    qmc, *_ = stages(TPE, 'kind = "qmc", trials = 12, qmc_type = "halton"')
    assert (qmc.sampler.options, qmc.window) == ({"qmc_type": "halton"}, None)


@pytest.mark.parametrize(
    ("changes", "batch", "window"),
    [
        ((), 8, None),
        ((TPE, f"{TPE}, batch = 3"), 3, None),
        ((TPE, f"{TPE}, window = 3"), None, 3),
        ((TPE, f"{TPE}, window = 3", "space.loss", "budget.epochs = 99\nspace.loss"), None, 3),
        ((TPE, RANDOM), None, None),
        ((TPE, f"{RANDOM}, batch = 5"), 5, None),
        ((TPE, RANDOM, "space.loss", "budget.minutes = 9\nspace.loss"), None, None),
        ((TPE, RANDOM, "space.loss", "budget.target = 0.9\nspace.loss"), 16, None),
        ((TPE, f"{RANDOM}, batch = 5", "space.loss", "budget.epochs = 99\nspace.loss"), 5, None),
    ],
)
def test_configurations_are_sampled_in_batches_or_a_window(changes, batch, window):
    stage = stages(*changes)[0]
    assert (stage.batch_size_of_points, stage.window) == (batch, window)


def test_a_list_has_batches_where_a_budget_counts_its_trials():
    assert stages()[2].batch_size_of_points is None
    assert stages(CONFIGURATIONS, f"budget.patience = 9\n{CONFIGURATIONS}")[2].batch_size_of_points == 16


def test_pruners_and_budgets_have_the_defaults_of_the_documentation():
    pruners = [with_keys(f'pruner = {{ kind = "{kind}" }}').pruner for kind in ("halving", "hyperband", "median")]
    assert [type(pruner) for pruner in pruners] == [Halving, Hyperband, Median]
    assert [(pruner.min_epochs, pruner.audit) for pruner in pruners] == [(None, 0.05)] * 3
    assert (pruners[0].keep, pruners[0].rungs, pruners[1].keep, pruners[2].startup) == (1 / 3, None, 1 / 3, 5)
    budget = with_keys("budget = { minutes = 30, target = 0.55 }").budget
    assert (budget.minutes, budget.epochs, budget.target, budget.patience) == (30.0, None, 0.55, None)


def test_confirm_is_short_for_a_table_whose_replicates_go_beyond_the_stages():
    assert with_keys("confirm = 5").confirm == Confirm(best=5, replicates=10)
    assert with_keys("confirm = { best = 3 }\nreplicates = 9").confirm == Confirm(best=3, replicates=11)
    assert with_keys("confirm = { best = 3, replicates = 4 }\nreplicates = 3").confirm.replicates == 4


def test_configurations_to_try_first_have_the_names_of_the_space_and_are_probed():
    first = "first = [{ lambda = 1e-3, init.gain = 1.5 }, { init = { gain = 0.5 } }, { loss = 'hinge' }]"
    study = parse(TEXT.replace('name = "coarse"', f'name = "coarse"\n{first}'), "x")
    stage = study.stages[0]
    assert stage.first == ({"lambda": 1e-3, "init.gain": 1.5}, {"init.gain": 0.5}, {"loss": "hinge"})
    found = list(probes(study, stage))
    assert {"lambda": 1e-3, "batch_size": 10, "loss": "cross_entropy", "init.gain": 1.5} in found
    assert resolve(study, stage, found[-1]).training.loss == "hinge"
    assert trials_at_most(study, stage) == 12


def test_a_range_around_another_stage_is_not_known_before_so_first_may_name_any_value_that_can_be():
    stage = stages('name = "fine"', 'name = "fine"\nfirst = [{ lambda = 9.5, loss = "hinge" }]')[1]
    assert stage.first == ({"lambda": 9.5, "loss": "hinge"},)


DEFAULT = "default = { lambda = 1e-3, batch_size = 100, loss = 'hinge', init = { gain = 1 } }"


def test_the_default_is_tried_before_those_of_first_and_is_one_of_a_grid_or_of_a_list():
    stage = with_keys(f"{DEFAULT}\nfirst = [{{ lambda = 1e-4 }}]")
    assert stage.default == {"lambda": 1e-3, "batch_size": 100, "loss": "hinge", "init.gain": 1}
    assert stage.tried_first == (stage.default, {"lambda": 1e-4})
    listed = TEXT[: TEXT.index("[[stage]]")] + "[[stage]]\nname = 'list'\ndefault = { lambda = 1 }\n"
    assert parse(listed + "configurations = [{ lambda = 0 }, { lambda = 1.0 }]", "x").stages[0].tried_first == ()
    with pytest.raises(StudyFileError, match=r"stage\[0\].default must be one of the configurations, got"):
        parse(listed + "configurations = [{ lambda = 0 }]", "x")
    grid = "[[stage]]\nname = 'g'\nsampler = { kind = 'grid' }\nspace.lambda = { low = 1e-3, high = 1, log = true, points = 4 }\n"
    head = TEXT[: TEXT.index("[[stage]]")]
    assert parse(head + grid + "default = { lambda = 0.01 }", "x").stages[0].default == {"lambda": 0.01}
    with pytest.raises(StudyFileError, match=r"default.lambda must be one of the grid's \[0.001, .*\], got 0.02"):
        parse(head + grid + "default = { lambda = 0.02 }", "x")


LEARN = "only samplers that learn (tpe, cmaes, gp, nsga2, priorband, python)"
LONGEST = "40, the epochs of the stage's longest training"
NAMED = "must be the name of a study, or of a study and a stage: 'study/stage'"

BAD = [
    # what is added to the first stage, with the line it costs
    ("pruner = { kind = 'asha' }", "pruner.kind must be one of 'halving', 'hyperband', 'median', got 'asha'"),
    ("pruner = 'halving'", "pruner must be a table with a kind, got 'halving'"),
    ("pruner = { kind = 'halving', kept = 0.5 }", "pruner.kept is not a key; did you mean 'keep'?"),
    ("pruner = { kind = 'hyperband', rungs = 3 }", "pruner.rungs is not a key; known: audit, keep, kind, min_epochs"),
    ("pruner = { kind = 'halving', keep = 0 }", "pruner.keep must be above 0, got 0"),
    ("pruner = { kind = 'hyperband', keep = 1 }", "pruner.keep must be below 1, got 1"),
    ("pruner = { kind = 'halving', audit = 1 }", "pruner.audit must be below 1, got 1"),
    ("pruner = { kind = 'median', audit = -0.1 }", "pruner.audit must be at least 0, got -0.1"),
    ("pruner = { kind = 'halving', rungs = 0 }", "pruner.rungs must be at least 1, got 0"),
    ("pruner = { kind = 'halving', rungs = 0.5 }", "pruner.rungs must be a whole number, got 0.5"),
    ("pruner = { kind = 'halving', rungs = 2_000 }", "pruner.rungs must be at most 1_000, got 2_000"),
    ("pruner = { kind = 'halving', rungs = [] }", "pruner.rungs must have at least 1, got []"),
    ("pruner = { kind = 'halving', rungs = [0] }", "pruner.rungs[0] must be at least 1, got 0"),
    ("pruner = { kind = 'halving', rungs = [2, 2] }", "pruner.rungs[1] must be above 2, the rung before it, got 2"),
    ("pruner = { kind = 'halving', rungs = [2, 40] }", f"pruner.rungs[1] must be below {LONGEST}, got 40"),
    ("pruner = { kind = 'halving', rungs = 5 }", f"pruner.rungs must be at most 4, the rungs below {LONGEST}, got 5"),
    ("pruner = { kind = 'median', min_epochs = 40 }", f"pruner.min_epochs must be below {LONGEST}, got 40"),
    ("pruner = { kind = 'hyperband', min_epochs = 99 }", f"pruner.min_epochs must be below {LONGEST}, got 99"),
    ("pruner = { kind = 'median', rungs = [3], min_epochs = 2 }", "pruner.min_epochs must not be given beside a list of rungs, whose first it would be, got 2"),
    ("pruner = { kind = 'median', startup = 0 }", "pruner.startup must be at least 1, got 0"),
    ("pruner = { kind = 'median', startup = 12 }", "pruner.startup must be below 12, the trials of the stage, got 12"),
    ("budget = {}", "budget must have at least one of minutes, epochs, target, patience, got {}"),
    ("budget = 30", "budget must be a table, got 30"),
    ("budget = { minute = 30 }", "budget.minute is not a key; did you mean 'minutes'?"),
    ("budget = { minutes = 0 }", "budget.minutes must be above 0, got 0"),
    ("budget = { epochs = 1.5 }", "budget.epochs must be a whole number, got 1.5"),
    ("budget = { target = 55 }", "budget.target must be a share above 0 and at most 1, like the accuracy, got 55"),
    ("budget = { patience = 0 }", "budget.patience must be at least 1, got 0"),
    ("default = 3", "default must be a table, got 3"),
    (DEFAULT.replace("lambda", "lamda"), "default.lamda is not in the stage's space; did you mean 'lambda'?"),
    (DEFAULT.replace("1e-3", "0.2"), "default.lambda must be between 1e-05 and 0.1, the ends of its range, got 0.2"),
    (DEFAULT.replace("batch_size = 100, ", ""), "default must give all hyperparameters of the space that its choices have, but 'batch_size' is missing"),
    (DEFAULT + "\nconstraints = ['lambda < 1e-4']", "default must keep the constraint 'lambda < 1e-4'"),
    (DEFAULT + "\nfirst = [" + DEFAULT.removeprefix("default = ") + "]", "first must not repeat the default, which is trained first"),
    ("first = { lambda = 1 }", "first must be a list, got { lambda = 1 }"),
    ("first = []", "first must have at least 1, got []"),
    ("first = [3]", "first[0] must be a table, got 3"),
    ("first = [{}]", "first[0] must name at least one hyperparameter, got {}"),
    ("first = [{ lamda = 1e-3 }]", "first[0].lamda is not in the stage's space; did you mean 'lambda'?"),
    ("first = [{ lambda = 1e-3 }, { lambda = 0.001 }]", "first[1] must not repeat first[0]"),
    ("first = [{ lambda = 0.2 }]", "first[0].lambda must be between 1e-05 and 0.1, the ends of its range, got 0.2"),
    ("first = [{ lambda = true }]", "first[0].lambda must be a number, got true"),
    ("first = [{ batch_size = 15.5 }]", "first[0].batch_size must be a whole number, got 15.5"),
    ("first = [{ init.gain = 3 }]", "first[0].init.gain must be between 0.5 and 2, the ends of its range, got 3"),
    ("first = [{ init.gan = 1 }]", "first[0].init.gan is not in the stage's space; did you mean 'init.gain'?"),
    ("first = [{ loss = 'hing' }]", "first[0].loss must be one of ['cross_entropy', 'hinge'], got 'hing'"),
    ("first = [" + "".join(f"{{ batch_size = {10 + i} }}," for i in range(13)) + "]", "first must have at most 12, the trials of the stage, got 13"),
    ("from = 3", "from must be text, got 3"),
    ("from = ''", f"from {NAMED}, got ''"),
    ("from = 'other/'", f"from {NAMED}, got 'other/'"),
    ("from = 'a/b/c'", "from must not begin with '.', contain '/' or '\\', or begin or end with a space, got 'b/c'"),
    ("from = 'good'", "from must name another study; a stage of this one is searched around, got 'good'"),
    ("from = 'good/fine'", "from must name another study; a stage of this one is searched around, got 'good/fine'"),
    ("confirm = 1", "confirm.best must be at least 2, got 1"),
    ("confirm = true", "confirm must be a number of configurations or a table, got true"),
    ("confirm = { replicates = 5 }", "confirm.best is missing"),
    ("confirm = 13", "confirm.best must be at most 12, the trials of the stage, got 13"),
    ("confirm = { best = 2, replicates = 3 }\nreplicates = 3", "confirm.replicates must be above 3, the replicates that each configuration has, got 3"),
    ("confirm = { best = 12, replicates = 100_000 }", "confirm must come to at most 100_000 trainings, got 1_200_000"),
]  # fmt: skip


@pytest.mark.parametrize(("added", "line"), BAD)
def test_a_bad_key_of_a_stage_costs_one_line(added, line):
    with pytest.raises(StudyFileError) as error:
        with_keys(added)
    assert str(error.value) == f"x: stage[0].{line}"


GRID = "sampler = { kind = 'grid' }\nspace = { lambda = [0, 1] }\n"
DRAWN = "must not be given; only where a sampler draws configurations can some be tried first"
FOLDS = "must not be given with validation = { folds = 5 }, which has no further replicates"

BAD_TOGETHER = [
    ((TPE, f"{TPE}, batch = 2, window = 2"), "stage[0].sampler.window must not be given beside batch, got 2"),
    ((TPE, f"{TPE}, window = 0"), "stage[0].sampler.window must be at least 1, got 0"),
    ((TPE, 'kind = "tpe"'), "stage[0].sampler.trials is missing"),
    ((TPE, 'kind = "qmc", trials = 8, window = 4'), f"stage[0].sampler.window must not be given; {LEARN} have one, got 4"),
    ((RANDOM, f"{RANDOM}, window = 4"), f"stage[1].sampler.window must not be given; {LEARN} have one, got 4"),
    ((RANDOM, f"{RANDOM}, bach = 4"), "stage[1].sampler.bach is not a key; did you mean 'batch'?"),
    ((TPE, f"{TPE}, window = 4", "space.loss", "pruner.kind = 'halving'\nspace.loss"), "stage[0].sampler.window must not be given beside the halving pruner, which compares the trials of a batch, got 4"),
    (("low = 10, high", "points = 3, low = 10, high"), "stage[0].space.batch_size.points must not be given; only a grid has points, got 3"),
    ((RANDOM, 'kind = "cmaes", trials = 8', "{ around = \"coarse\", best = 3 }", "{ choices = [0, 1], ordered = false }", "space.batch_size = { around = \"coarse\" }", ""), "stage[1].space must have at least one range or ordered choices for cmaes, which only draws other choices at random"),
    ((RANDOM, f"{RANDOM} }}\nfrom = 'other'\nmodel = {{"), f"stage[1].from must not be given; {LEARN} can start from other trials, got 'other'"),
    ((CONFIGURATIONS, f"first = [{{ lambda = 0 }}]\n{CONFIGURATIONS}"), f"stage[2].first {DRAWN}"),
    ((CONFIGURATIONS, f"{GRID}first = [{{ lambda = 0 }}]\n# "), f"stage[2].first {DRAWN}"),
    ((RANDOM, f"{RANDOM} }}\nfirst = [{{ lambda = 'x' }}]\nmodel = {{"), "stage[1].first[0].lambda must be a number, got 'x'"),
    ((RANDOM, f"{RANDOM} }}\nfirst = [{{ lambda = -1 }}]\nmodel = {{"), "stage[1].first[0].lambda must be at least 0, got -1"),
    ((RANDOM, f"{RANDOM} }}\nfirst = [{{ batch_size = 2_000 }}]\nmodel = {{"), "stage[1].first[0].batch_size must be at most 1_000, the number of training samples, got 2_000"),
    ((RANDOM, f"{RANDOM} }}\nfirst = [{{ loss = 'x' }}]\nmodel = {{"), "stage[1].first[0].loss must be one of ['cross_entropy', 'hinge'], got 'x'"),
    (("validation = 400", "validation = { folds = 5 }", CONFIGURATIONS, f"confirm = 2\n{CONFIGURATIONS}"), f"stage[2].confirm {FOLDS}"),
    ((CONFIGURATIONS, f"confirm = 3\n{CONFIGURATIONS}"), "stage[2].confirm.best must be at most 2, the trials of the stage, got 3"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "line"), BAD_TOGETHER)
def test_keys_that_do_not_go_together_cost_one_line(changes, line):
    with pytest.raises(StudyFileError) as error:
        stages(*changes)
    assert str(error.value) == f"x: {line}"


def test_the_longest_training_of_a_stage_decides_which_rungs_there_are():
    keys = "pruner = { kind = 'halving', rungs = [2, 60] }\n"
    assert stages(CONFIGURATIONS, f"{keys}configurations = [{{ epochs = 80 }}")[2].pruner.rungs_for(80) == (2, 60)
    with pytest.raises(StudyFileError, match=r"rungs\[1\] must be below 50, the epochs of the stage's longest"):
        stages(CONFIGURATIONS, f"{keys}configurations = [{{ epochs = 50 }}")


def test_a_length_without_an_end_costs_no_more_to_check_than_another():
    text = TEXT.replace("epochs = 40", "epochs = 1_000_000_000")
    for pruner in ("{ kind = 'median' }", "{ kind = 'halving', keep = 0.999999999 }", "{ kind = 'hyperband' }"):
        parse(text.replace('name = "coarse"', f'name = "coarse"\npruner = {pruner}'), "x")


def test_a_budget_of_epochs_holds_a_configuration_at_least():
    said = (
        r"stage\[2\]\.budget\.epochs must be at least 80, the epochs of a configuration with its 2 replicates, got 79"
    )
    with pytest.raises(StudyFileError, match=said):
        parse(TEXT + "replicates = 2\nbudget = { epochs = 79 }\n", "x")
    assert parse(TEXT + "replicates = 2\nbudget = { epochs = 80 }\n", "x")
