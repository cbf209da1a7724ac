"""The page's first screen, its tables, and what its script finds in it."""

import json
import re

import made_study
import pytest
from matplotlib.transforms import IdentityTransform

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.figures import files
from hpsearch.reporting.figures.drawing.scene import Words
from hpsearch.reporting.sections.ranking.in_short import in_short
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.ranking.table import ranking_tables
from hpsearch.reporting.sections.selection.final_test import final_test
from hpsearch.reporting.sections.selection_bias import corrected_accuracies
from hpsearch.storage import schema
from hpsearch.storage.database import open_to_read


@pytest.fixture(scope="module")
def lines(finished):
    stages = view_stages(finished)
    corrected = corrected_accuracies(finished, stages)
    tested = final_test(finished, stages, corrected)
    return {line.label: line.text for line in in_short(finished, stages, corrected, None, tested, [])}


@pytest.fixture
def failed(engine):
    """A stage of six trials with one batch size, of which two failed in a file of the workspace."""
    maker = made_study.Maker(engine)
    stage = maker.stage("coarse", "random", {"lambda": {"low": 1e-5, "high": 1e-1}, "batch_size": {"choices": [50]}})
    for number in range(4):
        maker.trial(stage, number, {"lambda": 10.0**-number, "batch_size": 50}, 0.4 + 0.01 * number)
    why = "ValueError in /home/someone/workspace/models/mlp.py"
    for number in (4, 5):
        maker.unfinished(stage, number, {"lambda": 0.1 * number, "batch_size": 50}, "failed", reason=why)
    return engine


def test_five_lines_say_what_is_best_its_score_by_how_much_how_sure_and_what_next(lines):
    assert list(lines) == ["Best", "Score", "Better by", "How sure", "Next"]
    assert re.fullmatch(r"λ = \S+, batch size = 200 \(fine:\d\)\.( coarse:\d+ of an earlier stage .*)?", lines["Best"])
    assert re.match(
        r"Test accuracy 5\d\.\d\d% \(95% interval \S+; trained again with 3 seeds\), the one to report; ",
        lines["Score"],
    )
    assert re.search(
        r"; validation accuracy 5\d\.\d\d% as measured, 5\d\.\d\d% \(95% interval \S+\) corrected", lines["Score"]
    )
    assert lines["Score"].endswith("corrected for selection bias, for any seed.")
    assert re.match(r"\d\.\d+ points than the second \(95% interval \S+ to \S+; not significant\)", lines["Better by"])
    assert lines["Better by"].endswith("; by the validation accuracy as measured.")
    assert re.match(r"Not sure which is best: \d of the 9 others of fine (is|are) not", lines["How sure"])


def first_lines(frames):
    stages = view_stages(frames)
    return {line.label: line.text for line in in_short(frames, stages, [], None, None, [])}


def test_of_a_study_whose_trials_all_failed_it_says_why_and_what_to_do(engine):
    maker = made_study.Maker(engine, state="failed")
    stage = maker.stage("coarse", "random", {"eta": {"low": 1.0, "high": 9.0}})
    for number, why in enumerate(["the training cost became NaN in epoch 1"] * 2 + ["OSError: no file /a/b.csv"]):
        maker.unfinished(stage, number, {"eta": number + 1.0}, "failed", reason=why)
    assert first_lines(load_frames(engine, "made")) == {
        "Best": "None: all 3 trials failed.",
        "Why": "the training cost became NaN in epoch 1 (2 of 3).",
        "Next": "Failed trials are not trained again: search smaller learning rates (η), then launch the study again,"
        " under another name or after `hpsearch delete made`.",
    }


def test_where_nothing_was_compared_the_next_step_is_not_nothing(engine):
    goal = {"metric": "value", "direction": "minimize", "share": False, "of_function": True}
    maker = made_study.Maker(engine, objective=goal | {"metric": "rmse"})
    stage = maker.stage("coarse", "random", {"x": {"low": 1.0, "high": 9.0}})
    for number in range(3):
        maker.trial(stage, number, {"x": number + 1.0}, 0.4 + number / 10)
    lines = first_lines(load_frames(engine, "made"))
    assert lines["How sure"] == "Not known: the others were not compared with it."
    assert lines["Next"].startswith("To know how sure it is, repeat the best few with several seeds:")


def test_a_study_whose_process_was_killed_is_interrupted_and_not_running(tmp_path):
    engine = made_study.make_engine(tmp_path)
    maker = made_study.Maker(engine, state="running")
    stage = maker.stage("coarse", "random", {"eta": {"low": 1.0, "high": 9.0}}, state="running", trials=3)
    for number in range(2):
        maker.trial(stage, number, {"eta": number + 1.0}, 0.4 + number / 10)
    with engine.begin() as connection:
        connection.execute(schema.versions.insert().values(version=schema.SCHEMA_VERSION))
    frames = load_frames(open_to_read(f"sqlite:///{tmp_path / 'made.db'}"), "made")
    assert frames.study["state"] == "interrupted"
    assert view_stages(frames)[0].state == "interrupted"
    lines = first_lines(frames)
    assert "so far: the study is interrupted, with 2 of 2 trials finished" in lines["Best"]
    assert lines["Next"] == "Go on with `hpsearch resume made`."


def test_a_table_says_once_what_all_its_rows_share_and_why_trials_failed(failed):
    ((table,), shared) = ranking_tables(view_stages(load_frames(failed, "made")))
    assert (table.labels, table.common, shared) == (["λ"], "In all rows: batch size = 50.", ())
    assert table.failures == ("coarse:4, coarse:5: ValueError in models/mlp.py",)
    assert [row.short_remark for row in table.stage.rows[-2:]] == ["failed after epoch 0 of 12"] * 2


def test_what_explains_several_tables_stands_above_them_and_nothing_is_lost(finished):
    stages = view_stages(finished)
    tables, shared = ranking_tables(stages)
    assert any(text.startswith("“≈ best”") for text in shared)
    for stage, table in zip(stages, tables, strict=True):
        assert set(stage.caption.split()) <= {*" ".join(shared).split(), *table.caption.split()}


@pytest.mark.long
def test_the_marks_of_figures_are_trials_that_the_page_describes(finished_engine, tmp_path):
    page = write_report(finished_engine, "coarse-to-fine", tmp_path).read_text()
    data = json.loads(re.search(r'<script type="application/json" id="trials">(.*?)</script>', page, re.DOTALL)[1])
    marked = {key for keys in re.findall(r'data-trials="([^"]+)"', page) for key in keys.split()}
    assert marked == set(data["trials"]) == set(re.findall(r'<tr class="[^"]*" data-trial="([^"]+)"', page))
    assert data["stages"] == ["coarse", "fine", "final"]
    assert data["trials"]["0:3"]["name"] == "coarse:3"
    assert "failed after epoch 3 of 12" in data["trials"]["0:3"]["text"][-1]


def test_a_figure_writes_the_characters_that_no_font_has(monkeypatch):
    monkeypatch.setattr("hpsearch.reporting.figures.files.FURTHER", ())
    files._drawn.cache_clear()
    files.families.cache_clear()
    drawn = [files._artists(Words(text, 0, 0), IdentityTransform())[0].get_text() for text in ("λ 猫", "🐈", "a")]
    assert drawn == ["λ [U+732B]", "[U+1F408]", "a"]
