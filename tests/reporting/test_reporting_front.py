"""Reports of several objectives: the front first, drawn, and which configurations may be on it."""

import csv
import json
from dataclasses import replace

import made_study
import pytest

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.figures.front import front_figures
from hpsearch.reporting.sections.ranking.front import BEHIND, NEAR, ON, view_fronts
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.statistics.tests import holm, mcnemar_exact
from hpsearch.storage import schema
from hpsearch.storage.objectives import front_first
from hpsearch.storage.records import Goal

ACCURACY = {"metric": "accuracy", "direction": "maximize", "share": True}
COST = {"metric": "parameters", "direction": "minimize", "share": False}
GOAL = ACCURACY | {"objectives": [ACCURACY, COST]}
MADE = ((0.30, 1_000), (0.40, 5_000), (0.60, 20_000), (0.38, 6_000), (0.20, 6_000), (0.58, 20_000), (0.35, 90_000))
"""The accuracy and the parameters of each configuration: of the first three none is behind another."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = made_study.make_engine(tmp_path_factory.mktemp("front"))
    maker = made_study.Maker(engine, "made", objective=GOAL)
    maker.samples = 500
    stage = maker.stage("coarse", "random", {"eta": {"low": 1e-3, "high": 1.0, "log": True}})
    for number, (accuracy, cost) in enumerate(MADE):
        trial = maker.trial(stage, number, {"eta": 0.01 * (number + 1)}, accuracy)
        for epoch in range(1, 13):
            row = {"trial_id": trial, "epoch": epoch, "metric": "parameters", "train": None, "validation": cost}
            maker.insert(schema.measurements, row)
    return engine


def test_a_configuration_is_behind_the_front_only_if_a_test_says_so(engine):
    frames = load_frames(engine, "made")
    (front,) = view_fronts(frames, view_stages(frames))
    places = {point.row.number: point.where for point in front.points}
    assert places == {0: ON, 1: ON, 2: ON, 3: NEAR, 4: BEHIND, 5: NEAR, 6: BEHIND}
    # each against the best on the front that has no more parameters, by McNemar's test, and Holm's method over the four
    ids = {trial["number"]: trial["id"] for trial in frames.rows}
    raw = []
    for behind, ahead in ((3, 1), (4, 1), (5, 2), (6, 2)):
        one, other = frames.correct(ids[ahead]), frames.correct(ids[behind])
        raw.append(float(mcnemar_exact((one & ~other).sum(), (other & ~one).sum())))
    found = {point.row.number: point.p for point in front.points if point.p is not None}
    assert [found[number] for number in (3, 4, 5, 6)] == pytest.approx(holm(raw).tolist(), rel=1e-9)
    assert front.sentences[0].startswith("3 of 7 finished configurations of coarse are on the front")
    assert "2 of the other 4 are not statistically distinguishable" in front.sentences[1]
    assert len(front_figures(front)) == 1


def test_the_legend_has_the_places_that_a_test_can_tell_apart(engine):
    frames = load_frames(engine, "made")
    (front,) = view_fronts(frames, view_stages(frames))
    assert front.places == (ON, NEAR, BEHIND)
    untested = replace(front, points=tuple(replace(point, p=None) for point in front.points))
    assert untested.places == (ON, BEHIND)


def test_rankings_have_the_front_first_and_name_each_objective(engine, tmp_path):
    page = write_report(engine, "made", tmp_path, ("html", "md", "csv")).read_text("utf-8")
    assert "accuracy (higher is better) and parameters (lower is better)" in page
    assert '<section id="front">' in page
    with (tmp_path / "made" / "ranking.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows[:3]] == ["coarse:2", "coarse:1", "coarse:0"]
    assert [row["front"] for row in rows] == ["1", "1", "1", "2", "2", "3", "3"]
    assert [float(row["validation_parameters"]) for row in rows[:3]] == [20_000, 5_000, 1_000]
    with engine.connect() as connection:
        leaders = front_first(connection, 1, Goal.of({"objective": GOAL}))
    assert [f"coarse:{leader.number}" for leader in leaders] == [row["trial"] for row in rows]
    assert json.dumps([leader.values[1] for leader in leaders[:3]]) == "[20000.0, 5000.0, 1000.0]"
