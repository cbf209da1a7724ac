"""Replays of a search on known curves: by hand, by a textbook, and beside a search that was really run."""

from math import comb

import numpy as np
import pytest
from study_parts import made, random
from tiny import options, rows, url, workspace

from hpsearch.search.launch import launch
from hpsearch.search.replay.choosers import NearestTried, RandomOrder
from hpsearch.search.replay.curves import Trained
from hpsearch.search.replay.request import Request, replay_stage
from hpsearch.search.replay.search import Plan, replay
from hpsearch.search.replay.stages import stages_of_study
from hpsearch.search.replay.summary import summary
from hpsearch.spec import Halving, Median, Range
from hpsearch.spec.options import pruner_and_sampler
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

CURVES = [  # the accuracy so far after epochs 1 to 4, in percent
    [50, 60, 70, 75],
    [40, 70, 71, 72],
    [30, 31, 32, 99],
    [45, 50, 55, 60],
    [20, 80, 85, 90],
    [49, 52, 53, 54],
]


def trained(curves):
    return [
        Trained(number, {"x": float(number)}, len(curve), tuple((value / 100, 0.0) for value in curve), (len(curve),))
        for number, curve in enumerate(curves)
    ]


class InOrder(RandomOrder):
    def choose(self, number):
        return number


def in_order(many):
    return InOrder(many, np.random.default_rng(0))


def test_halving_on_a_table_of_curves_is_what_it_is_by_hand():
    pruner = Halving.of({"kind": "halving", "keep": 0.5, "rungs": [1, 2], "audit": 0.0})
    found = replay(trained(CURVES), in_order(6), Plan(6, pruner))
    # epoch 1 keeps 50, 49, 45 (numbers 0, 5, 3); epoch 2 keeps 60 and 52 (0, 5); 3 · 1 + 1 · 2 + 2 · 4 epochs
    assert (found.chosen.number, found.epochs, found.pruned) == (0, 13, 4)


def test_halving_in_batches_compares_with_those_before_by_hand():
    pruner = Halving.of({"kind": "halving", "keep": 0.5, "rungs": [1], "audit": 0.0})
    found = replay(trained(CURVES), in_order(6), Plan(6, pruner, batch=2))
    # 50 goes on, 40 not; 45 is the second of 4 and goes on, 30 not; 49 is the second of 6 and goes on, 20 not
    assert (found.chosen.number, found.epochs, found.pruned) == (0, 3 * 4 + 3 * 1, 3)


def test_the_median_rule_on_a_table_of_curves_is_what_it_is_by_hand():
    pruner = Median.of({"kind": "median", "startup": 2, "rungs": [2], "audit": 0.0})
    found = replay(trained(CURVES), in_order(6), Plan(6, pruner))
    # 31 < median(60, 70); 50 < median(31, 60, 70); 80 goes on; 52 < median(31, 50, 60, 70, 80)
    assert (found.chosen.number, found.epochs, found.pruned) == (4, 3 * 4 + 3 * 2, 3)


def test_audits_cost_their_share_of_what_pruning_saves():
    given = {"kind": "halving", "keep": 0.5, "rungs": [1, 2]}
    plain, audited = (
        replay(trained(CURVES), in_order(6), Plan(6, Halving.of(given | {"audit": audit}))) for audit in (0.0, 0.25)
    )
    assert audited.epochs == pytest.approx(plain.epochs + 0.25 * (24 - plain.epochs))


def test_fewer_configurations_find_the_best_as_often_as_combinatorics_say():
    ends = sorted((curve[-1] for curve in CURVES), reverse=True)
    found = summary(trained(CURVES), Plan(3), 4000, lambda order: RandomOrder(6, np.random.default_rng(order)))
    # the best of 3 of 6 is the i-th best of all where it is drawn with 2 of the worse ones, and none of the better
    shares = [comb(5 - i, 2) / comb(6, 3) for i in range(6)]
    regret = sum(share * (ends[0] - end) / 100 for share, end in zip(shares, ends, strict=True))
    assert found.lost == pytest.approx(1 - shares[0], abs=0.02)
    assert found.regret.mean == pytest.approx(regret, abs=0.01)
    assert (found.epochs.mean, found.saved, found.best.number) == (12, 0.5, 2)


def test_a_sampler_is_given_the_nearest_configuration_not_taken_yet():
    proposals = iter([2.2, 2.4, 0.0, 9.0])
    asked = []

    class Proposes:
        def recall(self, point):
            asked.append(point.params["x"])

        def tell(self, point):
            pass

        def ask(self, number):
            asked.clear()
            return {"x": next(proposals)}, None

    space = {"x": Range(low=0.0, high=10.0)}
    chooser = NearestTried(Proposes, trained(CURVES), space)
    assert [chooser.choose(number) for number in range(4)] == [2, 3, 0, 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A database with a study that trains all to the end, and one that prunes, of the same configurations."""
    folder = tmp_path_factory.mktemp("replay")
    launch(workspace(folder, made(random(9, "replicates = 2"), name="all")), options(folder))
    pruner = 'pruner = { kind = "halving", keep = 0.4, rungs = [1, 2], audit = 0.0 }'
    launch(workspace(folder, made(random(9, "replicates = 2", pruner), name="pruned")), options(folder))
    return folder


def stage_of(folder, name):
    with opened_to_read(url(folder)) as connection:
        study, (stage,) = stages_of_study(connection, reading.get_study(connection, name))
    return study, stage


def test_a_replay_chooses_and_costs_what_the_real_search_did(folder):
    study, stage = stage_of(folder, "all")
    pruner, _ = pruner_and_sampler(
        {"pruner": {"kind": "halving", "keep": 0.4, "rungs": [1, 2], "audit": 0.0}}, "replay"
    )
    found, _ = replay_stage(study, stage, Request(pruner, orders=5))
    first = max(row["id"] for row in rows(folder)) - 17  # the second study's
    real = [row for row in rows(folder) if row["id"] >= first]
    complete = [row for row in real if row["state"] == "complete"]
    assert found.epochs.mean == sum(row["epochs_done"] for row in real)
    best = max({row["point"] for row in complete}, key=lambda p: sum(r["value"] for r in complete if r["point"] == p))
    assert [each.trial for each in found.chosen] == [min(row["number"] for row in real if row["point"] == best)]


def test_pruned_configurations_cannot_be_replayed_and_are_counted(folder):
    _, stage = stage_of(folder, "pruned")
    assert len(stage.configurations) + stage.left_out["pruned"] == 9
    assert stage.left_out["pruned"] > 0


def test_tpe_chooses_each_configuration_at_most_once(folder):
    study, stage = stage_of(folder, "all")
    _, sampler = pruner_and_sampler({"sampler": {"kind": "tpe", "trials": 9, "batch": 3}}, "replay")
    found, _ = replay_stage(study, stage, Request(sampler=sampler, orders=2))
    assert found.lost == 0.0  # all nine were taken, each once, and so the best of them
    assert found.epochs.mean == found.all_epochs
