"""The data of a classification are what they were before there were regressions: digests of studies depend on it."""

import hashlib

import numpy as np
import pytest

from hpsearch.data import load, open_split, prepare

BEFORE = [
    ("digits", {}, "467c4e71d32a8d7f", "3bcc0ceaa64d3770", "5613e6e07d2ad8e2"),
    ("digits", {"fold": (1, 5)}, "467c4e71d32a8d7f", "4bfa7ebadd91d8d8", "e1f9d9a4f28b1411"),
    ("digits", {"mirrored": True}, "467c4e71d32a8d7f", "17ffb3f25f2a5f66", "9638cfae82c0935e"),
    ("text", {}, "5a5207b94d7aabbd", "f80561a645a9b3c5", "72cdaa0bc890e450"),
    ("text", {"fold": (2, 3)}, "5a5207b94d7aabbd", "a1595f8d2675946f", "4c1b2a90c12d4857"),
    ("years", {}, "301ec62aeb8d441c", "140d3e3410b9b1c4", "66116acca7441087"),
]
"""Data set, options, and the fingerprint, key and SHA-256 of the arrays that commit f84cb51 gave.

A key of a table, on which no digest depends, has had the names of its columns since then.
"""

LABELS = {"text": lambda i: ("cat", "dog", "emu")[i % 3], "years": lambda i: 1990 + i % 30}


def read(name, tmp_path):
    if name == "digits":
        return load(name)
    lines = [f"{i * i % 17},{LABELS[name](i)},{i / 8}" for i in range(120)]
    (tmp_path / "d.csv").write_text("\n".join(["a,label,b", *lines]) + "\n", "utf-8")
    return load({"kind": "csv", "path": "d.csv", "label": "label", "test": 30}, workspace=tmp_path)


def digest(split):
    arrays = [getattr(split, f"{part}_{kind}") for part in ("train", "validation", "test") for kind in "xy"]
    return hashlib.sha256(b"".join(each.tobytes() for each in (*arrays, split.mean, split.deviation))).hexdigest()


@pytest.mark.parametrize(("name", "options", "fingerprint", "key", "content"), BEFORE)
def test_fingerprints_keys_and_arrays_of_classifications_are_unchanged(
    tmp_path, name, options, fingerprint, key, content
):
    dataset = read(name, tmp_path)
    train, validation = (1120, 280) if name == "digits" else (60, 30)
    split = open_split(prepare(dataset, train=train, validation=validation, seed=3, cache=tmp_path / "c", **options))
    assert dataset.fingerprint.startswith(fingerprint)
    assert split.key.startswith(key)
    assert digest(split).startswith(content)


def test_a_classification_has_no_targets_and_no_files_of_them(tmp_path):
    dataset = read("text", tmp_path)
    split = open_split(prepare(dataset, train=60, validation=30, seed=3, cache=tmp_path / "c"))
    arrays = {f"{part}_{kind}" for part in ("train", "validation", "test") for kind in "xy"}
    assert {path.stem for path in split.path.iterdir()} == {*arrays, "mean", "deviation", "meta"}
    assert (dataset.task, dataset.targets, dataset.outputs) == ("classification", (), 3)
    assert (split.task, split.targets, split.target_mean, split.train_targets) == ("classification", (), None, None)
    assert split.train_y.dtype == np.int64
