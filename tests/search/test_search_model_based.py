"""Samplers that learn: the same configurations from any run, of what they should see and nothing else."""

import math
import warnings

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sampler_runs import LEARNERS, SPACE, ask_all, made_stage, needs, outcome

from hpsearch.errors import HpsearchError
from hpsearch.nn.random import generator
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import Point
from hpsearch.storage.records import COMPLETE, PRUNED

RANGES = {key: SPACE[key] for key in ("lambda", "eta", "batch_size")}
TRIALS = {"tpe": 24, "cmaes": 24, "gp": 12}


def values(stage, **given):
    return [params for params, _ in ask_all(stage, **given)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "more", [{"window": 3}, *(pytest.param({"batch": n}, marks=pytest.mark.slow) for n in (1, 8))], ids=str
)
@pytest.mark.parametrize("kind", LEARNERS)
def test_a_run_killed_before_any_configuration_goes_on_with_the_same_bits(kind, more):
    stage = made_stage(kind, TRIALS[kind], n_startup_trials=5, **more)
    whole = ask_all(stage)
    for cut in range(1, TRIALS[kind], {"tpe": 1, "cmaes": 3, "gp": 4}[kind]):
        assert ask_all(stage, cuts=[cut]) == whole


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_run_killed_many_times_goes_on_with_the_same_bits(kind):
    stage = made_stage(kind, TRIALS[kind], n_startup_trials=4, window=2, first=[{"lambda": 1e-3}, {"hidden": [100]}])
    assert ask_all(stage, cuts=[1, 2, 3, 9, 10, 17, 23]) == ask_all(stage)


@pytest.mark.slow
@given(cuts=st.sets(st.integers(1, 39)), size=st.integers(1, 12), windowed=st.booleans(), seed=st.integers(0, 9))
@settings(max_examples=8, deadline=None)
def test_any_kills_under_any_batch_or_window_change_nothing(cuts, size, windowed, seed):
    stage = made_stage("tpe", 40, n_startup_trials=3, **{"window" if windowed else "batch": size})
    assert ask_all(stage, cuts=cuts, seed=seed) == ask_all(stage, seed=seed)


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_configuration_depends_on_the_outcomes_before_its_batch_and_on_none_in_it(kind):
    generations = {"popsize": 4} if kind == "cmaes" else {}
    stage = made_stage(kind, 20, n_startup_trials=2, batch=4, space=RANGES, **generations)

    def asked_with(changed):
        sampler, found = sampler_of(stage, stage.space, 0), []
        for number in range(20):
            for i in range(number // 4 * 4 - 4, number // 4 * 4) if number % 4 == 0 and number else ():
                value = 2.0 if i == changed else outcome(i, *found[i]).value or 0.0
                sampler.tell(Point(i, found[i][0], COMPLETE, value, (), found[i][1]))
            found.append(sampler.ask(number))
        return [params for params, _ in found]

    plain = asked_with(None)
    worst = min(range(12, 16), key=lambda i: outcome(i, plain[i], None).value or 0.0)
    changed = asked_with(worst)
    assert plain[:16] == changed[:16]
    assert plain[16:] != changed[16:]


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_configurations_under_way_have_a_say_but_what_another_stage_left_has_none(kind):
    stage = made_stage(kind, TRIALS[kind], n_startup_trials=2, batch=8)
    abandoned = sampler_of(stage, stage.space, 0)
    for number in range(5):
        abandoned.ask(number)  # a run that died: its configurations were never stored
    found = values(stage)
    assert found == values(stage)
    assert len({str(params) for params in found}) == TRIALS[kind]


OWN = {
    "tpe": {"n_startup_trials": 5},
    "tpe independent": {"n_startup_trials": 5, "multivariate": False},
    "tpe in groups": {"n_startup_trials": 5, "group": True},
    "cmaes": {"popsize": 4, "consider_pruned_trials": True},
    "cmaes separable": {"popsize": 4, "use_separable_cma": True},
    "cmaes with margin": {"popsize": 4, "with_margin": True},
}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(*["cmaes"] * ("cmaes" in name))) for name in OWN])
def test_one_at_a_time_is_optunas_own_optimize(name):
    kind, options, found = name.split()[0], OWN[name], []
    sampler = {"tpe": optuna.samplers.TPESampler, "cmaes": optuna.samplers.CmaEsSampler}[kind]
    study = optuna.create_study(direction="maximize")

    def objective(trial):
        params = {
            "lambda": trial.suggest_float("lambda", 1e-5, 1e-1, log=True),
            "eta": trial.suggest_float("eta", 0.1, 1),
        }
        found.append(params | {"batch_size": trial.suggest_int("batch_size", 20, 200)})
        point = outcome(trial.number, params, None)
        for epoch, value in point.rungs:
            trial.report(value, epoch)
        if point.state == PRUNED:
            raise optuna.TrialPruned
        return math.nan if point.value is None else point.value  # what is not a number fails

    for number in range(24):
        study.sampler = sampler(seed=int(generator(0, "sampler", "coarse", number).integers(2**32)), **options)
        study.optimize(objective, n_trials=1)
    assert values(made_stage(kind, 24, batch=1, space=RANGES, **options)) == found


