"""A report of very many trials is quick, small, and says what it leaves out."""

import time

import made_large
import pytest

from hpsearch.reporting import write_report


def test_a_report_of_a_thousand_trials_is_quick_and_small(engine, tmp_path):
    made_large.make_large(engine, 1_000, 20)
    before = time.process_time()
    page = write_report(engine, "large", tmp_path)
    assert time.process_time() - before < 15
    assert page.stat().st_size < 5e6
    assert len(page.with_name("ranking.csv").read_text().splitlines()) == 1_001


@pytest.mark.slow
def test_a_report_of_ten_thousand_trials_takes_less_than_a_minute(engine, tmp_path):
    made_large.make_large(engine, 10_000, 100)
    before = time.process_time()
    page = write_report(engine, "large", tmp_path)
    assert time.process_time() - before < 60
    assert page.stat().st_size < 5e6
