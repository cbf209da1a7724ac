"""The verdicts on real searches of digits and wine, whose tables were wrong with seeds and folds once."""

import numpy as np
import pytest
import tiny
from sklearn.datasets import load_wine

from hpsearch.reporting.frames import load
from hpsearch.reporting.sections.advice import advise
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.search.launch import launch
from hpsearch.storage.database import open_to_read

DIGITS = """\
name = "replicates"
seed = 0
[data]
dataset = "digits"
train = 1_000
validation = 437
[model]
file = "models/mlp.py"
hidden = [32]
[training]
batch_size = 50
epochs = 10
""" + "\n".join(
    f"""\
[[stage]]
name = "{seeds}"
replicates = {seeds}
sampler = {{ kind = "random", trials = 24 }}
space.eta = {{ low = 1e-4, high = 0.5, log = true }}
"""
    for seeds in (1, 2, 3)
)

WINE = """\
name = "folds"
seed = 0
[data]
dataset = { kind = "csv", path = "data/wine.csv", label = "kind", test = 38 }
train = 112
validation = { folds = 5 }
[model]
file = "models/mlp.py"
hidden = [16]
[training]
batch_size = 16
epochs = 15
[[stage]]
name = "search"
sampler = { kind = "tpe", trials = 16 }
space.eta = { low = 1e-4, high = 0.5, log = true }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
"""


def judged(folder, text, name):
    """Run a study; its frames and the views of its stages."""
    launch(tiny.workspace(folder, text), tiny.options(folder))
    engine = open_to_read(tiny.url(folder))
    try:
        frames = load(engine, name)
        return frames, view_stages(frames)
    finally:
        engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 5])
def test_of_digits_few_learning_rates_are_ties_and_none_at_chance_level_however_many_the_seeds(tmp_path, seed):
    _, stages = judged(tmp_path, DIGITS.replace("seed = 0", f"seed = {seed}", 1), "replicates")
    ties = []
    for stage in stages:
        marks = [row.mark for row in stage.ranked]
        values = [row.validation.value for row in stage.ranked]
        assert len(marks) == 24
        assert all(mark == "worse" for mark, value in zip(marks, values, strict=True) if value < values[0] - 0.2)
        ties.append(marks.count("tied"))
        assert marks == ["best", *["tied"] * ties[-1], *["worse"] * (23 - ties[-1])]  # no tie below one that is worse
    assert max(ties) <= 12
    assert ties[2] <= ties[0] + 3  # each stage has learning rates of its own


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 5])
def test_of_wine_with_five_folds_one_at_half_the_best_accuracy_is_worse_and_the_search_does_not_stop(
    tmp_path, monkeypatch, seed
):
    monkeypatch.chdir(tmp_path)
    wine = load_wine()
    order = np.random.default_rng(1).permutation(len(wine.target))
    rows = [",".join([*(f"{x:g}" for x in wine.data[i]), f"cultivar {wine.target[i] + 1}"]) for i in order]
    names = [name.replace("/", "_") for name in wine.feature_names]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wine.csv").write_text("\n".join([",".join([*names, "kind"]), *rows]) + "\n")
    frames, stages = judged(tmp_path, WINE.replace("seed = 0", f"seed = {seed}", 1), "folds")
    (stage,) = stages
    values = [row.validation.value for row in stage.ranked]
    assert values[0] > 0.95
    assert min(values) < 0.6
    assert all(row.mark == "worse" for row in stage.ranked if row.validation.value < 0.6)
    assert all(row.mark == "tied" for row in stage.ranked[1:] if row.validation.value > values[0] - 0.02)
    assert not any("stop" in advice.title.lower() for advice in advise(frames, stages))
