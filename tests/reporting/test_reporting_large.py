"""A report of very many trials is quick, small, and says what it leaves out."""

import time

import made_large
import made_study
import pytest

from hpsearch.reporting import write_report


@pytest.mark.slow
def test_a_report_of_a_thousand_trials_is_quick_and_small(engine, tmp_path):
    made_large.make_large(engine, 1_000, 20)
    before = time.process_time()
    page = write_report(engine, "large", tmp_path)
    assert time.process_time() - before < 15
    assert page.stat().st_size < 5e6
    assert len(page.with_name("ranking.csv").read_text().splitlines()) == 1_001


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_a_report_of_a_thousand_trials_by_another_metric_corrects_the_selection_and_is_quick(engine, tmp_path, metric):
    made_large.make_scored(engine, 1_000, metric)
    before = time.process_time()
    page = write_report(engine, "scored", tmp_path)
    assert time.process_time() - before < 15
    assert f"Corrected for selection bias, its validation {metric} is" in page.read_text()


@pytest.mark.slow
def test_a_report_of_ten_thousand_tiny_trials_in_one_stage_takes_less_than_five_seconds(engine, tmp_path):
    maker = made_study.Maker(engine, "large")
    made_large.make_stage(maker, "coarse", made_large.RANGES, range(1, 10_001), epochs=3)
    before = time.process_time()
    page = write_report(engine, "large", tmp_path)
    assert time.process_time() - before < 5
    text = page.read_text()
    assert "The table shows the first 200 of 10,000 rows; ranking.csv has all of them." in text
    assert "Of the 10,000 rows of coarse, the figures show the best 500 and one in 10 of the others." in text
    assert len(page.with_name("ranking.csv").read_text().splitlines()) == 10_001


@pytest.mark.slow
def test_a_report_of_ten_thousand_long_trials_takes_less_than_fifteen_seconds(engine, tmp_path):
    made_large.make_large(engine, 10_000, 100)
    before = time.process_time()
    page = write_report(engine, "large", tmp_path)
    assert time.process_time() - before < 15
    assert page.stat().st_size < 5e6
