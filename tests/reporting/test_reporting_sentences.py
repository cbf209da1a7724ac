"""Sentences whose parts have to agree: signs and intervals, reasons of failures, choices and test-set evaluations."""

import made_study
import pytest

from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.ranking.rows import why
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.final_test import FinalTest, final_sentence
from hpsearch.reporting.sections.summary import summarise
from hpsearch.storage import schema


def test_the_interval_has_the_sign_of_the_difference_that_it_belongs_to():
    test = FinalTest("final", "93.1%", "", 1, "", (-0.031, -0.071, 0.012), 1)
    said = final_sentence(test)
    assert said.startswith("The test accuracy is 3.1 points above the corrected validation accuracy")
    assert "(95% interval of test − corrected −1.2 to +7.1)" in said
    assert "not a statistically significant difference" in said
    assert "that it is 1.2 points below or 7.1 points above cannot be excluded." in said


def test_a_reason_is_written_once_and_without_the_folders_of_this_machine():
    place = "/home/someone/my study/models".replace(" ", "_")
    reason = f"ValueError: {place}/net.py: cannot broadcast  shapes"
    failed = {"reason": " ".join(reason.split()), "traceback": f"Traceback:\n  File ...\n{reason}\n"}
    assert why(failed) == "ValueError: …/net.py: cannot broadcast shapes"
    text = "x" * 400
    cut = {"reason": f"MyError: {text}"[:300] + "…", "traceback": f"Traceback:\nmodels.net.MyError: {text}"}
    assert why(cut) == cut["reason"]
    other = {"reason": "the worker ended", "traceback": "Traceback:\nMemoryError"}
    assert why(other) == "the worker ended: MemoryError"


def made_final(engine):
    maker, stages = made_study.Maker(engine), []
    for hour, (kind, name) in enumerate((("list", "search"), ("final", "final"))):
        times = {"started_at": f"2025-03-01T0{hour}:00:00+00:00", "finished_at": f"2025-03-01T0{hour}:30:00+00:00"}
        space = {"eta": {"choices": [0.1]}} if kind == "list" else None
        stages.append(maker.stage(name, kind, space, test=kind == "final", **times))
        maker.trial(stages[-1], 0, {"eta": 0.1}, 0.5, epochs=4, test=kind == "final")
    return stages


@pytest.mark.parametrize(
    ("changed", "values"),
    [
        (0, {"finished_at": "2025-03-01T02:00:00+00:00"}),  # it went on, and the final's winner stayed the same
        (1, {"test_evaluations": 1}),  # the final began again
        (1, {"stale": True}),  # the final may begin again
    ],
)
def test_after_a_study_has_grown_its_test_accuracy_is_not_said_to_come_after_all_choices(engine, changed, values):
    stages = made_final(engine)

    def said():
        frames = load_frames(engine, "made")
        return " ".join(summarise(frames, view_stages(frames), [], []))

    before, after = "after all configurations had been chosen.", "extended after the test set had been used"
    assert (before in said(), after in said()) == (True, False)
    with engine.begin() as connection:
        table = schema.stages
        connection.execute(table.update().where(table.c.id == stages[changed]).values(values))
    assert (before in said(), after in said()) == (False, True)
