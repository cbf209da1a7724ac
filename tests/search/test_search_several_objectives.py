"""Several objectives: the front is ranked first, searched by NSGA-II and TPE, pruned by rank, and trained again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.study._multi_objective import _fast_non_domination_rank
from sampler_runs import made_stage
from tiny import TINY, StopAfter, digest_of, options, rows, url, workspace
from zdt import DIMENSIONS, hypervolume, zdt1, zdt1_study

from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.nn import Network
from hpsearch.nn.layers import Dense, ReLU
from hpsearch.search.launch import launch
from hpsearch.search.pruners.factory import pruner_of
from hpsearch.search.pruners.pruner import Candidate
from hpsearch.search.ranking import rank
from hpsearch.search.resume import resume
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.samplers.points import Point
from hpsearch.search.stages.finalists import finalists
from hpsearch.spec import Final
from hpsearch.spec.tables.pruners import Halving, Median
from hpsearch.storage import reading, schema
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.fronts import crowding, front_ranks, order
from hpsearch.storage.records import COMPLETE, RUNNING, Goal

OBJECTIVES = """
[[objective]]
metric = "flops"
[[objective]]
metric = "accuracy"
[[objective]]
metric = "log_loss"

[training]"""
FRONT = (
    TINY.replace("[training]", OBJECTIVES)
    .replace("epochs = 3", "epochs = 2")
    .replace('{ kind = "random", trials = 5 }', '{ kind = "nsga2", trials = 8, BATCH }\nPRUNER')
    .replace("BATCH", "population_size = 4, batch = 4")
    .replace("PRUNER", 'pruner = { kind = "median", rungs = [1], startup = 2 }')
    .replace("space.batch_size = [20, 50]", "space.hidden = [[2], [8], [16]]")
    .replace("hidden = [8]\n", "", 1)
    .replace("best = 3, points = 3 }", 'points = 2 }\nspace.hidden = { around = "coarse" }')
    .replace("replicates = 2", 'replicates = 2\nprefer = "accuracy"\ntolerance = 0.1')
)


def ranked(folder: Path, stage: int):
    with opened_to_read(url(folder)) as connection:
        return rank(reading.trials(connection, reading.stages(connection, 1)[stage].id))


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=30))
def test_non_dominated_ranks_are_those_of_optuna(scores):
    assert front_ranks(scores) == _fast_non_domination_rank(-np.array(scores, float)).tolist()


def test_of_equal_rank_the_less_crowded_come_first_and_then_the_earlier():
    front = [(0.0, 4.0), (1.0, 3.0), (1.5, 2.0), (4.0, 0.0)]
    assert crowding(front) == [np.inf, 1.5 / 4 + 2 / 4, 3 / 4 + 3 / 4, np.inf]
    assert order([*front, (0.0, 0.0), (0.0, 0.0)]) == [0, 3, 2, 1, 4, 5]


@pytest.mark.long
@pytest.mark.usefixtures("shared_processes")
def test_the_digest_is_the_same_for_two_workers_and_after_every_stop(tmp_path, capsys):
    calm, stopped = tmp_path / "calm", tmp_path / "stopped"
    calm.mkdir()
    stopped.mkdir()
    launch(workspace(calm, FRONT), options(calm))
    assert launch(workspace(stopped, FRONT), options(stopped, 2, watcher=StopAfter(3))) == ("tiny", False)
    assert not resume("tiny", options(stopped, 2, watcher=StopAfter(6)))
    assert resume("tiny", options(stopped, 2))
    assert digest_of(stopped) == digest_of(calm)
    assert {row["state"] for row in rows(calm)} == {"complete", "pruned"}
    assert main(["verify", "tiny", "--storage", url(calm)]) == 0, capsys.readouterr().err
    coarse, fine, final = (ranked(calm, stage) for stage in range(3))
    front = {tuple(each.params["hidden"]) for each in coarse if each.front == 0}
    with opened_to_read(url(calm)) as connection:
        space = reading.stages(connection, 1)[1].space
    assert front == {tuple(choice) for choice in space["hidden"]["choices"]}
    goal = Goal.of(rows(calm)[0]["configuration"])
    assert [each.metric for each in goal.objectives] == ["accuracy", "flops", "log_loss"]
    expected = finalists(Final(prefer="accuracy", tolerance=0.1), goal, fine)
    assert [each.params for each in final] == [each.params for each in expected] or len(expected) > 1
    assert {str(each.params) for each in final} == {str(each.params) for each in expected}

    shown = optuna.load_study(study_name="tiny / 1 coarse", storage=url(calm))
    assert [direction.name for direction in shown.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]
    assert shown.metric_names == ["validation accuracy", "validation flops", "validation log_loss"]
    complete = {each.number: each for each in coarse}
    signs = np.array([1, -1, -1])
    for trial in shown.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
        assert tuple(signs * trial.values) == complete[trial.number].scores
    assert {trial.number for trial in shown.best_trials} == {each.number for each in coarse if each.front == 0}


def test_costs_are_counted_by_the_documented_formula(tmp_path):
    text = FRONT.replace('"log_loss"', '"parameters"').replace(
        "[[stage]]", "[[objective]]\nmetric = 'epochs'\n[[stage]]", 1
    )
    launch(workspace(tmp_path, text), options(tmp_path))
    counted = {
        (row["trial_id"], row["epoch"], row["metric"]): row["validation"] for row in rows(tmp_path, schema.measurements)
    }
    for trial in rows(tmp_path)[:3]:
        hidden = trial["configuration"]["model"]["hidden"][0]
        for epoch in range(1, trial["epochs_done"] + 1):
            found = [counted[trial["id"], epoch, metric] for metric in ("parameters", "flops", "epochs")]
            products = 2 * 64 * hidden + 3 * hidden * 10
            assert found == [64 * hidden + hidden + hidden * 10 + 10, products * 200 * epoch, epoch]
        assert trial["parameters"] == found[0]
    assert Network([Dense(5), ReLU(), Dense(4), ReLU(), Dense(3)], inputs=7).multiply_adds == 2 * 35 + 3 * 20 + 3 * 12


def test_nsga2_finds_the_front_of_zdt1_as_well_as_optunas_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launch(zdt1_study(tmp_path, '{ kind = "nsga2", trials = 60, population_size = 10, batch = 5 }'), options(tmp_path))
    trials = rows(tmp_path)
    found = [
        (row["value"], f2["validation"])
        for row, f2 in zip(
            trials, [r for r in rows(tmp_path, schema.measurements) if r["metric"] == "zdt_f2"], strict=True
        )
    ]
    exact = [zdt1([row["params"][f"x{i}"] for i in range(1, DIMENSIONS + 1)]) for row in trials]
    assert np.array(found) == pytest.approx(np.array(exact), abs=1e-9)
    others = []
    for seed in range(3):
        study = optuna.create_study(
            directions=["minimize"] * 2, sampler=optuna.samplers.NSGAIISampler(population_size=10, seed=seed)
        )
        study.optimize(
            lambda trial: zdt1([trial.suggest_float(f"x{i}", 0, 1) for i in range(1, DIMENSIONS + 1)]), n_trials=60
        )
        others.append(hypervolume([trial.values for trial in study.trials]))
    assert hypervolume(found) > 0.97 * min(others)


@pytest.mark.parametrize("kind", ["nsga2", "tpe"])
def test_a_sampler_that_is_made_again_goes_on_with_the_same_configurations(kind):
    space = {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(1, 4)}
    more = {"population_size": 6} if kind == "nsga2" else {"n_startup_trials": 6}
    stage = made_stage(kind, 30, space, batch=5, **more)

    def asked(cuts: tuple[int, ...]) -> list[dict[str, float]]:
        sampler, points, told = sampler_of(stage, stage.space, 0, several=2), [], 0
        for number in range(30):
            if number in cuts:
                sampler, told = sampler_of(stage, stage.space, 0, several=2), 0
                for point in points:
                    sampler.recall(Point(point.number, point.params, RUNNING, None, (), point.sampler_attributes))
            while told < number // 5 * 5:
                sampler.tell(points[told])
                told += 1
            params, attributes = sampler.ask(number)
            scores = tuple(-value for value in zdt1(list(params.values())))
            points.append(Point(number, params, COMPLETE, scores[0], (), attributes, scores))
        return [dict(point.params) for point in points]

    assert asked(()) == asked((3, 5, 17, 18, 29))
    assert len({str(params) for params in asked(())}) > 20


def test_halving_and_the_median_rule_prune_by_non_dominated_rank():
    scores = [(0.9, -9), (0.8, -5), (0.7, -9), (0.85, -9), (0.5, -1), (0.4, -2), (0.79, -4.9), (0.3, -3)]
    # fronts: {0, 1, 4, 6}, {3, 5}, {2, 7}: 2 is behind 3, 7 behind 5; in the front 0 and 4 are at the ends, and 1 is
    # less crowded than 6: (0.9 − 0.79) / 0.4 + (−4.9 + 9) / 8 = 0.7875 against (0.8 − 0.5) / 0.4 + 4 / 8 = 1.25
    assert front_ranks(scores) == [0, 0, 2, 1, 0, 1, 0, 2]
    kept = pruned_by(Halving(kind="halving", keep=0.25, rungs=(1,)), scores)
    assert kept == [None, 1, 1, 1, None, 1, 1, 1]
    kept = pruned_by(Halving(kind="halving", keep=3 / 8, rungs=(1,)), scores)
    assert kept == [None, 1, 1, 1, None, 1, None, 1]
    # one by one: 2 and 3 are behind the two of rank 1 before them, 5 behind 0, 1 and 4 of five, 7 behind all but 2
    kept = pruned_by(Median(kind="median", startup=1, rungs=(1,)), scores)
    assert kept == [None, None, 1, 1, None, 1, None, 1]


def pruned_by(given, scores):
    pruner = pruner_of(given, 2)
    candidates = [Candidate(number, 0, (1,)) for number in range(len(scores))]
    for candidate in candidates:
        pruner.add(candidate)
    pruner.close(0)
    for candidate in reversed(candidates):
        candidate.scores[1] = (scores[candidate.number][0], 0.0, *scores[candidate.number])
        pruner.report(candidate)
    assert len(list(pruner.decisions())) == len(scores)
    return [candidate.pruned_at for candidate in candidates]


def test_without_prefer_the_final_trains_each_of_the_front(tmp_path):
    text = (
        TINY.replace("[training]", OBJECTIVES)
        .replace("space.batch_size = [20, 50]", "space.hidden = [[2], [4]]")
        .replace("hidden = [8]\n", "", 1)
    )
    text = text.replace('space.eta = { around = "coarse", best = 3, points = 3 }', "space.hidden = [[2], [8], [32]]")
    launch(workspace(tmp_path, text), options(tmp_path))
    fine, final = ranked(tmp_path, 1), ranked(tmp_path, 2)
    front = [each.params for each in fine if each.front == 0]
    assert len(front) > 1
    assert sorted(map(str, front)) == sorted(str(each.params) for each in final)
    assert all(len(each.trials) == 2 for each in final)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        notes = connection.execute("SELECT notes FROM hpsearch_stages WHERE name = 'final'").fetchone()[0]
    assert "The front of stage 'fine'" in notes


def test_a_trainable_has_no_layers_to_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = zdt1_study(tmp_path, '{ kind = "random", trials = 2 }')
    path.write_text(path.read_text("utf-8").replace('{ file = "metrics/zdt_f2.py" }', '"flops"'), "utf-8")
    rule = "must not be 'flops', which are counted of a model's layers; models/zdt1.py is a trainable"
    with pytest.raises(InputError, match=rule):
        launch(path, options(tmp_path))
