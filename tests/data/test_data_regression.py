"""Regressions: labels that are values, from every kind of file, split at random and standardised like a feature."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from hpsearch.data import fold_sizes, load, open_split, prepare
from hpsearch.errors import DataError


def rows(count, targets=1, seed=0):
    random = np.random.default_rng(seed)
    features = random.random((count, 3))
    return features, 100 * features[:, :targets] + random.standard_normal((count, targets))


def write_csv(folder, count=60, names=("price",), name="d.csv", seed=0):
    features, targets = rows(count, len(names), seed)
    lines = [",".join(["a", "b", "c", *names])]
    lines += [",".join(map(repr, map(float, [*x, *y]))) for x, y in zip(features, targets, strict=True)]
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return features, targets


def read_csv(folder, label="price", task="regression", **more):
    table = {"kind": "csv", "path": "d.csv", "label": label, **({"test": 10} | more)}
    return load({key: value for key, value in table.items() if value is not None}, workspace=folder, task=task)


@pytest.mark.parametrize("names", [("price",), ("price", "rent")])
def test_a_csv_file_has_one_or_several_targets(tmp_path, names):
    features, targets = write_csv(tmp_path, names=names)
    write_csv(tmp_path, 7, names, "test.csv", seed=1)
    dataset = read_csv(tmp_path, list(names) if len(names) > 1 else names[0], test=None, test_path="test.csv")
    assert np.array_equal(dataset.samples, features)
    assert np.array_equal(dataset.labels, targets)
    assert (dataset.targets, dataset.classes, dataset.outputs) == (names, (), len(names))
    assert dataset.test_labels.shape == (7, len(names))


def test_an_npz_file_and_a_python_file_have_the_same(tmp_path):
    features, targets = rows(50, 2)
    np.savez(tmp_path / "d.npz", samples=features, labels=targets)
    code = f"import numpy as np\n\ndef load():\n    return dict(np.load({str(tmp_path / 'd.npz')!r}))\n"
    (tmp_path / "d.py").write_text(code, "utf-8")
    found = [
        load({"kind": kind, "path": path, "test": 8}, workspace=tmp_path, task="regression")
        for kind, path in (("npz", "d.npz"), ("python", "d.py"))
    ]
    assert found[0].fingerprint == found[1].fingerprint
    assert found[0].targets == ("target 1", "target 2")
    assert sorted(np.concatenate([found[0].labels, found[0].test_labels])[:, 0]) == sorted(targets[:, 0])


def test_targets_are_standardised_by_the_training_samples_and_kept_in_their_own_units(tmp_path):
    write_csv(tmp_path, 200, ("price", "rent"))
    dataset = read_csv(tmp_path, ["price", "rent"])
    path = prepare(dataset, train=120, validation=50, seed=3, cache=tmp_path / "cache")
    split = open_split(path)
    scaler = StandardScaler().fit(split.train_targets)
    np.testing.assert_allclose(split.target_mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(split.target_deviation, scaler.scale_, rtol=1e-12)
    for part in ("train", "validation", "test"):
        standardised, own = getattr(split, f"{part}_y"), getattr(split, f"{part}_targets")
        np.testing.assert_allclose(standardised, scaler.transform(own), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(split.in_units(standardised), own, rtol=1e-5)
    assert (split.task, split.targets, split.classes) == ("regression", ("price", "rent"), ())
    assert np.array_equal(split.test_targets, dataset.test_labels)
    both = np.concatenate([split.train_targets, split.validation_targets])
    assert len(np.unique(both[:, 0])) == 170
    assert set(both[:, 0]) <= set(dataset.labels[:, 0])


def test_a_constant_target_counts_with_a_deviation_of_1(tmp_path):
    features, _ = rows(40)
    np.savez(tmp_path / "d.npz", samples=features, labels=np.full(40, 7.0))
    dataset = load({"kind": "npz", "path": "d.npz", "test": 10}, workspace=tmp_path, task="regression")
    split = open_split(prepare(dataset, train=20, validation=10, seed=0, cache=tmp_path / "cache"))
    assert not split.train_y.any()
    assert set(split.in_units(split.validation_y).ravel()) == {7.0}


def test_each_sample_validates_once_over_the_folds(tmp_path):
    write_csv(tmp_path, 70)
    dataset, seen = read_csv(tmp_path), []
    for index in range(3):
        path = prepare(dataset, train=40, validation=20, seed=0, cache=tmp_path / "cache", fold=(index, 3))
        seen += open_split(path).validation_targets[:, 0].tolist()
    assert sorted(seen) == sorted(dataset.labels[:, 0])


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_folds_have_the_sizes_of_fold_sizes(tmp_path, folds):
    write_csv(tmp_path, 72)
    dataset = read_csv(tmp_path)
    for index, size in enumerate(fold_sizes(62, folds)):
        path = prepare(dataset, train=62 - size, validation=size, seed=0, cache=tmp_path / "c", fold=(index, folds))
        assert (len(open_split(path).train_y), len(open_split(path).validation_y)) == (62 - size, size)
        assert open_split(path).fold == (index, folds)


@pytest.mark.parametrize(
    ("sizes", "fold", "rule"),
    [
        ((40, 20), None, r"data\.train \+ data\.validation must be at most 50 for d\.csv, got 40 \+ 20"),
        ((0, 20), None, "data.train must be at least 1, got 0"),
        ((4, 1), (0, 6), "data.validation.folds must be at most 5, the samples drawn, got 6"),
        ((20, 20), (0, 3), "fold 1 of 3 of 40 samples must have 14 to validate on, got data.validation = 20"),
    ],
)
def test_sizes_that_cannot_be_had_cost_one_line(tmp_path, sizes, fold, rule):
    write_csv(tmp_path)
    with pytest.raises(DataError, match=rule):
        prepare(read_csv(tmp_path), train=sizes[0], validation=sizes[1], seed=0, cache=tmp_path / "c", fold=fold)


def test_one_sample_each_is_enough(tmp_path):
    write_csv(tmp_path, 4)
    split = open_split(prepare(read_csv(tmp_path, test=2), train=1, validation=1, seed=0, cache=tmp_path / "c"))
    assert (split.train_y.tolist(), split.target_deviation.tolist()) == ([[0.0]], [1.0])
    assert np.array_equal(split.target_mean, split.train_targets[0])


def test_the_same_request_gives_the_same_bytes_and_another_seed_other_samples(tmp_path):
    write_csv(tmp_path, 200, ("price", "rent"))
    request = {"dataset": read_csv(tmp_path, ["price", "rent"]), "train": 120, "validation": 50}
    first, second = (prepare(**request, seed=3, cache=tmp_path / cache) for cache in ("a", "b"))
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()
    }
    other = prepare(**request, seed=4, cache=tmp_path / "a")
    assert other != first
    assert set(open_split(other).train_targets[:, 0]) != set(open_split(first).train_targets[:, 0])


def test_a_sample_keeps_its_targets(tmp_path):
    features, targets = write_csv(tmp_path, 90, ("price", "rent"))
    targets_of = {tuple(row.round(9)): tuple(values) for row, values in zip(features, targets, strict=True)}
    split = open_split(
        prepare(read_csv(tmp_path, ["price", "rent"]), train=50, validation=30, seed=1, cache=tmp_path / "c")
    )
    for part in ("train", "validation", "test"):
        raw = getattr(split, f"{part}_x") * split.deviation + split.mean
        nearest = [min(targets_of, key=lambda row, x=x: np.abs(x - row).sum()) for x in raw]
        assert [targets_of[row] for row in nearest] == [tuple(own) for own in getattr(split, f"{part}_targets")]


def test_samples_are_drawn_at_random_and_not_in_the_order_of_the_file(tmp_path):
    np.savez(tmp_path / "d.npz", samples=np.ones((2000, 1)), labels=np.arange(2000.0))
    dataset = load({"kind": "npz", "path": "d.npz", "test": 500}, workspace=tmp_path, task="regression")
    split = open_split(prepare(dataset, train=1000, validation=500, seed=0, cache=tmp_path / "c"))
    parts = [split.train_targets, split.validation_targets, split.test_targets]
    assert sorted(np.concatenate(parts)[:, 0]) == list(range(2000))
    for drawn in (*parts, split.train_targets[:250]):
        assert abs(drawn.mean() - 999.5) < 4 * 577 / np.sqrt(len(drawn))
    assert abs(np.corrcoef(np.arange(1000), split.train_targets[:, 0])[0, 1]) < 0.15


def test_large_targets_close_together_keep_their_digits(tmp_path):
    values = 1.7e9 + np.arange(40.0)
    np.savez(tmp_path / "d.npz", samples=np.ones((40, 1)), labels=values)
    dataset = load({"kind": "npz", "path": "d.npz", "test": 10}, workspace=tmp_path, task="regression")
    split = open_split(prepare(dataset, train=20, validation=10, seed=0, cache=tmp_path / "c"))
    np.testing.assert_allclose(split.train_y.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(split.in_units(split.validation_y), split.validation_targets, atol=1e-5, rtol=0)
    assert set(split.validation_targets[:, 0]) <= set(values)


def test_a_mirrored_split_has_the_targets_of_each_training_image_twice(tmp_path):
    samples, targets = rows(60, 2)[0].reshape(60, 1, 3), rows(60, 2)[1]
    np.savez(tmp_path / "d.npz", samples=samples, labels=targets)
    dataset = load({"kind": "npz", "path": "d.npz", "test": 10}, workspace=tmp_path, task="regression")
    plain, twice = (
        open_split(prepare(dataset, train=30, validation=20, seed=0, cache=tmp_path / "c", mirrored=mirrored))
        for mirrored in (False, True)
    )
    assert (twice.samples, twice.train_x.shape) == (30, (60, 3))
    assert np.array_equal(twice.train_y, np.tile(plain.train_y, (2, 1)))
    assert np.array_equal(twice.train_targets, np.tile(plain.train_targets, (2, 1)))
    assert np.array_equal(twice.target_mean, plain.target_mean)
    assert np.array_equal(twice.validation_y, plain.validation_y)


@pytest.mark.parametrize("name", ["target_mean", "target_deviation", "train_targets", "validation_y", "test_targets"])
def test_a_split_with_damaged_targets_is_refused_and_prepared_anew(tmp_path, name):
    write_csv(tmp_path)
    request = {"dataset": read_csv(tmp_path), "train": 30, "validation": 20, "seed": 0, "cache": tmp_path / "c"}
    file = prepare(**request) / f"{name}.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    with pytest.raises(DataError, match="not a complete prepared split"):
        open_split(file.parent)
    assert prepare(**request) == file.parent
    assert file.read_bytes() == whole


def test_targets_are_read_only_and_of_their_types(tmp_path):
    write_csv(tmp_path)
    dataset = read_csv(tmp_path)
    split = open_split(prepare(dataset, train=30, validation=20, seed=0, cache=tmp_path / "c"))
    assert (dataset.task, dataset.labels.dtype, dataset.labels.flags.writeable) == ("regression", np.float64, False)
    for part, count in (("train", 30), ("validation", 20), ("test", 10)):
        standardised, own = getattr(split, f"{part}_y"), getattr(split, f"{part}_targets")
        assert (standardised.shape, standardised.dtype, standardised.flags.writeable) == ((count, 1), np.float32, False)
        assert (own.shape, own.dtype, own.flags.writeable) == ((count, 1), np.float64, False)
    assert split.in_units(np.zeros((4, 20, 1), np.float32)).shape == (4, 20, 1)


def test_a_fingerprint_depends_on_the_names_of_the_targets_and_on_the_task(tmp_path):
    text = "a,price,rent\n" + "".join(f"{i},{i % 4},{i % 4}\n" for i in range(60))
    (tmp_path / "d.csv").write_text(text, "utf-8")
    found = [read_csv(tmp_path, label).fingerprint for label in ("price", "rent", ["price", "rent"], ["rent", "price"])]
    assert len({*found, read_csv(tmp_path, task="classification").fingerprint}) == 5
    assert read_csv(tmp_path, ["price"]).fingerprint == found[0]


def test_columns_of_targets_may_be_in_any_order(tmp_path):
    (tmp_path / "d.csv").write_text("y,a,x,b\n" + "".join(f"{i},{2 * i},{3 * i},{4 * i}\n" for i in range(30)), "utf-8")
    dataset = read_csv(tmp_path, ["x", "y"], test=5)
    assert np.array_equal(dataset.labels[:, 0], 3 * dataset.labels[:, 1])
    assert np.array_equal(dataset.samples, dataset.labels[:, 1:] * [2, 4])


@pytest.mark.parametrize("labels", [np.arange(40, dtype=np.uint8), np.arange(40) % 2 == 1, np.arange(40.0)[:, None]])
def test_numbers_of_any_type_are_targets(tmp_path, labels):
    np.savez(tmp_path / "d.npz", x_train=np.ones((40, 2)), y_train=labels, x_test=np.ones((40, 2)), y_test=labels)
    dataset = load({"kind": "npz", "path": "d.npz"}, workspace=tmp_path, task="regression")
    assert dataset.targets == ("target",)
    assert np.array_equal(dataset.labels[:, 0], labels.reshape(-1).astype(np.float64))
    assert np.array_equal(dataset.test_labels, dataset.labels)