@pytest.mark.parametrize("kind", LEARNERS)
def test_configurations_named_first_are_tried_first_even_those_outside_the_space(kind):
    first = [{"lambda": 1e-3, "hidden": [100]}, {"lambda": 1.0}, {"eta": 0.25}]
    stage = made_stage(kind, TRIALS[kind], n_startup_trials=2, batch=2, first=first)
    found = ask_all(stage)
    for row, (params, _) in zip(first, found, strict=False):
        assert params == params | row
    assert all(1e-5 <= params["lambda"] <= 1e-1 for params, _ in found[3:])
    assert ask_all(stage, cuts=[1, 2, 3, 8]) == found


@pytest.mark.parametrize("kind", LEARNERS)
def test_what_is_known_is_learnt_from_before_the_first_configuration(kind):
    stage = made_stage(kind, TRIALS[kind], n_startup_trials=10)
    known = [
        {"params": params, "value": outcome(0, params, None).value}
        for params, _ in ask_all(made_stage("random", 40), seed=5)
    ]
    found = values(stage, known=known)
    assert found != values(stage)
    assert found == values(stage, known=known, cuts=[8, 20])
    near = sum(1e-4 < params["lambda"] < 1e-2 for params in found[:8])
    assert near >= 7  # of the four decades, where the known ones were best


@pytest.mark.parametrize(
    "params", [{"lambda": 1.0}, {"hidden": [7]}, {"batch_size": 20.5}, {"eta": None}, {"eta": True}]
)
def test_what_is_known_outside_the_space_is_left_out(params):
    stage = made_stage("tpe", 6, n_startup_trials=1)
    inside = {"lambda": 1e-3, "eta": 0.5, "batch_size": 50, "hidden": [50]}
    known = [{"params": inside | params, "value": 0.5}]
    assert values(stage, known=known) == values(stage)
    assert values(stage, known=[{"params": inside, "value": 0.5}]) != values(stage)


def test_true_and_one_and_lists_are_choices_of_their_own():
    stage = made_stage("tpe", 30, space={"lambda": SPACE["lambda"], "flips": [True, 1, [1], {"a": 1}]})
    found = values(stage)
    assert {repr(params["flips"]) for params in found} == {"True", "1", "[1]", "{'a': 1}"}
    assert values(stage, cuts=[15]) == found


@needs("cmaes")
def test_cma_es_leaves_no_pickle_behind():
    for number, (_, asked) in enumerate(ask_all(made_stage("cmaes", 24, batch=6))):
        assert asked == {"seen": number // 6 * 6}


def test_a_sampler_that_fails_says_so_in_one_line(monkeypatch):
    def fails(*_):
        raise ArithmeticError("singular\nmatrix")

    monkeypatch.setattr(optuna.samplers.TPESampler, "sample_independent", fails)
    stage = made_stage("tpe")
    with pytest.raises(
        HpsearchError, match=r"^stage 'coarse': Optuna's TPESampler failed at configuration 0: singular matrix$"
    ):
        sampler_of(stage, stage.space, 0).ask(0)


def test_learning_is_silent(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask_all(made_stage("tpe", 24, group=True, n_startup_trials=2))
    assert capfd.readouterr() == ("", "")


def test_tpe_one_by_one_proposes_what_optunas_own_study_would():
    space = {"eta": {"low": 0.1, "high": 1.0}, "hidden": [[50], [100], [50, 50]], "width": [64, 16, 32]}
    stage = made_stage("tpe", space=space, batch=1, n_startup_trials=5)
    ours, theirs = sampler_of(stage, stage.space, 0, distinct=False), optuna.create_study(direction="maximize")
    for number in range(20):
        params, attributes = ours.ask(number)
        seed = int(generator(0, "sampler", "coarse", number).integers(2**32))
        theirs.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=5)
        trial = theirs.ask()
        proposed = {
            "eta": trial.suggest_float("eta", 0.1, 1.0),
            "hidden": space["hidden"][trial.suggest_categorical("hidden", [0, 1, 2])],
            "width": sorted(space["width"])[trial.suggest_int("width", 0, 2)],
        }
        assert params == proposed
        value = -abs(params["eta"] - 0.4) + params["width"] / 100
        ours.tell(Point(number, params, COMPLETE, value, (), attributes))
        theirs.tell(trial, value)
