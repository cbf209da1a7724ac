"""A study that is asked for more goes on: it ends like one that was asked for all of it at once."""

import pytest
from study_parts import FINAL, FINE, coarse, end, made, params, random
from tiny import StopAfter, options, rows, url, workspace

import hpsearch
from hpsearch.errors import StudyChangedError, StudyFileError
from hpsearch.reporting.sections.selection.final_test import grown_since_test
from hpsearch.search import resume as resuming
from hpsearch.search import run as runs
from hpsearch.search.launch import launch
from hpsearch.search.ranking import StageFailedError
from hpsearch.search.resume import resume
from hpsearch.search.stages.confirmation import Replicates, next_round
from hpsearch.spec import Confirm
from hpsearch.storage import schema

ROWS = [f"{{ lambda = 1e-{n}, eta = 0.{n} }}" for n in range(1, 6)]


def configurations(count):
    return f'[[stage]]\nname = "coarse"\nconfigurations = [{", ".join(ROWS[:count])}]\n'


def whole(folder, text):
    """The digest of a study that was launched with this text."""
    (folder / "whole").mkdir()
    launch(workspace(folder / "whole", text), options(folder / "whole"))
    return end(folder / "whole")


def frames(folder):
    return hpsearch.load("tiny", url(folder)).frames


def stages(folder):
    return {row["name"]: row for row in rows(folder, schema.stages)}


GROWTHS = {
    "random": (random(3), random(7)),
    "random in batches": tuple(coarse(f'kind = "random", trials = {n}, batch = 2') for n in (3, 6)),
    "quasi-random": tuple(coarse(f'kind = "qmc", trials = {n}') for n in (3, 6)),
    "list": (configurations(2), configurations(5)),
    "tpe in batches": tuple(coarse(f'kind = "tpe", trials = {n}, batch = 4, n_startup_trials = 3') for n in (6, 12)),
    "tpe in a window": tuple(coarse(f'kind = "tpe", trials = {n}, window = 3, n_startup_trials = 3') for n in (6, 12)),
    "replicates": (random(3, "replicates = 2"), random(5, "replicates = 2")),
    "epochs": (random(8, "budget.epochs = 9", "replicates = 2"), random(8, "budget.epochs = 30", "replicates = 2")),
    "target": (random(24, "budget.target = 0.1"), random(24, "budget.target = 0.99")),
    "patience": (random(40, "budget.patience = 2"), random(40, "budget.patience = 30")),
    "no budget": (random(24, "budget.target = 0.1"), random(24)),
}  # fmt: skip


OF_A_KIND = {"random in batches", "quasi-random", "tpe in a window", "target", "patience", "no budget"}
"""Those of which the quicker ones show the like."""


@pytest.mark.long
@pytest.mark.parametrize("kind", [pytest.param(k, marks=[pytest.mark.slow] * (k in OF_A_KIND)) for k in GROWTHS])
def test_a_grown_study_ends_like_one_that_was_launched_whole(tmp_path, kind):
    before, after = (made(text) for text in GROWTHS[kind])
    path = workspace(tmp_path, before)
    assert launch(path, options(tmp_path)) == ("tiny", True)
    fewer = {row["id"]: row for row in rows(tmp_path)}
    path.write_text(after)
    assert resume("tiny", options(tmp_path))
    more = {row["id"]: row for row in rows(tmp_path)}
    assert len(more) > len(fewer)
    assert all(more[number] == row for number, row in fewer.items())
    assert end(tmp_path) == whole(tmp_path, after)


def test_growth_is_taken_by_launch_or_resume_also_from_a_stage_under_way(tmp_path):
    launch(workspace(tmp_path, made(random(5), FINAL)), options(tmp_path, watcher=StopAfter(6)))
    grown = made(random(8), FINE, FINAL)
    assert launch(workspace(tmp_path, grown, "more.toml"), options(tmp_path), or_resume=True) == ("tiny", True)
    assert end(tmp_path) == whole(tmp_path, grown)


def test_a_file_with_an_error_in_what_was_added_is_refused_and_not_passed_over(tmp_path):
    path = workspace(tmp_path, made(configurations(1)))
    launch(path, options(tmp_path))
    path.write_text(made(configurations(1)) + "[[stage]\n")
    with pytest.raises(StudyFileError, match=rf"^{path}: is not TOML: .*line \d+"):
        resume("tiny", options(tmp_path))
    path.unlink()
    assert resume("tiny", options(tmp_path))  # by the text that is stored


