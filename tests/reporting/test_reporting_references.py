"""Reported and reproduced results: which configuration is compared, and whether the difference is within noise."""

import made_study
import numpy as np
import pytest
from made_advice import HEAD, RANDOM, make, spread

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.sections.references import Measured, noise, reference_rows
from hpsearch.reporting.statistics.seeds import SeedVariance

LIST = "configurations = [ { lambda = 0, eta = 0.1 }, { lambda = 1, eta = 0.001 } ]\ntest = true\n"
CONFIGURATIONS = [{"lambda": 0, "eta": 0.1}, {"lambda": 1, "eta": 0.001}]
ROW = '\n[[reference]]\nmetric = "{}_accuracy"\nvalue = {}\nsource = "a report"\n'


def rows(engine):
    return reference_rows(load_frames(engine, "made"))


def test_a_reference_is_compared_with_the_same_configuration_of_a_list(engine):
    text = HEAD + LIST + ROW.format("test", 0.52) + "configuration = { lambda = 1.0, eta = 1e-3 }\n"
    text += ROW.format("test", 0.7) + "configuration = { lambda = 0 }\ntolerance = 0.01\nnote = 'odd'\n"
    make(engine, CONFIGURATIONS, [0.3, 0.52], text=text, space=None, kind="list", test=True)
    near, off = rows(engine)
    assert (near.about, near.metric, near.reported, near.mark) == (
        "λ = 1, η = 0.001",
        "test accuracy",
        "52.00%",
        "within",
    )
    assert near.reproduced.startswith("5") and near.verdict.startswith("within the samples’ noise")  # noqa: PT018
    assert near.verdict.endswith("the seeds’ being unknown (±1.4)")
    unknown = "lower than the samples explain (±1.4 and ±1.0); the seeds’ noise is unknown"
    assert (off.mark, off.verdict, off.note) == ("", unknown, "odd")
    assert off.difference.startswith("−4")


def test_in_a_range_the_nearest_value_is_compared_unless_it_is_far(engine):
    configurations = [{"lambda": value, "batch_size": 100} for value in spread(1e-5, 1e-1, 5)]
    text = HEAD + RANDOM
    for value in (1.2e-3, 3e-4):
        text += ROW.format("validation", 0.5) + f'stage = "search"\nconfiguration = {{ lambda = {value} }}\n'
    text += ROW.format("validation", 0.5) + 'stage = "search"\n'
    make(engine, configurations, [0.3, 0.4, 0.5, 0.4, 0.3], text=text)
    near, far, best = rows(engine)
    assert near.reproduced.endswith(" at λ = 0.001")
    assert (far.reproduced, far.verdict, far.mark) == ("–", "no similar configuration was tried", "")
    assert best.about == "the best of search"
    assert best.reproduced == near.reproduced.removesuffix(" at λ = 0.001")


def test_replicates_are_a_mean_with_its_deviation(engine):
    text = HEAD + LIST + "replicates = 3\n" + ROW.format("test", 0.52) + "configuration = { lambda = 1 }\n"
    make(engine, CONFIGURATIONS, [0.3, 0.52], text=text, space=None, kind="list", test=True, seeds=3)
    (row,) = rows(engine)
    assert row.reproduced.endswith("(3 seeds)")
    assert " ± " in row.reproduced


def test_noise_has_the_promised_coverage():
    random, share, samples, seeds = np.random.default_rng(3), 0.4, 2_000, 4
    inside = 0
    for _ in range(2_000):
        theirs = random.binomial(samples, share + 0.01 * random.normal()) / samples
        common = random.binomial(samples, share) / samples - share  # our seeds share their samples
        ours = [share + common + 0.01 * random.normal() for _ in range(seeds)]
        measured = Measured(tuple(ours), samples, "")
        inside += abs(measured.mean - theirs) <= noise(theirs, measured)
    assert 0.93 < inside / 2_000 < 0.99


def test_of_a_single_run_noise_has_the_promised_coverage_where_other_configurations_have_second_seeds():
    random, inside = np.random.default_rng(4), 0
    for _ in range(1_000):
        ours, theirs = (random.binomial(2_000, 0.4 + 0.01 * random.normal()) / 2_000 for _ in range(2))
        seeds = SeedVariance(0.01**2 * random.chisquare(4) / 4, 4)
        inside += abs(ours - theirs) <= noise(theirs, Measured((ours,), 2_000, "", seeds))
    assert 0.93 < inside / 1_000 < 0.97


def test_without_replicates_noise_is_that_of_two_proportions():
    measured = Measured((0.5173,), 10_000, "")
    assert noise(0.50, measured) == pytest.approx(1.96 * (2 * 0.50865 * 0.49135 / 10_000) ** 0.5, rel=1e-3)
    assert noise(1.2, Measured((1.3,), None, "")) is None


def test_the_section_is_in_the_report_and_a_study_without_rows_has_none(engine, tmp_path):
    text = HEAD + LIST + ROW.format("test", 0.52).replace("a report", "<b>&") + "configuration = { lambda = 1 }\n"
    make(engine, CONFIGURATIONS, [0.3, 0.52], text=text, space=None, kind="list", test=True)
    page = write_report(engine, "made", tmp_path).read_text()
    assert 'id="references"' in page
    assert "&lt;b&gt;&amp;" in page
    other = made_study.make_engine(tmp_path)
    made_study.make_search(other, coarse_trials=4)
    assert 'id="references"' not in write_report(other, "coarse-to-fine", tmp_path).read_text()
