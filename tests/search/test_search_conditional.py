"""Hyperparameters that belong to a choice: there where it is taken, in every sampler that can, and nowhere else."""

import json

import pytest
from sampler_runs import made_stage, needs, outcome
from study_parts import FINAL, HEAD, end, made
from tiny import StopAfter, options, rows, url, workspace

from hpsearch.errors import StudyFileError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import Point
from hpsearch.search.stages.space import space_from_json, space_to_json
from hpsearch.search.verify.checks import verify
from hpsearch.spec import Stage, parse, resolve
from hpsearch.spec.spaces.branches import as_written, separated, written
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

DEEP = {
    "lambda": {"low": 1e-5, "high": 1e-1, "log": True},
    "block": [
        {"kind": "plain"},
        {
            "kind": "residual",
            "width": {"low": 1, "high": 8},
            "norm": [
                {"kind": "none"},
                {"kind": "batch", "momentum": [0.1, 0.5], "by": [{"kind": "a"}, {"kind": "b", "x": [1, 2]}]},
            ],
        },
    ],
}
SAMPLERS = [
    "random",
    "qmc",
    "tpe",
    pytest.param("gp", marks=[needs("torch", "greenlet"), pytest.mark.slow]),
]


def expected_keys(params) -> set[str]:
    """The hyperparameters that a configuration of DEEP should have, written out by hand."""
    keys = {"lambda", "block"}
    if params["block"]["kind"] == "residual":
        keys |= {"block.width", "block.norm"}
        if params["block.norm"]["kind"] == "batch":
            keys |= {"block.norm.momentum", "block.norm.by"}
            if params["block.norm.by"]["kind"] == "b":
                keys |= {"block.norm.by.x"}
    return keys


