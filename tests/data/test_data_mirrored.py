import numpy as np

from hpsearch.data import load, open_split, prepare
from hpsearch.data.dataset import make_dataset


def test_a_mirrored_split_has_each_training_image_twice_with_its_class(dataset, tmp_path):
    plain = open_split(prepare(dataset, train=200, validation=60, seed=0, cache=tmp_path))
    twice = open_split(prepare(dataset, train=200, validation=60, seed=0, cache=tmp_path, mirrored=True))
    assert (plain.samples, plain.mirrored, len(plain.train_x)) == (200, False, 200)
    assert (twice.samples, twice.mirrored, len(twice.train_x)) == (200, True, 400)
    assert np.array_equal(twice.train_x[:200], plain.train_x)
    assert np.array_equal(twice.train_y, np.concatenate([plain.train_y, plain.train_y]))
    assert np.array_equal(twice.mean, plain.mean)
    assert np.array_equal(twice.validation_x, plain.validation_x)
    assert twice.key != plain.key


def test_images_are_mirrored_left_to_right_before_they_are_standardised(tmp_path):
    digits = load("digits")
    split = open_split(prepare(digits, train=1000, validation=400, seed=0, cache=tmp_path, mirrored=True))
    raw = (split.train_x * split.deviation + split.mean).round().reshape(2000, 8, 8)
    for i in range(1000):
        assert np.array_equal(raw[i + 1000], np.fliplr(raw[i]))
    expected = (np.fliplr(raw[7]).reshape(-1) - split.mean) / split.deviation
    np.testing.assert_allclose(split.train_x[1007], expected, atol=1e-6)


def test_a_mirrored_split_of_many_blocks_is_the_one_of_a_single_block(dataset, tmp_path, monkeypatch):
    def written(cache):
        path = prepare(dataset, train=200, validation=60, seed=0, cache=tmp_path / cache, mirrored=True, fold=None)
        return (path / "train_x.npy").read_bytes()

    whole = written("whole")
    monkeypatch.setattr("hpsearch.data.preparation._CHUNK_BYTES", 12 * 8 * 7)  # 7 images
    assert written("blocks")[:200] == whole[:200]
    assert np.allclose(np.frombuffer(written("blocks")[128:], "<f4"), np.frombuffer(whole[128:], "<f4"), atol=1e-6)


def test_a_fraction_that_never_changes_becomes_zero_also_where_its_mean_is_rounded(tmp_path):
    generator = np.random.default_rng(0)
    samples = np.column_stack([np.full(999, 0.1), generator.random(999)])
    test = np.column_stack([np.full(9, 0.1), generator.random(9)])
    assert np.cumsum(samples[:700, 0])[-1] / 700 != 0.1
    dataset = make_dataset("rows", (samples, np.arange(999) % 3), (test, np.arange(9) % 3), ("a", "b", "c"), (1, 1, 2))
    split = open_split(prepare(dataset, train=700, validation=200, seed=0, cache=tmp_path))
    assert not split.train_x[:, 0].any()
    assert not split.test_x[:, 0].any()
    assert split.deviation[0] == 1
