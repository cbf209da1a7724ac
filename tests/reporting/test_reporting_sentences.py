"""Sentences whose parts have to agree: signs and intervals, reasons of failures, choices and test-set evaluations."""

import re

import made_study

from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.ranking.rows import why
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.final_test import FinalTest, final_sentence
from hpsearch.reporting.sections.summary import summarise


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


def test_after_a_study_has_grown_its_test_accuracy_is_not_said_to_come_after_all_choices(engine):
    maker = made_study.Maker(engine)
    for kind, name in (("list", "search"), ("final", "final")):
        stage = maker.stage(name, kind, {"eta": {"choices": [0.1]}} if kind == "list" else None, test=kind == "final")
        maker.trial(stage, 0, {"eta": 0.1}, 0.5, epochs=4, test=kind == "final")

    def said():
        frames = load_frames(engine, "made")
        stages = view_stages(frames)
        return re.search(r"Test-set evaluations: 1 [^.]*\.", str(summarise(frames, stages, [], [])))[0]

    assert said().endswith("after all configurations had been chosen.")
    stage = maker.stage("more", "list", {"eta": {"choices": [0.1]}})
    maker.trial(stage, 0, {"eta": 0.1}, 0.6, epochs=4)
    assert "after all" not in said()
