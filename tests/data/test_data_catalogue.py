import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hpsearch.data import DATASETS, data_directory, fetch, load, prepare
from hpsearch.data.sources import digits
from hpsearch.errors import DataError


def test_digits_keep_their_own_test_set():
    found = load("digits")
    assert found.samples.shape == (1437, 64)
    assert found.test_samples.shape == (360, 64)
    assert found.image_shape == (1, 8, 8)
    assert found.classes == tuple("0123456789")
    assert found.samples.max() == 16
    assert set(np.bincount(found.test_labels)) <= {35, 36, 37}
    assert found.fingerprint == load("digits").fingerprint
    assert not {row.tobytes() for row in found.samples} & {row.tobytes() for row in found.test_samples}


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(DataError, match=r"dataset must be one of cifar10, digits, got 'cifar-10'; .*'cifar10'"):
        load("cifar-10")


def test_the_option_goes_before_the_variable_before_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HPSEARCH_DATA", str(tmp_path / "variable"))
    assert data_directory(tmp_path / "option") == tmp_path / "option"
    assert data_directory() == tmp_path / "variable"
    monkeypatch.setenv("HPSEARCH_DATA", "~/images")
    assert data_directory() == Path.home() / "images"
    monkeypatch.delenv("HPSEARCH_DATA")
    assert data_directory().parts[-2:] == ("hpsearch", "data") or data_directory().name == "data"


def test_a_directory_that_does_not_exist_has_its_own_line(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="none: no such directory; --data-dir and HPSEARCH_DATA"):
        load("cifar10", tmp_path / "none")
    monkeypatch.setenv("HPSEARCH_DATA", str(tmp_path / "neither"))
    with pytest.raises(DataError, match="neither: no such directory"):
        load("cifar10")


def test_an_empty_user_cache_says_how_to_fetch(tmp_path, monkeypatch):
    monkeypatch.delenv("HPSEARCH_DATA", raising=False)
    monkeypatch.setattr("hpsearch.data.directories._user_cache", lambda: tmp_path / "cache")
    with pytest.raises(DataError, match=r"no CIFAR-10 here.*`hpsearch data fetch cifar10`"):
        load("cifar10")
    assert prepare(load("digits"), train=1200, validation=200, seed=0).parent == tmp_path / "cache" / "splits"


def test_fetching_what_cannot_be_fetched_costs_one_line(tmp_path):
    with pytest.raises(DataError, match="digits: there is nothing to fetch"):
        fetch("digits", tmp_path)
    with pytest.raises(DataError, match=r"layout must be one of binary, matlab, python, got 'pyton'; .*'python'"):
        fetch("cifar10", tmp_path, layout="pyton")


def test_importing_the_package_imports_no_large_library():
    program = (
        "import sys, hpsearch.data; print([m for m in ('sklearn', 'scipy', 'pooch', 'requests') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert DATASETS == ("cifar10", "digits")


def test_digits_are_scikit_learns_wherever_it_keeps_them(monkeypatch):
    expected = np.column_stack(load_digits(return_X_y=True))
    assert np.array_equal(digits._values(), expected)
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    assert np.array_equal(digits._values(), expected)
