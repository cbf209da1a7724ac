"""Stages whose configurations were confirmed, budgets that ended, growth, changed models, failures with tracebacks."""

import csv
import io
import itertools

import made_study

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.formats.markdown import ranking_md
from hpsearch.reporting.sections.provenance import facts
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.final_test import final_test
from hpsearch.reporting.sections.selection_bias import corrected_accuracies
from hpsearch.reporting.sections.summary import summarise
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.search.ranking import rank
from hpsearch.storage import reading, schema


def confirmed(engine, replicates=(5, 5, 4, 1, 1), ceilings=(0.50, 0.499, 0.47, 0.50, 0.44), text="", **columns):
    """A stage of configurations with so many replicates each; the further ones come after the first of all."""
    maker = made_study.Maker(engine, text=text or 'name = "made"')
    space = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}}
    stage = maker.stage("coarse", "random", space, trials=sum(replicates), **columns)
    keys = [(p, r) for r in range(max(replicates)) for p, number in enumerate(replicates) if r < number]
    for number, (point, replicate) in enumerate(keys):
        params = {"lambda": 10.0 ** -(point + 1)}
        maker.trial(stage, number, params, ceilings[point], point=point, replicate=replicate)
    return maker, stage


def change(engine, table, where, **columns):
    with engine.begin() as connection:
        connection.execute(table.update().where(where).values(columns))


def change_trial(engine, number, **columns):
    change(engine, schema.trials, schema.trials.c.number == number, **columns)


def view(engine):
    frames = load_frames(engine, "made")
    return frames, view_stages(frames)


def test_configurations_with_more_replicates_come_first_as_in_the_search(engine):
    _, stage = confirmed(engine)
    with engine.connect() as connection:
        expected = [ranked.point for ranked in rank(reading.trials(connection, stage))]
    frames, (shown,) = view(engine)
    found = frames.trials.drop_duplicates("point")["point"].tolist()
    assert found == expected
    assert [row.replicates for row in shown.rows] == [5, 5, 4, 1, 1]
    assert shown.size.startswith("5 configurations with 1 to 5 seeds each, 16 trials")
    assert shown.counted == "seeds"


def test_a_configuration_with_one_seed_has_the_seed_variance_of_the_others(engine):
    confirmed(engine)
    _, (shown,) = view(engine)
    by_seeds = {row.replicates: row.validation.high - row.validation.low for row in shown.rows}
    assert by_seeds[1] > by_seeds[5]
    for row in shown.rows:
        low, high = wilson_interval(row.validation.value * 5_000, 5_000)
        assert row.validation.high - row.validation.low > 0.9 * (high - low)  # more seeds are no more samples
        assert ("±" in row.objective) == (row.replicates > 1)
    assert "Configurations with more seeds come first" in shown.caption


def test_the_summary_says_from_how_many_configurations_the_best_was_selected(engine):
    confirmed(engine)
    frames, stages = view(engine)
    text = " ".join(summarise(frames, stages, corrected_accuracies(frames, stages)))
    assert "the highest of the 2 of 5 configurations that have as many seeds" in text
    assert "mean ± standard deviation over 5 seeds" in text
    assert "over the seeds of both" in text
    (corrected,) = corrected_accuracies(frames, stages)
    assert corrected.configurations == "2"  # those with the most replicates
    assert "Confirmed: 3 configurations got 11 further trials, with up to 5 seeds in all." in stages[0].changes
    assert "| rank | trials | seeds | λ |" in ranking_md("made", stages)


def test_replicates_for_which_there_was_no_time_do_not_count(engine):
    _, stage = confirmed(engine, (3, 3, 3), (0.5, 0.48, 0.46))
    reason = "the stage's budget of minutes ended"
    change_trial(engine, 6, state="pruned", reason=reason, epochs_done=2)
    for number in (2, 5, 8):  # all of the third configuration
        change_trial(engine, number, state="pruned", reason=reason, epochs_done=2)
    with engine.connect() as connection:
        expected = [(ranked.point, len(ranked.trials)) for ranked in rank(reading.trials(connection, stage))]
    frames, (shown,) = view(engine)
    kept = frames.trials[frames.trials["rank"].notna()]
    counted = [(point, len(list(members))) for point, members in itertools.groupby(kept["point"])]
    assert counted == expected == [(1, 3), (0, 2)]
    assert shown.rows[1].remark.endswith("; no time left for 1 of 3 seeds")
    assert shown.rows[2].remark == "stopped: 3 of 3 seeds; seed 0: the stage's budget of minutes ended"
    ranks = {row["trial"]: row["rank"] for row in csv.DictReader(io.StringIO(ranking_csv(frames)))}
    assert (ranks["coarse:6"], ranks["coarse:0"], ranks["coarse:2"]) == ("", "2", "")


