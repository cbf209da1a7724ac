"""Next steps: extend a range at its edge, stop among ties, train longer what improves; the lines are valid TOML."""

import math

import made_advice
import made_pruned
import made_study
import numpy as np
import pytest
from made_advice import HEAD, RANDOM, SPACE, flat, make, spread

import hpsearch.reporting.frames
from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.advice import _next_choice, advise
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.spec import parse
from hpsearch.spec.writing import toml
from hpsearch.storage import schema

LAMBDAS = spread(2e-5, 5e-2, 6)
INNER = [{"lambda": value, "batch_size": 100} for value in LAMBDAS]


def advice(engine, name="made"):
    frames = load_frames(engine, name)
    found = advise(frames, view_stages(frames))
    for each in found:
        pasted = parse(frames.study["text"] + "\n" + each.lines, "pasted")
        assert len(pasted.stages) == len(frames.stages) + bool(each.lines)
    return found, frames


def test_the_best_at_an_edge_of_its_range_is_searched_further_out(engine):
    flat(make(engine, INNER, [0.9, 0.7, 0.6, 0.5, 0.4, 0.3]))
    (found,), frames = advice(engine)
    assert found.title == "Extend the search space"
    said = "The best λ of search, 2e-5, is the lowest that was tried, near the lower end of its range (1e-5 to 1e-1)."
    assert found.reason.startswith(said)
    stage = parse(frames.study["text"] + found.lines, "x").stages[-1]
    assert stage.name == "further"
    assert stage.space["lambda"].low < 1e-5
    assert stage.space["lambda"].high < 1e-2
    assert stage.space["batch_size"].choices == (50, 100, 200)


def test_the_best_at_the_end_of_its_choices_gets_a_further_choice(engine):
    configurations = [
        {"lambda": 1e-3 * (1 + i / 10), "batch_size": size} for i, size in enumerate([100, 50, 200, 100, 50])
    ]
    flat(make(engine, configurations, [0.5, 0.9, 0.3, 0.5, 0.6]))
    found, frames = advice(engine)
    assert "The best batch size of search, 50, is the smallest of its choices." in found[0].reason
    assert parse(frames.study["text"] + found[0].lines, "x").stages[-1].space["batch_size"].choices == (
        25,
        50,
        100,
        200,
    )


@pytest.mark.parametrize(
    ("choices", "best", "further"),
    [((1e-4, 1e-3, 0.1), 0.1, 1.0), ((1e-4, 1e-3, 0.1), 1e-4, 1e-5), ((0.1, 0.3), 0.3, 0.9), ((1, 100), 100, 1_000)],
)
def test_a_further_choice_has_few_digits_and_is_at_most_ten_times_as_far(choices, best, further):
    assert _next_choice(choices, best, 0.0, math.inf) == further


def test_the_best_inside_its_range_needs_no_advice(engine):
    flat(make(engine, INNER, [0.5, 0.6, 0.9, 0.6, 0.5, 0.4]))
    assert advice(engine)[0] == []


def test_where_all_are_ties_that_may_differ_the_best_train_again(engine):
    flat(make(engine, INNER, [0.52, 0.51, 0.52, 0.51, 0.52, 0.51]))
    (found,), frames = advice(engine)
    assert found.title == "Compare the best again"
    assert found.reason.startswith(
        "None of the 5 other configurations of search is statistically distinguishable from its best on"
    )
    lows = [row.verdict.found.low for row in view_stages(frames)[0].ranked[1:]]
    assert f"differences of up to {-100 * min(lows):.1f} points cannot be excluded" in found.reason
    stage = parse(frames.study["text"] + found.lines, "x").stages[-1]
    assert (stage.name, stage.replicates, len(stage.configurations)) == ("again", 5, 3)


def test_where_all_are_shown_to_be_equivalent_the_search_stops(engine):
    text = f"{HEAD}{RANDOM}\n[objective]\nrope = 0.25\n"
    flat(make(engine, INNER, [0.52, 0.51, 0.52, 0.51, 0.52, 0.51], text=text))
    (found,), _ = advice(engine)
    assert (found.title, found.lines) == ("Stop this search", "")
    assert "Each of the 5 other configurations of search is shown to be within 25 points of its best." in found.reason


