"""On CIFAR-10 as published, where HPSEARCH_DATA names a directory that has it."""

import os
from pathlib import Path

import numpy as np
import pytest

from hpsearch.data import load, open_split, prepare
from hpsearch.data.sources import cifar10
from hpsearch.errors import DataError

FINGERPRINT = "e3189527fafadde3d908843b05d8df89ee18f55a0c889f70e58a0a9f9dedf3d4"

pytestmark = pytest.mark.skipif(not os.environ.get("HPSEARCH_DATA"), reason="HPSEARCH_DATA names no CIFAR-10 directory")


@pytest.mark.parametrize("layout", sorted(cifar10.LAYOUTS))
def test_the_published_images_are_read(layout):
    folder = Path(os.environ["HPSEARCH_DATA"]) / cifar10.LAYOUTS[layout].folder
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    dataset = load("cifar10", folder)
    assert dataset.fingerprint == FINGERPRINT
    assert np.bincount(dataset.labels).tolist() == [5000] * 10
    assert np.bincount(dataset.test_labels).tolist() == [1000] * 10


def test_the_reports_split_is_prepared(tmp_path):
    dataset = load("cifar10")
    split = open_split(prepare(dataset, train=45_000, validation=5_000, seed=0, cache=tmp_path))
    assert np.bincount(split.train_y).tolist() == [4500] * 10
    assert np.bincount(split.train_y[:5000]).std() < 2
    assert np.allclose(split.train_x[:, ::97].mean(axis=0, dtype=np.float64), 0, atol=1e-6)
    assert np.allclose(split.train_x[:, ::97].std(axis=0, dtype=np.float64), 1, atol=1e-6)


def test_more_images_than_published_cost_one_line(tmp_path):
    with pytest.raises(DataError, match=r"must be at most 50,000 for cifar10, got 45,000 \+ 6,000"):
        prepare(load("cifar10"), train=45_000, validation=6_000, seed=0, cache=tmp_path)