@pytest.mark.slow
def test_stages_at_the_end_come_before_the_final_which_is_done_again_if_the_winner_changes(tmp_path):
    path = workspace(tmp_path, made(random(4), FINAL))
    launch(path, options(tmp_path))
    before = rows(tmp_path)
    grown = made(random(4), FINE, FINAL)
    path.write_text(grown)
    assert resume("tiny", options(tmp_path))
    assert rows(tmp_path)[:4] == before[:4]
    order = sorted(rows(tmp_path, schema.stages), key=lambda row: row["position"])
    assert [row["name"] for row in order] == ["coarse", "fine", "final"]
    assert stages(tmp_path)["final"]["test_evaluations"] == 2  # on the test set, by the final's former trials
    assert end(tmp_path) == whole(tmp_path, grown)


def test_a_later_stage_is_kept_if_what_it_stands_on_stays_the_same(tmp_path):
    path = workspace(tmp_path, made(configurations(1), FINAL))
    launch(path, options(tmp_path))
    before = rows(tmp_path)
    assert not grown_since_test(frames(tmp_path))
    worse = configurations(1).replace(" }]", " }, { lambda = 1e-1, eta = 1e9 }]")  # one that diverges
    path.write_text(made(worse, FINAL))
    assert resume("tiny", options(tmp_path))
    assert [row for row in rows(tmp_path) if row["id"] in (1, 2, 3)] == before
    assert stages(tmp_path)["final"]["test_evaluations"] == 0
    assert grown_since_test(frames(tmp_path))  # the one that was added may have been chosen knowing the test accuracy
    end(tmp_path)


def test_a_later_stage_that_had_begun_is_done_again_if_what_it_stands_on_changes(tmp_path, monkeypatch):
    path = workspace(tmp_path, made(random(1), FINE, FINAL))
    launch(path, options(tmp_path))
    said = []
    watcher = StopAfter(10**6)
    monkeypatch.setattr(watcher, "message", said.append)
    grown = made(random(9), FINE, FINAL)
    path.write_text(grown)
    assert resume("tiny", options(tmp_path, watcher=watcher))
    again = "the stages before it have changed; it is run again"
    assert [text for text in said if again in text] == [f"stage fine: {again}", f"stage final: {again}"]
    assert end(tmp_path) == whole(tmp_path, grown)


@pytest.mark.slow
def test_a_final_that_began_but_has_no_trials_yet_survives_growth(tmp_path, monkeypatch):
    path = workspace(tmp_path, made(random(2), FINAL))
    with monkeypatch.context() as patch:
        patch.setattr("hpsearch.search.run.Runner._plan", _killed_at("final", runs.Runner._plan))
        with pytest.raises(KeyboardInterrupt):
            launch(path, options(tmp_path))
    assert stages(tmp_path)["final"]["state"] == "running"
    path.write_text(made(random(4), FINAL))
    assert resume("tiny", options(tmp_path))
    assert end(tmp_path) == whole(tmp_path, made(random(4), FINAL))


def _killed_at(name, planned):
    def plan(runner, all_stages, stage):
        if stage.name == name:
            raise KeyboardInterrupt
        return planned(runner, all_stages, stage)

    return plan


def test_killed_in_the_middle_of_growing_it_has_grown_wholly_or_not_at_all(tmp_path, monkeypatch):
    path = workspace(tmp_path, made(random(3), FINAL))
    launch(path, options(tmp_path))
    before = [rows(tmp_path, table) for table in (schema.studies, schema.stages, schema.trials)]
    grown = made(random(6), FINE, FINAL)
    path.write_text(grown)
    with monkeypatch.context() as patch:
        patch.setattr(resuming.writing, "count_launch", lambda *_: 1 / 0)  # in the transaction that grows it
        with pytest.raises(ZeroDivisionError):
            resume("tiny", options(tmp_path))
    assert [rows(tmp_path, table) for table in (schema.studies, schema.stages, schema.trials)] == before
    for epochs in (1, 2, 3):
        assert not resume("tiny", options(tmp_path, watcher=StopAfter(epochs)))
    path.unlink()  # what was taken in is in the database
    assert resume("tiny", options(tmp_path))
    assert end(tmp_path) == whole(tmp_path, grown)


