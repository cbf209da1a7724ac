import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.data.stratification import apportion, draw

LABELS = np.repeat([0, 1, 2], [1000, 300, 700])
SIZES = np.array([1000, 300, 700])


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12).filter(sum), st.data())
def test_parts_are_exact_in_total_and_proportional_within_one(sizes, data):
    sizes = np.array(sizes)
    total = data.draw(st.integers(0, int(sizes.sum())))
    parts = apportion(total, sizes)
    assert parts.sum() == total
    assert (parts <= sizes).all()
    assert (np.abs(parts - total * sizes / sizes.sum()) < 1).all()


def test_a_draw_is_disjoint_exact_and_proportional():
    train, validation = draw(LABELS, SIZES, (1500, 400), 7, "split")
    assert len(set(train)) == 1500
    assert len(set(validation)) == 400
    assert not set(train) & set(validation)
    assert np.bincount(LABELS[train]).tolist() == [750, 225, 525]
    assert np.bincount(LABELS[validation]).tolist() == [200, 60, 140]


def test_a_draw_depends_on_seed_and_purpose_only():
    first = draw(LABELS, SIZES, (1500, 400), 7, "split")
    assert all(map(np.array_equal, first, draw(LABELS, SIZES, (1500, 400), 7, "split")))
    for seed, purpose in ((8, "split"), (7, "fold")):
        assert not np.array_equal(first[0], draw(LABELS, SIZES, (1500, 400), seed, purpose)[0])


def test_any_first_training_rows_have_the_class_proportions():
    train, _ = draw(LABELS, SIZES, (1600, 400), 0, "split")
    for first in (20, 100, 400, 1000):
        assert (np.abs(np.bincount(LABELS[train[:first]], minlength=3) - first * SIZES / 2000) <= 2).all()


def test_a_smaller_validation_set_is_part_of_a_larger_one_with_the_same_seed():
    _, large = draw(LABELS, SIZES, (1500, 400), 3, "split")
    _, small = draw(LABELS, SIZES, (1800, 100), 3, "split")
    assert set(small) <= set(large)
