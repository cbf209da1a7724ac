import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from hpsearch.data import fold_sizes, open_split, prepare
from hpsearch.data.stratification import draw
from hpsearch.errors import DataError

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [101, 53, 46]))
SIZES = np.array([101, 53, 46])


def folds_of(total, folds, seed=0):
    sizes = fold_sizes(total, folds)
    return [draw(LABELS, SIZES, (total - v, v), seed, "split", (i, folds)) for i, v in enumerate(sizes)]


@given(st.integers(20, 200), st.integers(2, 9), st.integers(0, 3))
def test_the_validation_sets_are_disjoint_and_cover_all_that_a_plain_split_draws(total, folds, seed):
    parts = folds_of(total, folds, seed)
    validated = np.concatenate([validation for _, validation in parts])
    assert len(validated) == total
    assert [len(validation) for _, validation in parts] == list(fold_sizes(total, folds))
    plain = np.concatenate(draw(LABELS, SIZES, (total - total // 3, total // 3), seed, "split"))
    assert set(validated) == set(plain)
    for train, validation in parts:
        assert set(train) | set(validation) == set(plain)
        assert len(train) + len(validation) == total


@pytest.mark.parametrize("folds", [2, 3, 5, 7])
def test_folds_have_the_class_counts_of_scikit_learns(folds):
    theirs = [np.bincount(LABELS[v]) for _, v in StratifiedKFold(folds).split(LABELS, LABELS)]
    ours = [np.bincount(LABELS[v]) for _, v in folds_of(200, folds)]
    assert np.array_equal(np.sort(ours, axis=0), np.sort(theirs, axis=0))


def test_folds_depend_on_the_seed():
    assert set(folds_of(200, 5)[0][1]) != set(folds_of(200, 5, seed=1)[0][1])


def test_fold_sizes_differ_by_one_at_most():
    assert fold_sizes(50_000, 5) == (10_000,) * 5
    assert fold_sizes(1_437, 5) == (288, 288, 287, 287, 287)


def test_a_fold_is_prepared_as_a_split_of_its_own(dataset, tmp_path):
    paths = [prepare(dataset, train=240, validation=60, seed=0, cache=tmp_path, fold=(i, 5)) for i in range(5)]
    plain = prepare(dataset, train=240, validation=60, seed=0, cache=tmp_path)
    assert len({*paths, plain}) == 6
    splits = [open_split(path) for path in paths]
    assert [split.fold for split in splits] == [(i, 5) for i in range(5)]
    assert open_split(plain).fold is None
    raw = [split.validation_x * split.deviation + split.mean for split in splits]
    assert np.array_equal(np.unique(np.concatenate(raw).round(), axis=0), np.unique(dataset.samples, axis=0))
    for split in splits:
        assert np.bincount(split.validation_y).tolist() == [30, 20, 10]
        np.testing.assert_allclose(split.train_x[:, 1:].std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("validation", "fold", "rule"),
    [
        (61, (0, 5), r"fold 1 of 5 of 261 samples must have 53 to validate on, got data.validation = 61"),
        (50, (0, 1), r"data.validation.folds must be at least 2, got 1"),
        (
            2,
            (0, 101),
            r"must each get a sample of every class, but class 'star' of shapes has 34 of those drawn, got 101 f",
        ),
        (200, (0, 2), r"must be at most 300 for shapes, got 200 \+ 200"),
    ],
)
def test_folds_that_cannot_be_had_cost_one_line(dataset, tmp_path, validation, fold, rule):
    with pytest.raises(DataError, match=rule):
        prepare(dataset, train=200, validation=validation, seed=0, cache=tmp_path, fold=fold)
