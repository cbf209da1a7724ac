"""Several studies in one report: a paired test on the same samples, an unpaired one on different samples."""

import csv

import made_study
import numpy as np
import pytest
from scipy.stats import binomtest

from hpsearch.errors import InputError, StorageError
from hpsearch.reporting import compare_studies, load_frames
from hpsearch.reporting.compare import _curves, _entry, compare, two_proportions


def study(engine, name, ceiling, **columns):
    maker = made_study.Maker(engine, name, **columns)
    stage = maker.stage("only", "list", {"lambda": {"choices": [0.1, 0.01]}})
    for number in range(2):
        maker.trial(stage, number, {"lambda": 10.0 ** -(number + 1)}, ceiling - 0.1 * number, epochs=4)


def entries(engine, *names):
    return [_entry(load_frames(engine, name)) for name in names]


def test_studies_on_the_same_samples_are_compared_sample_by_sample(engine):
    study(engine, "a", 0.5)
    study(engine, "b", 0.4)
    one, other = entries(engine, "a", "b")
    (pair,) = compare([one, other], "validation")
    first, second = (each.frames.correct(each.ids("validation")[0]) for each in (one, other))
    only = np.count_nonzero(first & ~second), np.count_nonzero(second & ~first)
    assert pair.p == pytest.approx(binomtest(only[0], sum(only)).pvalue)
    assert pair.test == "exact McNemar, same samples"
    assert pair.verdict == "a is better (p < 0.001)"
    assert pair.difference == pytest.approx((only[0] - only[1]) / 5_000)


def test_studies_of_different_datasets_are_not_compared(engine, tmp_path):
    study(engine, "a", 0.5)
    study(engine, "b", 0.4, data={"fingerprint": "0" * 64, "classes": []})
    with pytest.raises(InputError, match=r"studies of one dataset, .* 'a' has 5f5f5f5f and 'b' has 00000000: a diff"):
        compare_studies(engine, ["a", "b"], tmp_path)


def test_studies_on_different_samples_are_compared_as_two_proportions(engine):
    study(engine, "a", 0.5)
    study(engine, "b", 0.4, text="seed = 7")
    (pair,) = compare(entries(engine, "a", "b"), "validation")
    assert pair.test == "two proportions"


def test_two_proportions_is_the_chi_squared_test_without_correction():
    from scipy.stats import chi2_contingency

    table = [[520, 480], [460, 540]]
    assert two_proportions(520, 1_000, 460, 1_000) == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    assert two_proportions(0, 10, 0, 10) == 1


def test_p_is_adjusted_over_all_pairs(engine):
    for index, name in enumerate("abc"):
        study(engine, name, 0.5 - 0.01 * index)
    one, other, third = entries(engine, "a", "b", "c")
    (alone,) = compare([one, other], "validation")
    pairs = compare([one, other, third], "validation")
    assert len(pairs) == 3
    assert pairs[0].p >= alone.p


def test_a_comparison_is_a_page_markdown_and_two_tables(finished_engine, engine, tmp_path):
    study(engine, "a", 0.5)
    study(engine, "b", 0.49)
    made_study.Maker(engine, "empty", state="running")
    page = compare_studies(engine, ["a", "b", "empty"], tmp_path)
    assert page == tmp_path / "compare-a-b-empty" / "index.html"
    files = sorted(path.name for path in page.parent.iterdir())
    assert files == ["comparison.csv", "comparison.md", "index.html", "tests.csv"]
    with page.with_name("comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["study"] for row in rows] == ["a", "b", "empty"]
    assert rows[2]["validation_accuracy"] == ""
    assert "empty (running)" in page.with_name("comparison.md").read_text()
    assert page.read_text().count('<svg role="img"') == 2


def test_a_study_of_one_epoch_beside_longer_ones_has_its_mark(engine):
    maker = made_study.Maker(engine, "short")
    stage = maker.stage("only", "list", {"lambda": {"choices": [0.1]}})
    maker.trial(stage, 0, {"lambda": 0.1}, 0.4, epochs=1)
    study(engine, "long", 0.5)
    assert _curves(entries(engine, "long", "short"), "accuracy").count("<use") == 4 + 1


def test_one_study_or_an_unknown_one_cannot_be_compared(finished_engine, tmp_path):
    with pytest.raises(InputError, match="compare needs the names of at least 2 studies, got 'coarse-to-fine'"):
        compare_studies(finished_engine, ["coarse-to-fine", "coarse-to-fine"], tmp_path)
    with pytest.raises(StorageError, match="study 'x' does not exist"):
        compare_studies(finished_engine, ["coarse-to-fine", "x"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_finals_of_several_seeds_are_compared_over_the_seeds(engine):
    made_study.make_search(engine, "one", epochs=3)
    made_study.make_search(engine, "two", epochs=4)
    (pair,) = compare(entries(engine, "one", "two"), "test")
    assert pair.test == "Welch's t over seeds"
    assert 0 <= pair.p <= 1
