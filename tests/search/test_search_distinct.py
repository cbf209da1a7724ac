"""No configuration is trained twice: samplers take another, and a stage ends when all were tried."""

import numpy as np
import pytest
from sampler_runs import ask_all, made_stage, needs
from study_parts import end, made
from tiny import StopAfter, options, rows, url, workspace

from hpsearch.nn.random import generator
from hpsearch.search import preparation
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import draw
from hpsearch.search.samplers.untried import NothingLeftError, Untried
from hpsearch.search.verify.checks import verify
from hpsearch.spec.tables.space import same
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

SAMPLERS = [
    "random",
    "qmc",
    "tpe",
    "nsga2",
    pytest.param("cmaes", marks=needs("cmaes")),
    pytest.param("gp", marks=[needs("torch", "greenlet"), pytest.mark.slow]),
]
FOUR = {"lambda": [0.01, 0.02], "batch_size": [50, 100]}


def distinct(found) -> int:
    return len({same(params) for params, _ in found})


@pytest.mark.parametrize("kind", SAMPLERS)
def test_each_sampler_tries_each_configuration_of_a_small_space_once_also_after_kills(kind):
    more = {"n_startup_trials": 2} if kind in ("tpe", "cmaes", "gp") else {}
    space = {"lambda": [0.01, 0.02, 0.04], "eta": {"low": 0.1, "high": 0.4, "step": 0.1}}
    stage = made_stage(kind, 40, space=space, batch=3, first=[{"eta": 0.3}], **more)
    found = ask_all(stage)
    assert len(found) == distinct(found) == 12
    assert found[0][0]["eta"] == 0.3
    assert ask_all(stage, cuts=[2, 7, 11]) == found
    sampler = sampler_of(stage, stage.space, 0)
    assert sampler.fewer == "All 12 different configurations were tried; 40 were asked for."


@pytest.mark.parametrize("kind", ["random", "qmc", "tpe"])
def test_what_is_not_active_does_not_count_and_a_constraint_leaves_fewer(kind):
    inside = [{"kind": "sgd"}, {"kind": "momentum", "momentum": [0.8, 0.9]}]
    stage = made_stage(kind, 30, space={"lambda": [0.01, 0.02], "optimiser": inside, "eta": [0.1, 0.2]})
    assert len(ask_all(stage)) == distinct(ask_all(stage)) == 2 * (1 + 2) * 2
    space = {"lambda": [0.01, 0.02], "hidden": {"layers": [1, 2], "units": [8, 16]}}
    stage = made_stage(kind, 30, space=space, constraints=["sum(hidden) <= 24"])
    found = ask_all(stage)
    assert len(found) == distinct(found) == 2 * (2 + 3)  # all but two layers of 16


def test_random_configurations_are_the_draws_that_were_not_tried():
    space = {"lambda": {"low": 1, "high": 30, "integer": True}, "eta": [1, 2, 3]}
    stage = made_stage("random", 40, space=space)
    tried, expected = set(), []
    for number in range(40):
        rng = generator(0, "sample", "coarse", number)
        while (params := draw(stage.space, rng)) in expected:
            tried.add(number)
        expected.append(params)
    assert tried
    assert [params for params, _ in ask_all(stage)] == expected
    assert ask_all(made_stage("random", 25, space=space)) == ask_all(stage)[:25]  # a larger study begins like a smaller


def test_a_choice_without_hyperparameters_is_tried_once_beside_a_range_without_end():
    inside = [{"kind": "sgd"}, {"kind": "momentum", "momentum": {"low": 0.5, "high": 0.9}}]
    for kind in ("random", "tpe"):
        found = ask_all(made_stage(kind, 12, space={"optimiser": inside, "lambda": [0.01]}))
        assert distinct(found) == 12
        assert sum(params["optimiser"]["kind"] == "sgd" for params, _ in found) == 1


def test_the_configuration_instead_of_a_proposal_is_the_nearest_that_is_left():
    space = {"lambda": {"low": 1, "high": 100, "log": True, "integer": True}, "hidden": [[1], [2]]}
    stage, rng = made_stage("tpe", 300, space=space), np.random.default_rng(0)
    untried = Untried(stage, stage.space)
    proposal = {"lambda": 10, "hidden": [1]}
    order = []
    for number in range(5):
        order.append(untried.instead(proposal, number, rng))
        untried.add(order[-1])
    assert [params["lambda"] for params in order] == [10, 11, 9, 12, 8]  # by the logarithm
    assert all(params["hidden"] == [1] for params in order)


def test_a_first_configuration_that_comes_to_one_before_it_gives_way_to_another():
    first = [{"lambda": 0.01, "batch_size": 50}, {"batch_size": 50}, {"lambda": 0.02}, {"lambda": 0.02}]
    for kind in ("random", "qmc", "tpe"):
        stage = made_stage(kind, 4, space=FOUR, first=[*first[:3], {"batch_size": 100}])
        found = [params for params, _ in ask_all(stage)]
        assert found[1] == {"lambda": 0.02, "batch_size": 50}
        assert found[2] == {"lambda": 0.02, "batch_size": 100}
        assert found[3] == {"lambda": 0.01, "batch_size": 100}


@pytest.mark.parametrize("kind", ["random", "qmc", "tpe"])
def test_what_no_draw_finds_in_a_space_too_large_to_list_ends_the_stage(kind, monkeypatch):
    for name, value in (("untried.MOST_DRAWS", 200), ("quasi_random.MOST_DRAWS", 200), ("untried.ENUMERATED", 3)):
        monkeypatch.setattr(f"hpsearch.search.samplers.{name}", value)
    more = {"n_startup_trials": 1} if kind == "tpe" else {}
    stage = made_stage(kind, 9, space=FOUR, constraints=["lambda < 0.02 or batch_size < 100"], **more)
    sampler = sampler_of(stage, stage.space, 0)
    assert sampler.points == 9  # it is not known that there are three
    assert distinct(sampler.ask(number) for number in range(3)) == 3
    said = r"^No untried configuration was found in 200 draws; 3 were tried, of 9 asked for\.$"
    with pytest.raises(NothingLeftError, match=said):
        sampler.ask(3)


