import os
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny import file_size_limit

from hpsearch.data import cache as splits
from hpsearch.data import clean, load, open_split, prepare
from hpsearch.data.stratification import draw
from hpsearch.errors import DataError

FILES = ["meta.json", "mean.npy", "deviation.npy", "train_x.npy", "train_y.npy", "test_x.npy", "validation_x.npy"]


def prepared(dataset, cache, seed=0, train=200, validation=60):
    return prepare(dataset, train=train, validation=validation, seed=seed, cache=cache)


def age(path, seconds):
    for entry in (path, *path.iterdir()):
        os.utime(entry, (time.time() - seconds,) * 2)


def test_a_split_is_standardised_with_the_training_samples(dataset, tmp_path):
    split = open_split(prepared(dataset, tmp_path))
    train, validation = draw(dataset.labels, np.bincount(dataset.labels), (200, 60), 0, "split")
    raw = dataset.samples[train].astype(np.float64)
    deviation = raw.std(axis=0)
    deviation[0] = 1  # constant
    np.testing.assert_allclose(split.train_x, (raw - raw.mean(axis=0)) / deviation, atol=1e-6)
    np.testing.assert_allclose(split.validation_x, (dataset.samples[validation] - split.mean) / deviation, atol=1e-6)
    np.testing.assert_allclose(split.test_x, (dataset.test_samples - split.mean) / split.deviation, atol=1e-6)
    assert np.array_equal(split.train_y, dataset.labels[train])
    assert np.array_equal(split.validation_y, dataset.labels[validation])
    assert np.array_equal(split.test_y, dataset.test_labels)


def test_a_split_is_float32_in_c_order_read_only_and_says_what_it_is(dataset, tmp_path):
    path = prepared(dataset, tmp_path)
    split = open_split(path)
    for samples in (split.train_x, split.validation_x, split.test_x):
        assert samples.dtype == np.float32
        assert samples.flags.c_contiguous
        assert not samples.flags.writeable
        assert isinstance(samples.base, np.memmap)
        assert type(samples) is np.ndarray
    assert split.train_y.dtype == np.int64
    assert split.train_x.shape == (200, 12)
    assert (split.name, split.classes, split.image_shape) == ("shapes", ("circle", "square", "star"), (3, 2, 2))
    assert split.fingerprint == dataset.fingerprint
    assert split.path == path
    assert path.name == f"{split.key}.split"


def test_preparing_again_finds_the_split(dataset, tmp_path):
    path = prepared(dataset, tmp_path)
    before = (path / "train_x.npy").stat().st_mtime_ns
    assert prepared(dataset, tmp_path) == path
    assert (path / "train_x.npy").stat().st_mtime_ns == before
    others = {prepared(dataset, tmp_path, seed=1), prepared(dataset, tmp_path, train=201)}
    assert len(others | {path}) == 3
    assert {each.name for each in tmp_path.iterdir()} == {p.name for p in others | {path}}


def test_files_with_the_same_numbers_under_other_names_have_splits_of_their_own(tmp_path):
    rows = "".join(f"{i % 7},{i % 5},{'xy'[i % 2]}\n" for i in range(60))
    for header in ("a,b,label", "b,a,label"):
        (tmp_path / "table.csv").write_text(f"{header}\n{rows}")
        found = load({"kind": "csv", "path": "table.csv", "label": "label", "test": 20}, workspace=tmp_path)
        split = open_split(prepare(found, train=20, validation=10, seed=0, cache=tmp_path))
        assert ",".join(split.columns.names) == header.removesuffix(",label")


def test_preparing_elsewhere_gives_the_same_bytes(dataset, tmp_path):
    first, second = prepared(dataset, tmp_path / "a"), prepared(dataset, tmp_path / "b")
    assert sorted(entry.name for entry in first.iterdir()) == sorted(entry.name for entry in second.iterdir())
    for entry in first.iterdir():
        assert entry.read_bytes() == (second / entry.name).read_bytes()


