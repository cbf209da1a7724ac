"""The options of Optuna's samplers, in one line each where they are wrong, before anything is changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampler_runs import ask_all, made_stage, needs

from hpsearch.errors import InputError
from hpsearch.search.samplers import optuna_samplers
from hpsearch.search.samplers.factory import check_sampler
from hpsearch.spec import Stage

WRONG = [
    (
        "tpe",
        {"n_startup_trial": 3},
        r"n_startup_trial is not an option of Optuna's TPESampler; did you mean 'n_startup_t",
    ),
    ("tpe", {"n_startup_trials": "ten"}, r"n_startup_trials must be a whole number from 0 to 10_000, got 'ten'"),
    ("tpe", {"n_ei_candidates": 10**9}, r"n_ei_candidates must be a whole number from 0 to 10_000, got 1_000_000_000"),
    ("tpe", {"n_ei_candidates": 0}, r"has options that Optuna's TPESampler does not take: "),
    ("tpe", {"group": 1}, r"group must be true or false, got 1"),
    (
        "tpe",
        {"group": True, "multivariate": False},
        r"has options that Optuna's TPESampler does not take: ``gro",
    ),
    ("tpe", {"seed": 3}, r"seed must not be given: the study's seed decides it"),
    ("tpe", {"gamma": "lambda n: 2"}, r"gamma must not be given: it is a program, not a value"),
    ("tpe", {"prior_weight": float("nan")}, r"prior_weight must be a number from 0 on, got nan"),
    (
        "qmc",
        {"qmc_type": "sobel"},
        r"does not take: The `qmc_type='sobel'` is invalid. Choose either `halton` or `sobol`",
    ),
    ("qmc", {"scramble": "yes"}, r"scramble must be true or false, got 'yes'"),
    pytest.param("cmaes", {"popsize": 1}, r"options that Optuna's CmaEsSampler does not take", marks=needs("cmaes")),
    pytest.param(
        "cmaes",
        {"x0": {"eta": 1}},
        r"x0 must not be given: name the configurations to try in first",
        marks=needs("cmaes"),
    ),
    pytest.param(
        "cmaes", {"lr_adapt": True, "with_margin": True}, r"does not take: It is prohibited", marks=needs("cmaes")
    ),
]


@pytest.mark.parametrize(("kind", "options", "says"), WRONG)
def test_a_wrong_option_is_refused_in_one_line(kind, options, says):
    with pytest.raises(InputError, match=rf"^a\.toml: stage\[2\]\.sampler.*{says}") as caught:
        check_sampler(made_stage(kind, **options), "a.toml", 2)
    assert "\n" not in str(caught.value)


RIGHT = [
    ("random", {}),
    ("qmc", {"qmc_type": "halton", "scramble": True}),
    ("tpe", {"n_startup_trials": 0, "multivariate": False, "constant_liar": False}),
    ("tpe", {"window": 4, "group": True, "n_ei_candidates": 5, "prior_weight": 2}),
    pytest.param("cmaes", {"popsize": 6, "use_separable_cma": True}, marks=needs("cmaes")),
    pytest.param("cmaes", {"sigma0": 0.1, "with_margin": True}, marks=needs("cmaes")),
    pytest.param(
        "gp",
        {"n_startup_trials": 3, "deterministic_objective": True},
        marks=[needs("torch", "greenlet"), pytest.mark.slow],
    ),
]


@pytest.mark.parametrize(("kind", "options"), RIGHT)
def test_options_of_optunas_own_are_taken(kind, options):
    check_sampler(made_stage(kind, **options), "a.toml", 0)


NAMES = ["n_startup_trials", "n_ei_candidates", "prior_weight", "consider_endpoints", "multivariate", "group", "x"]
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


def refusal(stage):
    """What is said against a stage's options, if anything."""
    try:
        check_sampler(stage, "a.toml", 0)
    except InputError as error:
        return str(error)
    return None


@given(options=st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=2))
def test_options_are_refused_in_one_line_or_work(options):
    stage = made_stage("tpe", 14, **options)
    said = refusal(stage)
    if said is None:
        assert len(ask_all(stage)) == 14
    else:
        assert said.startswith("a.toml: stage[0].sampler")
        assert "\n" not in said


def test_a_grid_and_a_list_have_nothing_to_check():
    check_sampler(Stage.model_validate({"name": "a", "configurations": [{"eta": 0.1}]}), "a.toml", 0)
    space = {"eta": {"low": 0.1, "high": 0.5, "points": 3}}
    check_sampler(Stage.model_validate({"name": "a", "sampler": {"kind": "grid"}, "space": space}), "a.toml", 0)


def test_options_are_tried_on_a_space_that_is_not_known_yet():
    space = {"eta": {"around": "coarse"}, "hidden": [[50], [100]]}
    check_sampler(made_stage("tpe", space=space, n_startup_trials=1), "a.toml", 1)
    with pytest.raises(InputError, match="qmc_type"):
        check_sampler(made_stage("qmc", space=space, qmc_type=""), "a.toml", 1)


@pytest.mark.parametrize(("kind", "package"), [("cmaes", "cmaes"), ("gp", "torch")])
def test_a_missing_package_names_the_extra(kind, package, monkeypatch):
    monkeypatch.setattr(optuna_samplers, "find_spec", lambda name: None if name == package else name)
    says = rf"^a\.toml: stage\[0\]\.sampler\.kind '{kind}' needs {package}, not installed.* 'hpsearch\[{kind}\]'$"
    with pytest.raises(InputError, match=says):
        check_sampler(made_stage(kind), "a.toml", 0)


@needs("cmaes")
def test_cma_es_needs_a_number_to_search():
    with pytest.raises(
        InputError, match=r"kind 'cmaes' needs at least one range in the space, got only unordered choices"
    ):
        check_sampler(made_stage("cmaes", space={"hidden": [[50], [100]]}), "a.toml", 0)
