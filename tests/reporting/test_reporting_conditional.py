"""A study with hyperparameters that belong to a choice: its ranking, importance, parallel coordinates, and advice."""

import csv
import html
import io
import re

import pytest
from tiny import TINY, options, url, workspace

from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.parallel_coordinates import parallel_coordinates
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.frames import load
from hpsearch.reporting.report import render
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.search.launch import launch
from hpsearch.spec import parse
from hpsearch.storage.database import open_to_read

TEXT = (
    TINY.split("[[stage]]")[0].replace("epochs = 3", "epochs = 1")
    + """
[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 24 }
space.eta = { low = 1e-2, high = 0.5, log = true, prior = 0.1 }
space.optimiser = ["sgd", { kind = "momentum", momentum = { low = 0.1, high = 0.9 } }]
constraints = ["eta < 0.5"]

[[reference]]
configuration = { optimiser = { kind = "momentum", momentum = 0.5 } }
metric = "validation_accuracy"
value = 0.5
source = "a paper"
"""
)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditional")
    launch(workspace(folder, TEXT), options(folder))
    engine = open_to_read(url(folder))
    yield load(engine, "tiny")
    engine.dispose()


def test_the_ranking_is_blank_where_a_configuration_does_not_have_a_hyperparameter(frames):
    rows = list(csv.DictReader(io.StringIO(ranking_csv(frames))))
    assert len(rows) == 24
    assert all((row["optimiser.momentum"] == "") == ("momentum" not in row["optimiser"]) for row in rows)
    assert {row["optimiser.momentum"] == "" for row in rows} == {True, False}


def test_importance_is_among_the_configurations_that_have_a_hyperparameter(frames):
    (stage,) = stage_importances(frames, view_stages(frames))
    having = sum("optimiser.momentum" in trial["params"] for trial in frames.rows)
    assert having >= 8
    assert {each.key for each in stage.hyperparameters} == {"eta", "optimiser", "optimiser.momentum"}
    (inner,) = (each for each in stage.hyperparameters if each.key == "optimiser.momentum")
    assert inner.label.endswith(f"(of the {having} with it)")
    assert inner.correlation is not None  # it is a number, although some have none


class Recorded(Axes):
    """Axes that keep the heights of all lines."""

    def __init__(self):
        super().__init__()
        self.heights = []

    def plot(self, x, y, **style):
        self.heights.append(y)
        super().plot(x, y, **style)


def test_parallel_coordinates_show_who_has_none(frames, monkeypatch):
    drawn = []
    target = "hpsearch.reporting.figures.parallel_coordinates.svg"
    monkeypatch.setattr(target, lambda *given: drawn.append(given) or "<svg/>")
    assert parallel_coordinates(frames, view_stages(frames))
    plot = Recorded()
    drawn[0][3](plot)
    lines = [heights for heights in plot.heights if len(heights) == 4]
    assert len(lines) >= 20
    assert {min(heights) < 0 for heights in lines} == {True, False}


def test_the_report_has_the_reference_and_advice_that_is_a_valid_stage(frames):
    page = render(frames, view_stages(frames))
    assert "a paper" in page
    assert "eta: 0.01 to 0.5, on a log scale, drawn around 0.1" in page.replace("η", "eta")
    assert "coarse: the prior of" in page or "coarse: whether the prior of" in page
    for lines in re.findall(r"<pre[^>]*>(?:<code>)?(\[\[stage\]\].*?)</", page, re.S):
        parse(TEXT.partition("[[reference]]")[0] + html.unescape(lines), "x")
