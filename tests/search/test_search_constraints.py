"""Constraints: whatever breaks one is never trained, in any sampler; a space that they empty costs one line."""

import time

import numpy as np
import pytest
from sampler_runs import ask_all, made_stage, needs
from study_parts import FINE, coarse, end, made, random
from tiny import StopAfter, options, rows, url, workspace

from hpsearch.errors import HpsearchError, StudyFileError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.samplers.points import draw
from hpsearch.search.verify.checks import verify
from hpsearch.spec import Stage, parse
from hpsearch.spec.spaces.admission import constraints_of, kept
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

SPACE = {
    "lambda": {"low": 1e-5, "high": 1e-1, "log": True},
    "eta": {"low": 0.1, "high": 1.0},
    "batch_size": {"low": 20, "high": 200, "integer": True},
    "optimiser": ["sgd", {"kind": "adam"}],
}
CONSTRAINTS = ["batch_size * eta <= 40", "eta < 0.3 or optimiser == 'sgd'", "0.001 < lambda * eta"]
SAMPLERS = [
    "random",
    "qmc",
    "tpe",
    "nsga2",
    pytest.param("cmaes", marks=needs("cmaes")),
    pytest.param("gp", marks=[needs("torch", "greenlet"), pytest.mark.slow]),
]


def keeps(params) -> bool:
    """The constraints in Python, independent of what reads them."""
    kind = params["optimiser"]["kind"] if isinstance(params["optimiser"], dict) else params["optimiser"]
    eta = params["eta"]
    return params["batch_size"] * eta <= 40 and (eta < 0.3 or kind == "sgd") and params["lambda"] * eta > 0.001


@pytest.mark.parametrize("kind", SAMPLERS)
def test_no_sampler_chooses_what_breaks_a_constraint_also_after_kills(kind):
    more = {"n_startup_trials": 5} if kind in ("tpe", "cmaes", "gp") else {}
    stage = made_stage(kind, 10, space=SPACE, constraints=CONSTRAINTS, first=[{"eta": 0.7}], batch=4, **more)
    found = ask_all(stage)
    assert all(keeps(params) for params, _ in found)
    assert found[0][0]["eta"] == 0.7
    assert ask_all(stage, cuts=[3, 9]) == found


def test_a_random_configuration_that_keeps_the_constraints_is_the_one_without_them():
    free, bound = (made_stage("random", 200, space=SPACE, constraints=each) for each in ([], CONSTRAINTS))
    pairs = list(zip(ask_all(free), ask_all(bound), strict=True))
    assert 0 < sum(one == other for one, other in pairs) < 200
    assert all(one == other for one, other in pairs if keeps(one[0]))


def test_a_grid_has_the_points_that_keep_the_constraints():
    space = {"eta": [1, 2, 3, 4], "batch_size": {"low": 1, "high": 4, "integer": True, "step": 1}}
    stage = Stage.model_validate(
        {"name": "a", "sampler": {"kind": "grid"}, "space": space, "constraints": ["eta * batch_size == 4"]}
    )
    assert [params for params, _ in ask_all(stage)] == [
        {"eta": 1, "batch_size": 4},
        {"eta": 2, "batch_size": 2},
        {"eta": 4, "batch_size": 1},
    ]


def test_ten_thousand_configurations_under_three_constraints_cost_little():
    stage, rng = made_stage("random", 10_000, space=SPACE, constraints=CONSTRAINTS), np.random.default_rng(0)
    drawn = [draw(stage.space, rng) for _ in range(10_000)]
    began = time.process_time()
    found = [kept(constraints_of(CONSTRAINTS), params) for params in drawn]
    assert time.process_time() - began < 1  # about 0.1 s
    assert found == [keeps(params) for params in drawn]


@pytest.mark.parametrize("kind", ["random", "qmc", "tpe"])
def test_a_constraint_that_hardly_any_configuration_keeps_ends_in_one_line(kind, monkeypatch):
    monkeypatch.setattr("hpsearch.search.samplers.untried.MOST_DRAWS", 500)
    monkeypatch.setattr("hpsearch.search.samplers.quasi_random.MOST_DRAWS", 500)
    stage = made_stage(kind, 5, space=SPACE, constraints=["eta > 0.9999999"])
    with pytest.raises(HpsearchError, match=r"^stage 'coarse': no configuration 0 was found that keeps 'eta > 0.9"):
        ask_all(stage)


