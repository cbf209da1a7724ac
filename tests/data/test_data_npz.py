import numpy as np
import pytest

from hpsearch.data import load, open_split, prepare
from hpsearch.errors import DataError

GENERATOR = np.random.default_rng(0)
COLOUR = GENERATOR.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(40) % 4


def write(path, **arrays):
    np.savez(
        path, **{"x_train": COLOUR[:30], "y_train": LABELS[:30], "x_test": COLOUR[30:], "y_test": LABELS[30:]} | arrays
    )


def read(tmp_path, path="x.npz", **more):
    return load({"kind": "npz", "path": path, **more}, workspace=tmp_path)


def line(tmp_path, **more):
    with pytest.raises(DataError) as caught:
        read(tmp_path, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_channels_last_and_first_give_the_same_rows(tmp_path):
    write(tmp_path / "x.npz")
    write(tmp_path / "first.npz", x_train=COLOUR[:30].transpose(0, 3, 1, 2), x_test=COLOUR[30:].transpose(0, 3, 1, 2))
    last = read(tmp_path)
    assert (last.name, last.classes, last.image_shape) == ("x.npz", ("0", "1", "2", "3"), (3, 6, 5))
    assert np.array_equal(last.samples[7].reshape(3, 6, 5)[1], COLOUR[7, :, :, 1])
    assert last.samples.dtype == np.uint8
    for more in ({}, {"channels": "first"}):  # 5 pixels cannot be channels
        assert read(tmp_path, "first.npz", **more).fingerprint == last.fingerprint
    assert read(tmp_path, "first.npz", channels="last").image_shape == (5, 3, 6)


def test_channels_that_could_be_either_are_last_by_default(tmp_path):
    small = GENERATOR.integers(0, 256, (40, 3, 9, 4), dtype=np.uint8)
    write(tmp_path / "x.npz", x_train=small[:30], x_test=small[30:])
    assert read(tmp_path).image_shape == (4, 3, 9)
    assert read(tmp_path, channels="first").image_shape == (3, 9, 4)


@pytest.mark.parametrize(("shape", "expected"), [((40, 12), (1, 1, 12)), ((40, 4, 3), (1, 4, 3))])
def test_rows_of_numbers_and_greyscale_images_need_no_channels(tmp_path, shape, expected):
    samples = GENERATOR.random(shape)
    write(tmp_path / "x.npz", x_train=samples[:30], x_test=samples[30:])
    dataset = read(tmp_path)
    assert dataset.image_shape == expected
    assert np.array_equal(dataset.samples, samples[:30].reshape(30, 12))
    split = open_split(prepare(dataset, train=20, validation=8, seed=0, cache=tmp_path / "cache"))
    np.testing.assert_allclose(split.train_x.mean(axis=0), 0, atol=1e-6)


def test_large_numbers_close_together_keep_their_digits(tmp_path):
    times = 1.7e9 + np.arange(40.0)[:, None]
    write(tmp_path / "x.npz", x_train=times[:30], x_test=times[30:])
    assert np.array_equal(read(tmp_path).samples, times[:30])


def test_arrays_have_the_names_given_and_labels_may_be_text(tmp_path):
    names = np.array(["cat", "dog", "ant", "bee"])[LABELS]
    np.savez(tmp_path / "x.npz", a=COLOUR[:30], b=names[:30], c=COLOUR[30:], d=names[30:, None])
    dataset = read(tmp_path, samples="a", labels="b", test_samples="c", test_labels="d")
    assert dataset.classes == ("ant", "bee", "cat", "dog")
    assert np.array_equal(np.array(dataset.classes)[dataset.test_labels], names[30:])


def test_without_test_arrays_the_same_samples_are_held_out_by_class(tmp_path):
    np.savez(tmp_path / "x.npz", x_train=COLOUR, y_train=LABELS)
    dataset = read(tmp_path, test=12)
    assert (len(dataset.samples), len(dataset.test_samples)) == (28, 12)
    assert np.bincount(dataset.test_labels).tolist() == [3, 3, 3, 3]
    together = np.concatenate([dataset.samples, dataset.test_samples])
    assert np.array_equal(np.unique(together, axis=0), np.unique(COLOUR.transpose(0, 3, 1, 2).reshape(40, -1), axis=0))
    assert read(tmp_path, test=12).fingerprint == dataset.fingerprint
    assert line(tmp_path, test=40).endswith(
        f"test must be from 1 to 39, of the 40 samples of {tmp_path}/x.npz: 'x_train', got 40"
    )
    assert "no array 'x_test', which data.dataset.test_samples names, or hold some out with test = n" in line(tmp_path)


@pytest.mark.parametrize("names", [("samples", "test_samples"), ("images", "test_images")])
def test_arrays_may_have_our_present_and_former_names_but_x_train_comes_first(tmp_path, names):
    write(tmp_path / "usual.npz")
    arrays = {names[0]: COLOUR[:30], "labels": LABELS[:30], names[1]: COLOUR[30:], "test_labels": LABELS[30:]}
    np.savez(tmp_path / "x.npz", **arrays)
    np.savez(tmp_path / "both.npz", x_train=COLOUR[:30], **(arrays | {names[0]: COLOUR[30:]}))
    expected = read(tmp_path, "usual.npz").fingerprint
    assert read(tmp_path).fingerprint == expected
    assert read(tmp_path, "both.npz").fingerprint == expected


@pytest.mark.parametrize(
    ("arrays", "rule"),
    [
        ({"y_train": LABELS[:29]}, r"'y_train': must have one label for each of the 30 samples, is \(29,\)"),
        ({"y_train": np.eye(4)[LABELS[:30]] + 1}, r"must have one label for each of the 30 samples, is \(30, 4\)"),
        ({"y_train": LABELS[:30] / 2}, "'y_train': labels must be whole numbers or text, are float64"),
        ({"y_train": np.array([None] * 30)}, "'y_train' must be an array of numbers or text, is truncated, corr"),
        ({"x_train": np.array([["1"]] * 30)}, "'x_train': must be numbers, is <U1"),
        ({"x_train": np.full((30, 4), np.nan)}, "'x_train': must be finite numbers, none beyond"),
        ({"x_train": np.full((30, 4), 1e300)}, "'x_train': must be finite numbers, none beyond 3.4e[+]38"),
        ({"x_train": np.ones(30)}, r"must be \(n, features\).*none of them 0, is \(30,\)"),
        ({"x_train": np.ones((30, 0))}, r"must be \(n, features\).*none of them 0, is \(30, 0\)"),
        ({"x_test": COLOUR[30:, :, :4]}, "samples must have the shape 6 × 5 × 3 channels .*, have 6 × 4 × 3 channels"),
        ({"y_test": LABELS[30:] + 1}, r"labels must be among those trained on \('0', '1', '2', '3'\), got '4'"),
    ],
)
def test_arrays_that_are_not_what_they_should_be_cost_one_line(tmp_path, arrays, rule):
    write(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=rule) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/x.npz: ")


def test_an_unknown_array_or_file_gets_the_nearest(tmp_path):
    write(tmp_path / "x.npz")
    assert line(tmp_path, samples="x_trian").endswith(
        "no array 'x_trian', which data.dataset.samples names; did you mean 'x_train'?"
    )
    assert line(tmp_path, path="y.npz").endswith(f"y.npz: no such file; did you mean '{tmp_path}/x.npz'?")
    assert line(tmp_path, path=".").endswith("must be a file, is a folder")


def test_a_damaged_file_costs_one_line(tmp_path):
    write(tmp_path / "x.npz")
    whole = (tmp_path / "x.npz").read_bytes()
    np.save(tmp_path / "one.npy", COLOUR)
    for raw in (b"", b"text", whole[:500], whole[:-30]):
        (tmp_path / "x.npz").write_bytes(raw)
        assert "x.npz: not a complete .npz file, as np.savez writes it" in line(tmp_path)
    assert line(tmp_path, path="one.npy").endswith("must be an .npz file, which np.savez writes, is a single array")
    (tmp_path / "x.npz").write_bytes(whole[:300] + b"\xff\x00\xff" + whole[303:])
    assert "'x_train' must be an array of numbers or text, is truncated, corrupt" in line(tmp_path)


def test_an_array_that_is_larger_than_the_memory_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", x_train=np.zeros((1000, 3000)), y_train=LABELS)
    monkeypatch.setattr("hpsearch.data.sources.npz.memory", lambda: 10_000_000)
    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", lambda *_: pytest.fail("it was unpacked"))
    assert "x.npz: 'x_train' needs 24,000,128 bytes of memory; this machine has 10,000,000" in line(tmp_path, test=10)


def test_an_unknown_kind_gets_the_nearest(tmp_path):
    kinds = "csv, folder, idx, npz, parquet, python"
    with pytest.raises(DataError, match=rf"kind must be one of {kinds}, got 'nzp'; did you mean 'npz'\?"):
        load({"kind": "nzp", "path": "x.npz"}, workspace=tmp_path)
