"""Ordered choices: samplers know their order, and stages that began before there was one go on as they began."""

import optuna
from sampler_runs import ask_all, made_stage
from study_parts import coarse, made
from tiny import StopAfter, options, url, workspace

from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.samplers.optuna_samplers import distributions
from hpsearch.search.samplers.points import at_position, position
from hpsearch.search.stages import space as spaces
from hpsearch.search.stages.space import differences, space_from_json, space_to_json
from hpsearch.search.verify.checks import verify
from hpsearch.spec import Choices
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

UNITS = [100, 10, 50, 20]


def test_samplers_know_ordered_choices_by_their_place_and_others_as_categories():
    ordered, other = Choices(choices=UNITS), Choices(choices=UNITS, ordered=False)
    assert [position(ordered, value) for value in UNITS] == [3, 0, 2, 1]
    assert [at_position(ordered, place) for place in range(4)] == sorted(UNITS)
    found = distributions({"ordered": ordered, "other": other})
    assert found["ordered"] == optuna.distributions.IntDistribution(0, 3)
    assert found["other"] == optuna.distributions.CategoricalDistribution(range(4))


def test_an_order_does_not_change_random_draws():
    plain, ordered = (
        {"lambda": {"low": 0, "high": 1}, "eta": {"choices": UNITS, "ordered": is_}} for is_ in (False, True)
    )
    assert ask_all(made_stage("random", space=plain)) == ask_all(made_stage("random", space=ordered))


def test_choices_that_were_stored_without_an_order_have_none_and_are_no_difference():
    now = {"units": Choices(choices=UNITS)}
    stored = {"units": {"choices": UNITS}}
    assert space_to_json(now) == {"units": {"choices": UNITS, "ordered": True}}
    assert space_from_json(space_to_json(now)) == now
    assert not space_from_json(stored)["units"].ordered
    assert differences(now, stored) == []
    assert differences(now, {"units": {"choices": [1]}}) == ["units"]


def test_a_stage_that_began_without_an_order_goes_on_without_it_and_is_verified(tmp_path, monkeypatch):
    text = made(coarse('kind = "tpe", trials = 6, batch = 2, n_startup_trials = 2', "space.batch_size = [20, 40, 50]"))
    path = workspace(tmp_path, text)
    with monkeypatch.context() as earlier:
        earlier.setattr(spaces, "space_to_json", lambda space: {key: without_order(space[key]) for key in space})
        launch(path, options(tmp_path, watcher=StopAfter(3)))
    assert resume("tiny", options(tmp_path))
    with opened_to_read(url(tmp_path)) as connection:
        found = list(verify(connection, reading.get_study(connection, "tiny")))
    assert len(found) == 4
    assert [check.problems for check in found if check.problems] == []


def without_order(entry):
    return {key: value for key, value in entry.model_dump(exclude_none=True).items() if key != "ordered"}