def stage_of(constraints: str, more: str = "") -> str:
    return made(
        coarse('kind = "random", trials = 4', "space.batch_size = [20, 50]", f"constraints = {constraints}", more)
    )


BAD = [
    (["__import__('os')"], "must not have a call of '__import__' at column 1; allowed are numbers"),
    (["eta < 1 and [eta for i in eta]"], "must not have '[eta for i in eta]' at column 13; allowed are"),
    (["eta <"], "is no condition: invalid syntax, got 'eta <'"),
    (["eta < (1"], "is no condition: '(' was never closed at column 7, got 'eta < (1'"),
    (["eta < 1", "unit < 3"], "must name hyperparameters of the stage's space, got 'unit' at column 1; known: "),
    (["eta"], "must be a condition that is true or false, got 'eta'"),
    (["eta < 'a'"], "needs a number at column 7, got 'a' in \"eta < 'a'\""),
    (["eta < 1", "eta > 0.5"], "must leave configurations to train, but none of the 20_000 keeps it that keep those"),
    (["batch_size == 30"], "must leave configurations to train, but none of 20_000 configurations drawn at random"),
    (["9**9**9**9 > eta or eta > 2"], "must leave configurations to train"),
    (["(" * 300 + "eta" + ")" * 300 + "< 1"], "must have at most 500 characters, got 606"),
]


@pytest.mark.parametrize(("constraints", "line"), BAD)
def test_a_bad_constraint_costs_one_line(constraints, line):
    with pytest.raises(StudyFileError) as refused:
        parse(stage_of(str(constraints)), "x")
    assert str(refused.value).startswith(f"x: stage[0].constraints[{len(constraints) - 1}] {line}")
    assert "\n" not in str(refused.value)


def test_the_constraint_that_empties_a_finite_space_is_named_exactly():
    text = made(
        '[[stage]]\nname = "a"\nsampler = { kind = "grid" }\nspace.eta = [1, 2, 3]\nspace.batch_size = [1, 2, 3]',
        'constraints = ["eta < 3", "batch_size > eta", "batch_size + eta > 5"]',
    )
    with pytest.raises(StudyFileError) as refused:
        parse(text, "x")
    expected = "none of the 3 keeps it that keep those before it, of the 9 configurations of the space"
    assert str(refused.value) == f"x: stage[0].constraints[2] must leave configurations to train, but {expected}"


def test_a_first_configuration_must_keep_the_constraints_and_a_list_has_none():
    with pytest.raises(StudyFileError, match=r"stage\[0\].first\[0\] must keep the constraint 'eta < 0.2'"):
        parse(stage_of("['eta < 0.2']", "first = [{ eta = 0.4 }]"), "x")
    text = made('[[stage]]\nname = "a"\nconfigurations = [{ eta = 1 }]\nconstraints = ["eta < 2"]')
    with pytest.raises(StudyFileError, match="constraints must not be given beside configurations"):
        parse(text, "x")


STUDY = made(
    coarse(
        'kind = "tpe", trials = 6, batch = 3, n_startup_trials = 3',
        "space.batch_size = [20, 40, 50]",
        'constraints = ["eta * batch_size < 10", "lambda < 1e-2", "batch_size != 40"]',
    ),
)


@pytest.mark.long
def test_a_study_under_constraints_has_one_digest_for_any_workers_and_after_kills(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "killed")]
    for folder, workers in zip(folders, (1, 2, 1), strict=True):
        folder.mkdir()
        stop = {"watcher": StopAfter(5)} if folder.name == "killed" else {}
        launch(workspace(folder, STUDY), options(folder, workers, **stop))
    assert resume("tiny", options(folders[2]))
    assert len({end(folder) for folder in folders}) == 1
    assert all(row["params"]["eta"] * row["params"]["batch_size"] < 10 for row in rows(folders[0]))
    with opened_to_read(url(folders[2])) as connection:
        assert not [each for each in verify(connection, reading.get_study(connection, "tiny")) if each.problems]


def test_a_space_around_a_stage_that_the_constraints_empty_ends_in_one_line(tmp_path):
    fine = FINE.replace("points = 3 }", 'points = 3 }\nconstraints = ["eta > 9"]')
    with pytest.raises(
        HpsearchError, match=r"^stage 'fine': constraint 'eta > 9' leaves nothing to train; none of the 3"
    ):
        launch(workspace(tmp_path, made(random(2), fine)), options(tmp_path))