@pytest.mark.parametrize(("at_the_rung", "stops"), [(0.44, True), (0.3, False)])
def test_survivors_that_are_equivalent_stop_no_search_whose_pruned_were_far_below(
    engine, monkeypatch, at_the_rung, stops
):
    monkeypatch.setattr(hpsearch.reporting.frames, "ROPE", 0.12)
    accuracy = np.tile(np.linspace(0.45, 0.52, made_pruned.EPOCHS), (12, 1))
    accuracy[3:] += at_the_rung - 0.45
    pruned_at = np.repeat([0, 1], [3, 9])
    made_pruned.store(engine, made_pruned.Halving(accuracy, pruned_at, np.zeros(12, dtype=bool)), audit=0.0)
    titles = [each.title for each in advice(engine)[0]]
    assert ("Stop this search" in titles) is stops


def test_a_best_that_still_improves_is_trained_for_twice_as_long(engine):
    text = HEAD + RANDOM + "training = { epochs = 12, clip_norm = 5 }\nmodel = { hidden = [7] }\n"
    make(engine, INNER, [0.3, 0.4, 0.9, 0.5, 0.4, 0.3], text=text)
    found, frames = advice(engine)
    assert [each.title for each in found] == ["Train longer"]
    assert "was still improving after its 12 epochs. In its last epochs, the validation accuracy" in found[0].reason
    stage = parse(frames.study["text"] + found[0].lines, "x").stages[-1]
    assert (stage.training, stage.model) == ({"clip_norm": 5, "epochs": 24}, {"hidden": [7]})


def test_with_folds_the_lines_have_no_replicates(engine):
    text = (HEAD + RANDOM).replace("validation = 400", "validation = { folds = 5 }")
    maker = make(engine, INNER[:3], [0.52, 0.51, 0.52], text=text, seeds=5)
    flat(maker)
    with engine.begin() as connection:
        data = {"train": 1_000, "validation": 250, "folds": 5}
        connection.execute(schema.stages.update().values(data=data))
    found, _ = advice(engine)
    assert found[0].title == "Compare the best again"
    assert "replicates" not in found[0].lines


def test_a_running_stage_or_a_file_of_another_version_gets_no_advice(engine, finished):
    assert advise(finished, view_stages(finished)) == []
    make(engine, INNER, [0.9, 0.7, 0.6, 0.5, 0.4, 0.3])
    with engine.begin() as connection:
        connection.execute(schema.stages.update().values(state="running"))
    assert advice(engine)[0] == []


@pytest.mark.parametrize("value", [True, 1, 1e-7, 2.5, 'a "b"\\\n\x7f', [[50], []], {"kind": "x", "a b": {"c": 1}}, {}])
def test_what_is_written_as_toml_reads_back(value):
    tomllib = pytest.importorskip("tomllib")
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value
    assert made_advice.SPACE["lambda"]["log"]


@pytest.mark.parametrize(
    ("costs", "titles"), [([6, 5, 4, 3, 2, 1], []), ([1, 2, 3, 4, 5, 6], ["Extend the search space"])]
)
def test_on_a_front_a_range_is_extended_only_if_no_objective_is_traded_there(engine, costs, titles):
    accuracy = {"metric": "accuracy", "direction": "maximize", "share": True}
    cost = {"metric": "parameters", "direction": "minimize", "share": False}
    maker = made_study.Maker(engine, text=HEAD + RANDOM, objective=accuracy | {"objectives": [accuracy, cost]})
    maker.samples = 400
    stage = maker.stage("search", "random", SPACE, data={"train": 1_000, "validation": 400, "test": 10_000})
    for number, (params, parameters) in enumerate(zip(INNER, costs, strict=True)):
        training = {"model": {}, "training": {"batch_size": 100, "epochs": 12} | params}
        trial = maker.trial(stage, number, params, 0.9 - 0.1 * number, configuration=training)
        for epoch in range(1, 13):
            row = {"trial_id": trial, "epoch": epoch, "metric": "parameters", "train": None, "validation": parameters}
            maker.insert(schema.measurements, row)
    flat(maker)
    assert [each.title for each in advice(engine)[0]] == titles
