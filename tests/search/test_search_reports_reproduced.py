"""The lab reports' figures, on CIFAR-10 with three seeds: what they state beside what comes out here."""

import os
from pathlib import Path
from statistics import fmean, stdev

import pytest
import sqlalchemy
from sqlalchemy import select

from hpsearch.search import launch
from hpsearch.search.options import Options
from hpsearch.storage import schema

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("HPSEARCH_DATA" not in os.environ, reason="HPSEARCH_DATA names no directory with CIFAR-10"),
]

HEAD = """
name = "reproduced"
[data]
dataset = "cifar10"
train = 10_000
validation = 10_000
[training]
batch_size = 100
"""

SOFTMAX = (
    HEAD
    + """
epochs = 40
[model]
file = "models/softmax.py"
[[stage]]
name = "table"
test = true
replicates = 3
configurations = [{ lambda = 0, eta = 0.001 }, { lambda = 0.1, eta = 0.001 }, { lambda = 1, eta = 0.001 }]
"""
)

CYCLICAL = (
    HEAD
    + """
lambda = 0.01
keep = "last"
schedule = { kind = "cyclical", eta_min = 1e-5, eta_max = 1e-1, half_cycle_updates = 500 }
[model]
file = "models/mlp.py"
hidden = [50]
[[stage]]
name = "cycles"
test = true
replicates = 3
configurations = [
    { cycles = 1, "schedule.half_cycle_updates" = 500 },
    { cycles = 3, "schedule.half_cycle_updates" = 800 },
]
"""
)


@pytest.mark.parametrize(
    ("study", "stated", "points"),
    [
        pytest.param(SOFTMAX, (0.3914, 0.3959, 0.3753), 1.5, id="report 1"),
        pytest.param(CYCLICAL, (0.4596, 0.4672), 1.0, id="report 5"),
    ],
)
def test_the_stable_figures_of_the_reports_are_reproduced(tmp_path, monkeypatch, study, stated, points):
    monkeypatch.chdir(ROOT)
    (tmp_path / "study.toml").write_text(study)
    launch.launch(tmp_path / "study.toml", Options(f"sqlite:///{tmp_path}/x.db", workers=2))
    with sqlalchemy.create_engine(f"sqlite:///{tmp_path}/x.db").connect() as connection:
        column = schema.trials.c
        found = connection.execute(select(column.point, column.test_accuracy).order_by(column.number)).all()
    for point, reported in enumerate(stated):
        ours = [accuracy for p, accuracy in found if p == point]
        assert len(ours) == SEEDS
        difference = 100 * (fmean(ours) - reported)
        print(f"reported {reported:.2%}, ours {fmean(ours):.2%} ± {100 * stdev(ours):.2f}, {difference:+.2f} points")
        assert abs(difference) <= points