def test_the_draws_that_a_whole_space_takes_grow_in_proportion_to_it(monkeypatch):
    calls = []
    monkeypatch.setattr("hpsearch.search.samplers.untried.draw", lambda *given: calls.append(1) or draw(*given))
    for size in (500, 1000):
        calls.clear()
        space = {"lambda": {"low": 1, "high": size, "integer": True}}
        assert distinct(ask_all(made_stage("random", size, space=space))) == size
        assert len(calls) < 6 * size  # 32 draws at most for each; one by one the last would take as many as there are


class Heard(StopAfter):
    """Keeps the messages of a run, and stops it."""

    def __init__(self, epochs: int = 10**6) -> None:
        super().__init__(epochs)
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


ROWS = "[[stage]]\nname = '{}'\nsampler = {{ {} }}\nspace.eta = [0.1, 0.2]\nspace.batch_size = [50, 100]\n"
STUDY = made(
    ROWS.format("random", 'kind = "random", trials = 20') + "confirm = { best = 2, replicates = 2 }\n",
    ROWS.format("qmc", 'kind = "qmc", trials = 20'),
    ROWS.format("tpe", 'kind = "tpe", trials = 20, batch = 3, n_startup_trials = 2'),
    '[[stage]]\nname = "around"\nsampler = { kind = "random", trials = 5 }\n'
    'space.batch_size = { around = "tpe", best = 4 }\n',
)
ALL_FOUR = "All 4 different configurations were tried; 20 were asked for."


@pytest.mark.long
def test_a_study_of_repeats_trains_each_configuration_once_with_one_digest_for_any_workers_and_after_kills(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "four", "stopped")]
    for folder, workers in zip(folders, (1, 2, 4, 2), strict=True):
        folder.mkdir()
        heard = Heard(*([5] if folder.name == "stopped" else []))
        launch(workspace(folder, STUDY), options(folder, workers, watcher=heard))
        assert heard.said[0] == (
            "stage random: only 4 different configurations, 20 are asked for; it ends when all are tried"
        )
        around = "stage around: only 2 different configurations, 5 are asked for; it ends when all are tried"
        assert (around in heard.said) == (folder.name != "stopped")
        for epochs in (5, 7, 10**6) if folder.name == "stopped" else ():
            resume("tiny", options(folder, 2, watcher=StopAfter(epochs)))
    assert len({end(folder) for folder in folders}) == 1
    with opened_to_read(url(folders[-1])) as connection:
        study = reading.get_study(connection, "tiny")
        assert not [each for each in verify(connection, study) if each.problems]
        stages = reading.stages(connection, study.id)
        assert [stage.state for stage in stages] == ["complete"] * 4
        assert stages[0].ended is not None
        assert stages[0].ended.startswith(ALL_FOUR + " ")  # and what confirm found, by replicates of two of them
        assert [stage.ended for stage in stages[1:3]] == [ALL_FOUR] * 2
        found = [reading.trials(connection, stage.id) for stage in stages]
    assert [len({trial.point for trial in trials}) for trials in found] == [4, 4, 4, 2]
    assert [len(trials) for trials in found] == [6, 4, 4, 2]
    assert [distinct((t.params, None) for t in trials) for trials in found] == [4, 4, 4, 2]


def test_a_stage_whose_space_is_exhausted_grows_as_if_it_had_asked_for_more_at_once(tmp_path):
    folders = [tmp_path / name for name in ("grown", "whole")]
    for folder in folders:
        folder.mkdir()
    few, many = (made(ROWS.format("a", f'kind = "random", trials = {trials}')) for trials in (3, 9))
    path = workspace(folders[0], few)
    launch(path, options(folders[0]))
    path.write_text(many, "utf-8")
    assert resume("tiny", options(folders[0]))
    launch(workspace(folders[1], many), options(folders[1]))
    assert end(folders[0]) == end(folders[1])
    assert len(rows(folders[0])) == 4


@pytest.mark.long
@pytest.mark.parametrize("kind", ["random", "qmc", "tpe"])
def test_a_study_that_an_earlier_version_began_goes_on_with_its_repeats_and_is_verified(tmp_path, monkeypatch, kind):
    text = made(ROWS.format("a", f'kind = "{kind}", trials = 8, batch = 4'))
    folders = [tmp_path / name for name in ("whole", "resumed")]
    with monkeypatch.context() as earlier:
        earlier.setattr(preparation, "MARK", {})
        for folder in folders:
            folder.mkdir()
            stop = StopAfter(5 if folder.name == "resumed" else 10**6)
            launch(workspace(folder, text), options(folder, watcher=stop))
    assert resume("tiny", options(folders[1]))
    assert end(folders[0]) == end(folders[1])
    found = rows(folders[1])
    assert len(found) == 8
    if kind == "random":  # each by its own generator, whatever the others are
        space = made_stage("random", space={"eta": [0.1, 0.2], "batch_size": [50, 100]}).space
        drawn = [draw(space, generator(0, "sample", "a", number)) for number in range(8)]
        assert [row["params"] for row in found] == drawn
    with opened_to_read(url(folders[1])) as connection:
        assert not [each for each in verify(connection, reading.get_study(connection, "tiny")) if each.problems]
