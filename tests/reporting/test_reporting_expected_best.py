"""The expected best score by number of configurations: against SciPy, brute force and simulations."""

import re

import numpy as np
import pytest
from scipy import stats

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.expected_best import best_by_sizes
from hpsearch.reporting.statistics.expected_best import band_probability, expected_best, ld_band


@pytest.mark.parametrize(("total", "distance"), [(5, 0.4), (20, 0.25), (100, 0.12)])
def test_the_probability_of_a_band_is_kolmogorovs(total, distance):
    rank = np.arange(1, total + 1)
    below, above = np.maximum(rank / total - distance, 0), np.minimum((rank - 1) / total + distance, 1)
    assert band_probability(below, above) == pytest.approx(stats.kstwo.cdf(distance, total), rel=1e-9)


def test_the_band_of_the_median_holds_the_true_one_for_all_numbers_at_once_in_95_of_100_searches():
    random, numbers, holds = np.random.default_rng(0), [1, 2, 3, 5, 8, 13, 20, 40], 0
    lower, upper = ld_band(15)
    for _ in range(2_000):
        scores = np.sort(random.random(15))
        edges = np.append(scores, 1.0)
        holds += bool(np.all(lower[1:] <= scores) and np.all(edges[:15] <= upper[:15]))
    assert holds / 2_000 == pytest.approx(0.95, abs=0.015)
    for each in expected_best(scores, numbers):
        assert each.low <= each.median <= each.high


def test_the_expected_best_is_that_of_all_draws_with_replacement():
    scores = [0.3, 0.5, 0.4, 0.45]
    every = np.stack(np.meshgrid(scores, scores, scores)).reshape(3, -1)
    (found,) = expected_best(scores, [3])
    assert found.mean == pytest.approx(every.max(axis=0).mean())
    assert found.median == pytest.approx(np.quantile(scores, 0.5 ** (1 / 3), method="inverted_cdf"))


def test_the_report_has_a_table_of_a_random_search_and_none_of_a_grid(finished, finished_engine, tmp_path):
    (table,) = best_by_sizes(finished, view_stages(finished))
    assert (table.stage, table.tried, [row.configurations for row in table.rows]) == (
        "coarse",
        "11",
        ["1", "2", "4", "8", "11"],
    )
    mean = finished.trials.query("stage == 'coarse'")["value"].mean()
    assert table.rows[0].expected == f"{100 * mean:.2f}%"
    page = write_report(finished_engine, "coarse-to-fine", tmp_path).read_text()
    assert re.search(r'<section id="expected-best">.*Lourie', page, re.DOTALL)


def test_where_a_lower_value_is_better_the_best_is_the_lowest(engine):
    import made_study

    made_study.make_search(engine, objective={"metric": "rmse", "direction": "minimize", "share": False}, classes=[])
    frames = load_frames(engine, "coarse-to-fine")
    (table,) = best_by_sizes(frames, view_stages(frames))
    assert float(table.rows[-1].expected) < float(table.rows[0].expected)
    assert table.rows[-1].band.startswith("below")