@pytest.mark.parametrize(
    ("train", "validation", "rule"),
    [
        (250, 60, r"data\.train \+ data\.validation must be at most 300 for shapes, got 250 \+ 60"),
        (0, 60, "data.train must be at least 1, got 0"),
        (200, -1, "data.validation must be at least 1, got -1"),
        (
            200,
            2,
            r"must each get a sample of every class .*'star' \(50 samples beside the 20 to test on\) gives 34 and 0",
        ),
    ],
)
def test_sizes_that_cannot_be_had_cost_one_line(dataset, tmp_path, train, validation, rule):
    with pytest.raises(DataError, match=rule):
        prepared(dataset, tmp_path / "cache", train=train, validation=validation)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "longer", "noise"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_split_is_refused_and_prepared_anew(dataset, tmp_path, name, damage):
    path = prepared(dataset, tmp_path)
    whole = (path / name).read_bytes()
    damaged = {"cut": whole[:-5], "empty": b"", "longer": whole + b"xx", "noise": bytes(len(whole))}
    (path / name).unlink() if damage == "missing" else (path / name).write_bytes(damaged[damage])
    with pytest.raises(DataError, match="not a complete prepared split"):
        open_split(path)
    assert prepared(dataset, tmp_path) == path
    assert (path / name).read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_costs_one_line_and_leaves_nothing(dataset, tmp_path):
    with file_size_limit(4000), pytest.raises(DataError, match=r"cannot write the prepared split: File too large"):
        prepared(dataset, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_made_costs_one_line(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        DataError, match="file/cache: cannot write the prepared split: Not a directory; XDG_CACHE_HOME names"
    ):
        prepared(dataset, tmp_path / "file" / "cache")


RACE = """
import sys, pathlib
import numpy as np
from hpsearch.data import prepare, open_split
from hpsearch.data.dataset import make_dataset
images = np.arange(20_000 * 30).reshape(-1, 30).astype(np.uint8)
labels = np.arange(20_000) % 3
dataset = make_dataset("race", (images, labels), (images[:9], labels[:9]), ("a", "b", "c"), (1, 5, 6))
sys.stdin.readline()
open_split(prepare(dataset, train=15_000, validation=5_000, seed=0, cache=pathlib.Path(sys.argv[1])))
"""


def test_concurrent_preparers_all_succeed(tmp_path):
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    assert [(racer.communicate()[1], racer.returncode) for racer in racers] == [("", 0)] * 3
    assert [path.suffix for path in tmp_path.iterdir()] == [".split"]


def test_what_a_killed_preparer_left_goes_when_it_is_stale(dataset, tmp_path):
    for name, seconds in (("old.1.tmp", 7200), ("new.2.tmp", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train_x.npy").write_bytes(bytes(100))
        age(tmp_path / name, seconds)
    prepared(dataset, tmp_path)
    assert not (tmp_path / "old.1.tmp").exists()
    assert (tmp_path / "new.2.tmp").exists()


def test_the_cache_drops_the_split_unused_for_longest(dataset, tmp_path, monkeypatch):
    paths = [prepared(dataset, tmp_path, seed=seed) for seed in range(4)]
    for path, days in zip(paths, (2, 4, 3, 0.5), strict=True):
        age(path, days * 86_400)
    prepared(dataset, tmp_path, seed=2)  # used again
    monkeypatch.setattr(splits, "MOST_BYTES", 3.5 * splits.size(paths[0]))
    last = prepared(dataset, tmp_path, seed=9)
    assert set(tmp_path.iterdir()) == {paths[2], paths[3], last}


def test_what_was_used_within_a_day_stays_whatever_the_limit(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "MOST_BYTES", 1)
    paths = {prepared(dataset, tmp_path, seed=seed) for seed in range(3)}
    assert set(tmp_path.iterdir()) == paths


def test_cleaning_deletes_splits_only_and_counts_the_bytes(dataset, tmp_path):
    path = prepared(dataset, tmp_path)
    size = sum(entry.stat().st_size for entry in path.iterdir())
    (tmp_path / "mine.txt").write_text("kept")
    assert clean(tmp_path) == size
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]
    assert clean(tmp_path) == 0
    assert clean(tmp_path / "none") == 0