def ask(stage, cuts=(), batch=4):
    """All configurations of a stage, with a stop before those in `cuts`."""
    found, sampler, observed = [], sampler_of(stage, stage.space, 0), 0
    for number in range(sampler.points):
        if number in cuts:
            sampler, observed = sampler_of(stage, stage.space, 0), 0
            for i, (params, attributes) in enumerate(found):
                sampler.recall(Point(i, params, "running", None, (), attributes))
        for i in range(observed, number // batch * batch):
            sampler.tell(outcome(i, *found[i]))
        observed = number // batch * batch
        found.append(sampler.ask(number))
    return [params for params, _ in found]


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_space_of_depth_three_has_what_belongs_to_its_choices_in_every_sampler(kind):
    learns = {"n_startup_trials": 6, "batch": 4} if kind in ("tpe", "gp") else {}
    stage = made_stage(
        kind, 20 if learns else 60, space=DEEP, first=[{"block": {"kind": "residual", "width": 5}}], **learns
    )
    found = ask(stage)
    assert all(params.keys() == expected_keys(params) for params in found)
    assert found[0]["block.width"] == 5
    assert {len(params) for params in found} >= {2, 4, 6}
    assert ask(stage, cuts=[7, 11]) == found


def test_a_grid_of_depth_three_has_each_configuration_once():
    space = DEEP | {"lambda": [1, 2], "block": [DEEP["block"][0], DEEP["block"][1] | {"width": [1, 2]}]}
    stage = Stage.model_validate({"name": "a", "sampler": {"kind": "grid"}, "space": space})
    found = ask(stage)
    assert all(params.keys() == expected_keys(params) for params in found)
    # by lambda: plain 1; residual: 2 widths x (none 1 + batch: 2 momenta x (a 1 + b 2))
    assert len(found) == len({json.dumps(params) for params in found}) == 2 * (1 + 2 * (1 + 2 * 3))


def test_the_order_and_draws_of_other_hyperparameters_do_not_depend_on_names():
    stage = made_stage("random", 5, space=DEEP)
    assert list(stage.space) == [
        *("lambda", "block", "block.width", "block.norm", "block.norm.momentum", "block.norm.by", "block.norm.by.x")
    ]
    assert space_from_json(json.loads(json.dumps(space_to_json(stage.space)))) == stage.space


OPTIMISERS = """
[[stage]]
name = "coarse"
sampler = { kind = "tpe", trials = 10, batch = 5, n_startup_trials = 4 }
space.eta = { low = 1e-2, high = 0.5, log = true }
[[stage.space.optimiser.choices]]
kind = "sgd"
[[stage.space.optimiser.choices]]
kind = "momentum"
momentum = { low = 0.5, high = 0.9, step = 0.1 }
[[stage.space.optimiser.choices]]
kind = "nesterov"
momentum = { low = 0.3, high = 0.6 }
"""
AROUND = """
[[stage]]
name = "fine"
sampler = { kind = "random", trials = 3 }
space.optimiser = { around = "coarse", best = 2 }
"""


@pytest.mark.long
def test_a_conditional_study_has_one_digest_for_any_workers_and_after_kills_and_is_verified(tmp_path):
    text = made(OPTIMISERS, AROUND, FINAL)
    folders = [tmp_path / name for name in ("one", "four", "killed")]
    for folder, workers in zip(folders, (1, 4, 1), strict=True):
        folder.mkdir()
        stop = {"watcher": StopAfter(7)} if folder.name == "killed" else {}
        launch(workspace(folder, text), options(folder, workers, **stop))
    assert resume("tiny", options(folders[2]))
    assert len({end(folder) for folder in folders}) == 1
    for row in rows(folders[0]):
        kind = row["configuration"]["training"]["optimiser"]["kind"]
        inner = {
            "sgd": set(),
            "momentum": {"optimiser[momentum].momentum"},
            "nesterov": {"optimiser[nesterov].momentum"},
        }
        assert row["params"].keys() - {"eta", "optimiser"} == inner[kind]
        assert kind == "sgd" or row["configuration"]["training"]["optimiser"]["momentum"] in row["params"].values()
    with opened_to_read(url(folders[2])) as connection:
        assert not [each for each in verify(connection, reading.get_study(connection, "tiny")) if each.problems]


def test_equal_ranges_of_two_choices_are_one_hyperparameter():
    text = made(OPTIMISERS.replace("{ low = 0.3, high = 0.6 }", "{ low = 0.5, high = 0.9, step = 0.1 }"))
    stage = parse(text, "x").stages[0]
    assert list(stage.space) == ["eta", "optimiser", "optimiser.momentum"]


def test_layers_have_units_of_their_own():
    space = "space.hidden = { layers = [1, 3], units = { low = 16, high = 256, log = true } }"
    bounds = 'constraints = ["sum(hidden) <= 200", "hidden.layers < 3 or hidden[0] >= hidden[2]"]'
    study = parse(made(ONE.replace("= 3", "= 30"), space, bounds), "x")
    sampler = sampler_of(study.stages[0], study.stages[0].space, 0)
    found = [sampler.ask(number)[0] for number in range(30)]
    for params in found:
        hidden = resolve(study, study.stages[0], params).model["hidden"]
        assert len(hidden) == params["hidden.layers"] == len(params) - 1
        assert all(16 <= units <= 256 for units in hidden)
        assert sum(hidden) <= 200
        assert len(hidden) < 3 or hidden[0] >= hidden[2]
    assert {params["hidden.layers"] for params in found} == {1, 2, 3}


def test_a_space_is_written_as_a_study_file_has_it_and_so_are_its_configurations():
    layers = {"layers": [1, 2], "units": {"low": 16, "high": 64, "log": True}}
    block = [DEEP["block"][0], DEEP["block"][1] | {"inner": layers}]
    space = DEEP | {
        "block": block,
        "hidden": layers,
        "optimiser": ["sgd", {"kind": "adam", "beta1": {"low": 0.5, "high": 0.9}}],
    }
    stage = made_stage("random", 12, space=space)
    assert made_stage("random", 12, space=as_written(stage.space)).space == stage.space
    for params in ask(stage):
        assert separated(stage.space, written(params)) == params
        assert isinstance(written(params)["hidden"], list)
        assert written(params)["block"]["kind"] in ("plain", "residual")


ONE = '[[stage]]\nname = "a"\nsampler = { kind = "random", trials = 3 }\n'
BAD = [
    (
        'space.optimiser = ["sgd", "momentum"]\nspace.optimiser.momentum = { low = 0.5, high = 0.9 }',
        "is not TOML: stage.space.optimiser is a list or a table in one line, so that",
    ),
    (
        'space.optimiser = [{ kind = "momentum", momentum = { lo = 0.5, high = 0.9 } }]',
        "stage[0].space.optimiser.momentum.lo is not a key; did you mean 'low'?",
    ),
    (
        'space.optimiser = [{ kind = "sgd", momentum = [0.5] }]',
        "stage[0].space.optimiser.momentum is not a key; known: kind",
    ),
    (
        'space.optimiser = [{ kind = "momentum", mass = [0.5] }]',
        "stage[0].space.optimiser.mass is not a key of [training]",
    ),
    (
        'space.optimiser = [{ kind = "momentum", momentum = [0.5, 1.5] }]',
        "stage[0].space.optimiser.momentum must be below 1, got 1.5",
    ),
    (
        "space.optimiser = [{ momentum = [0.5] }, { momentum = [0.9] }]",
        "stage[0].space.optimiser must not repeat a choice, got {} twice; they must differ in",
    ),
    (
        'space.optimiser = [{ kind = "momentum", momentum = { around = "b" } }]',
        "stage[0].space must not be around a stage inside a choice; the whole choice can be",
    ),
    (
        "space.hidden = { layers = [3, 1], units = [16] }",
        "stage[0].space.hidden.layers must be the fewest and the most layers, such as [1, 3], at most 100, got [3, 1]",
    ),
    (
        'space.optimiser = ["sgd", { kind = "momentum", momentum = [0.5] }]\nfirst = [{ "optimiser.momentum" = 0.5 }]',
        "stage[0].first[0].optimiser.momentum belongs to a choice of 'optimiser' that the configuration does not take",
    ),
]


@pytest.mark.parametrize(("space", "line"), BAD)
def test_a_bad_condition_costs_one_line(space, line):
    with pytest.raises(StudyFileError) as refused:
        parse(HEAD + ONE + space, "x")
    assert str(refused.value).startswith(f"x: {line}")


@pytest.mark.parametrize("kind", ["cmaes", "nsga2"])
def test_samplers_that_cannot_search_inside_choices_say_so(kind):
    text = made(OPTIMISERS.replace("tpe", kind))
    with pytest.raises(StudyFileError, match="must not have ranges or lists inside choices for"):
        parse(text, "x")