@pytest.mark.slow
@pytest.mark.parametrize("pruner", ['"halving", keep = 0.5, audit = 0.0', '"hyperband"', '"median", startup = 2'])
def test_a_study_with_a_pruner_grows_and_prunes_what_is_new(tmp_path, pruner):
    path = workspace(tmp_path, made(random(6, f"pruner = {{ kind = {pruner} }}"), FINAL))
    launch(path, options(tmp_path))
    before = rows(tmp_path)[:6]
    path.write_text(made(random(14, f"pruner = {{ kind = {pruner} }}"), FINAL))
    assert resume("tiny", options(tmp_path))
    assert rows(tmp_path)[:6] == before
    assert sum(row["state"] == "pruned" for row in rows(tmp_path)[6:]) > 0
    end(tmp_path)


def test_other_changes_are_refused_key_by_key_with_the_way_out(tmp_path):
    path = workspace(tmp_path, made(random(3, "replicates = 2"), FINAL))
    launch(path, options(tmp_path))
    before = rows(tmp_path)
    other = made(random(2, "replicates = 3"), FINE, FINAL).replace("batch_size = 50", "batch_size = 40")
    path.write_text(other)
    expected = (
        f"{path}: study 'tiny' was launched with another text (training.batch_size: 50 → 40; "
        "stage[0].sampler.trials: 3 → 2; stage[0].replicates: 2 → 3); undo that, or give it a new name"
    )
    for again in (lambda: resume("tiny", options(tmp_path)), lambda: launch(path, options(tmp_path), or_resume=True)):
        with pytest.raises(StudyChangedError) as refused:
            again()
        assert sorted(str(refused.value).split("; ")) == sorted(expected.split("; "))
    assert rows(tmp_path) == before


# Budgets


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("epochs = 20", "The budget of 20 epochs: 18 are used, and going on would take 3."),
        ("target = 0.05", "Trial 0 reached the target, 5.00%."),
        ("patience = 2", "No configuration was better than "),
    ],
)
def test_a_budget_ends_the_stage_says_so_and_the_next_stage_follows(tmp_path, budget, said):
    text = made(coarse('kind = "random", trials = 40, batch = 3', f"budget = {{ {budget} }}"), FINAL)
    assert launch(workspace(tmp_path, text), options(tmp_path)) == ("tiny", True)
    assert stages(tmp_path)["coarse"]["ended"].startswith(said)
    assert sum(row["stage_id"] == 1 for row in rows(tmp_path)) < 40
    assert stages(tmp_path)["final"]["ended"] is None
    end(tmp_path)


def out_of_time(patch, done):
    """From when so many trials are done on, a stage has run for 61 seconds."""

    def elapsed(run):
        return 61.0 * (run.tally.progress().trials_done >= done)

    patch.setattr("hpsearch.search.stages.run.StageRun._elapsed", elapsed)


@pytest.mark.slow
def test_a_stage_that_is_out_of_time_says_so_and_goes_on_with_more_as_if_there_had_been_no_limit(tmp_path, monkeypatch):
    short = made(random(30, "budget.minutes = 1"), FINAL).replace("epochs = 3", "epochs = 9")
    path = workspace(tmp_path, short)
    with monkeypatch.context() as patch:
        out_of_time(patch, done=1)
        assert launch(path, options(tmp_path)) == ("tiny", True)
    assert stages(tmp_path)["coarse"]["ended"] == "Time: the stage's budget of minutes ended (1)."
    stopped = [row for row in rows(tmp_path) if row["state"] == "pruned"]
    assert {row["reason"] for row in stopped} == {"the stage's budget of minutes ended"}
    end(tmp_path)
    longer = short.replace("budget.minutes = 1", "budget.minutes = 10")
    path.write_text(longer)
    assert resume("tiny", options(tmp_path))
    assert end(tmp_path) == whole(tmp_path, longer)


def test_a_stage_in_which_there_was_no_time_for_any_configuration_can_be_given_more(tmp_path, monkeypatch):
    path = workspace(tmp_path, made(random(5, "budget.minutes = 1")))
    with monkeypatch.context() as patch:
        out_of_time(patch, done=0)
        for again in (lambda: launch(path, options(tmp_path)), lambda: resume("tiny", options(tmp_path))):
            with pytest.raises(
                StageFailedError, match="its budget ended before any configuration was trained; give it a"
            ):
                again()
    path.write_text(made(random(5)))
    assert resume("tiny", options(tmp_path))
    assert end(tmp_path) == whole(tmp_path, made(random(5)))


