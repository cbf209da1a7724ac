"""A stage whose minutes end: what is stopped, what is finished, and a kill at that moment."""

import pytest
from study_parts import FINAL, coarse, end, made, random
from test_search_stage_plan import RANDOM, World
from tiny import options, rows, workspace

from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import cohorts
from hpsearch.search.stages.outcomes import decided
from hpsearch.search.stages.run import StageRun
from hpsearch.storage import schema, writing

TIMED = "budget.minutes = 1"


class Killed(BaseException):
    """This process is killed."""


def test_a_round_that_confirms_is_finished_and_counts(tmp_path, monkeypatch):
    def elapsed(run):
        return 61.0 * any(row.replicate and row.epochs_done for row in run.plan.rows.values())

    monkeypatch.setattr(StageRun, "_elapsed", elapsed)
    monkeypatch.setattr(cohorts, "SEGMENT_SECONDS", 0)
    text = made(random(6, "confirm = { best = 2, replicates = 4 }", TIMED), FINAL)
    assert launch(workspace(tmp_path, text), options(tmp_path)) == ("tiny", True)
    found = [row for row in rows(tmp_path) if row["stage_id"] == 1]
    assert {row["state"] for row in found} == {"complete"}
    best = sorted((row for row in found if not row["replicate"]), key=lambda row: -row["value"])[:2]
    assert sorted(row["point"] for row in found if row["replicate"]) == sorted(row["point"] for row in best)
    final = next(row for row in rows(tmp_path) if row["stage_id"] == 2)
    assert final["params"] in [row["params"] for row in best]
    end(tmp_path)


def test_a_stage_killed_as_its_time_was_over_asks_for_nothing_more(tmp_path, monkeypatch):
    def elapsed(run):
        return 61.0 * (run.tally.progress().trials_done >= 3)

    def killed(*given):
        raise Killed

    monkeypatch.setattr(StageRun, "_elapsed", elapsed)
    with monkeypatch.context() as patch:
        patch.setattr(writing, "finish_stage", killed)
        path = workspace(tmp_path, made(coarse('kind = "random", trials = 40, batch = 5', TIMED)))
        with pytest.raises(Killed):
            launch(path, options(tmp_path))
    before = rows(tmp_path)
    assert resume("tiny", options(tmp_path))
    assert rows(tmp_path) == before
    assert rows(tmp_path, schema.stages)[0]["ended"].startswith("Time: ")
    end(tmp_path)


def test_trials_that_were_stopped_say_that_the_time_is_over_whatever_the_clock_says():
    world = World(RANDOM.replace("20", "20, batch = 5") + "budget = { minutes = 1.0 }\n", seed=0, kills=0)
    plan = world.plan()
    plan.added([world.add(trial) for trial in plan.next(100).trials])
    plan.expire()
    for decision in plan.next(100).decisions:
        world.rows[decision.trial.number] = decided(decision)
    again = world.plan()
    assert not again.next(100)
    assert again.why_it_ended == plan.why_it_ended