def test_configurations_that_are_being_confirmed_keep_their_place(engine):
    confirmed(engine, (2, 2, 1), (0.5, 0.48, 0.46), state="running")
    change_trial(engine, 3, state="running", epochs_done=2)
    change_trial(engine, 4, state="waiting", epochs_done=0)
    _, (shown,) = view(engine)
    assert [row.rank for row in shown.rows] == ["1", "2", "3"]
    assert shown.rows[0].remark == "best so far; 1 further seed under way"


def test_a_stage_says_which_budget_ended_it_how_it_grew_and_that_it_is_stale(engine, tmp_path):
    ended = "No configuration was better than 50.00% for 20 in a row."
    confirmed(engine, (1, 1, 1, 1, 1), ended=ended, batches=[2, 4], stale=True)
    page = (
        write_report(engine, "made", tmp_path).read_text().replace('<span class="number">', "").replace("</span>", "")
    )
    assert ended in page
    assert "The study file was changed to add configurations when the stage had 2 and 4." in page
    assert "An earlier stage has grown since this one began" in page


def test_test_set_evaluations_of_deleted_trials_count(engine):
    made_study.make_search(engine, "made")
    change(engine, schema.stages, schema.stages.c.name == "final", test_evaluations=5)
    frames, stages = view(engine)
    assert final_test(frames, stages, []).test_evaluations == 8
    text = " ".join(summarise(frames, stages))
    assert "Test-set evaluations: 8 (8 in final), of which 5 by trials that were deleted" in text


def test_a_model_file_that_was_changed_is_reported_with_its_former_hash(engine):
    maker, _ = confirmed(engine, (1, 1), (0.5, 0.4))
    model = {"file": "models/mlp.py", "hash": "b2" * 32, "text": "…", "former": ["a1" * 32]}
    change(engine, schema.studies, schema.studies.c.id == maker.study, model=model)
    frames, stages = view(engine)
    assert any(
        "changed once during the study, and the change was accepted" in text for text in summarise(frames, stages)
    )
    assert ("Former hash of the model file", "a1" * 32) in facts(frames)


def test_a_failure_shows_its_last_line_and_its_complete_traceback_to_unfold(engine, tmp_path):
    confirmed(engine, (1, 1, 1, 1, 1))
    trace = "Traceback (most recent call last):\n  in build\nValueError: <img src=x onerror=alert(1)>\n"
    for number in (1, 2):
        change_trial(engine, number, state="failed", reason="the model file failed", traceback=trace, epochs_done=1)
    _, (shown,) = view(engine)
    (row,) = (row for row in shown.rows if row.trial == "coarse:1")
    assert row.remark == ("failed after epoch 1 of 12: the model file failed: ValueError: <img src=x onerror=alert(1)>")
    page = write_report(engine, "made", tmp_path, ["html", "md"])
    assert "<summary>Traceback of trials coarse:1–2</summary>" in page.read_text()
    assert "<img src=x" not in page.read_text()
    assert "```\nTraceback (most recent call last):" in page.with_name("report.md").read_text()


def test_of_many_different_tracebacks_some_are_shown_and_it_is_said(engine):
    confirmed(engine, (1,) * 8, (0.5,) * 8)
    for number in range(7):
        change_trial(engine, number, state="failed", reason="x", traceback=f"Traceback\nError: {number}")
    _, (shown,) = view(engine)
    assert [trace.title for trace in shown.tracebacks[:2]] == [
        "Traceback of trial coarse:0",
        "Traceback of trial coarse:1",
    ]
    assert shown.tracebacks[-1].title == "2 further tracebacks not shown"