def test_time_counts_over_all_launches(tmp_path):
    path = workspace(tmp_path, made(random(5, "budget.minutes = 10")))
    assert not launch(path, options(tmp_path, watcher=StopAfter(3)))[1]
    first = stages(tmp_path)["coarse"]["seconds"]
    assert first > 0
    assert resume("tiny", options(tmp_path))
    assert stages(tmp_path)["coarse"]["seconds"] > first


# Confirming, `from` and `first`


def test_the_best_are_confirmed_with_further_replicates_and_the_final_follows_them(tmp_path):
    text = made(random(6, "confirm = { best = 2, replicates = 4 }"), FINAL)
    launch(workspace(tmp_path, text), options(tmp_path))
    found = [row for row in rows(tmp_path) if row["stage_id"] == 1]
    further = {row["point"] for row in found if row["replicate"] > 0}
    best = sorted((row for row in found if not row["replicate"]), key=lambda row: -row["value"])[:2]
    assert further == {row["point"] for row in best}
    assert stages(tmp_path)["coarse"]["ended"].startswith("After ")
    end(tmp_path)


def test_who_wins_after_growth_has_as_many_replicates_as_those_who_were_confirmed_before():
    confirm = Confirm(best=2, replicates=6)
    former = [Replicates(0, [0.50, 0.51, 0.49, 0.50, 0.51, 0.50]), Replicates(1, [0.49, 0.50, 0.48, 0.49, 0.51, 0.5])]
    winner = [0.80]
    while (todo := next_round(confirm, 1, [Replicates(2, winner, trial=2), *former])).numbers:
        assert todo.numbers == (2,)
        assert todo.replicate == len(winner)
        winner.append(0.80 + 0.001 * len(winner))
    assert len(winner) == 6
    assert todo.outcome.endswith("the configuration of trial 2 is clearly the best.")


@pytest.mark.slow
def test_a_stage_that_confirms_grows_and_its_winner_is_among_the_most_replicated(tmp_path):
    more = "confirm = { best = 2, replicates = 4 }"
    path = workspace(tmp_path, made(random(3, more), FINAL))
    launch(path, options(tmp_path))
    path.write_text(made(random(12, more), FINAL))
    assert resume("tiny", options(tmp_path))
    coarse_rows = [row for row in rows(tmp_path) if row["stage_id"] == 1]
    final = next(row for row in rows(tmp_path) if row["stage_id"] == 2)
    counts = {}
    for row in coarse_rows:
        counts[row["point"]] = counts.get(row["point"], 0) + 1
    won = next(row["point"] for row in coarse_rows if row["params"] == final["params"])
    assert counts[won] == max(counts.values())
    end(tmp_path)


@pytest.mark.slow
def test_a_sampler_starts_from_another_studys_trials_as_they_were_when_its_stage_began(tmp_path):
    first = workspace(tmp_path, made(random(12), name="first"), "first.toml")
    launch(first, options(tmp_path))
    text = made(coarse('kind = "tpe", trials = 9, batch = 3, n_startup_trials = 2', 'from = "first/coarse"'))
    path = workspace(tmp_path, text)
    assert not launch(path, options(tmp_path, watcher=StopAfter(6)))[1]
    first.write_text(made(random(14), name="first"))
    assert resume("first", options(tmp_path))
    assert resume("tiny", options(tmp_path))
    known = [row["known"] for row in rows(tmp_path, schema.stages)]
    assert [len(each or ()) for each in known] == [0, 12]
    (tmp_path / "calm").mkdir()
    launch(workspace(tmp_path / "calm", made(random(12), name="first"), "first.toml"), options(tmp_path / "calm"))
    launch(workspace(tmp_path / "calm", text), options(tmp_path / "calm"))
    assert end(tmp_path) == end(tmp_path / "calm")


@pytest.mark.parametrize(
    "sampler", ['kind = "random"', pytest.param('kind = "qmc"', marks=pytest.mark.slow), 'kind = "tpe", batch = 3']
)
def test_configurations_named_first_are_tried_first(tmp_path, sampler):
    first = "first = [{ lambda = 1e-3, eta = 0.25 }, { eta = 0.125 }]"
    launch(workspace(tmp_path, made(coarse(f"{sampler}, trials = 5", first))), options(tmp_path))
    asked = params(rows(tmp_path))
    assert asked[0] == (("eta", 0.25), ("lambda", 1e-3))
    assert asked[1][0] == ("eta", 0.125)
    assert len(set(asked)) == 5
