import contextlib

import numpy as np
import pytest

from hpsearch.data import load
from hpsearch.data.sources import cifar10
from hpsearch.errors import DataError

LAYOUTS = sorted(cifar10.LAYOUTS)
MiB = 2**20


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_dataset(write_cifar10, tmp_path, layout):
    write_cifar10(tmp_path / "all", "binary")
    expected = load("cifar10", tmp_path / "all")
    folder = write_cifar10(tmp_path / layout, layout)
    for directory in (folder.parent, folder):
        got = load("cifar10", directory)
        assert got.fingerprint == expected.fingerprint
        assert np.array_equal(got.samples, expected.samples)
        assert np.array_equal(got.test_labels, expected.test_labels)


def test_a_dataset_is_whole_raw_and_read_only(write_cifar10, tmp_path):
    write_cifar10(tmp_path, "python")
    dataset = load("cifar10", tmp_path)
    assert dataset.samples.shape == (200, 3072)
    assert dataset.samples.dtype == np.uint8
    assert dataset.test_samples.shape == (40, 3072)
    assert dataset.labels.dtype == np.int64
    assert dataset.classes[0] == "airplane"
    assert dataset.image_shape == (3, 32, 32)
    with pytest.raises(ValueError, match="read-only"):
        dataset.samples[0, 0] = 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_file_is_named(write_cifar10, tmp_path, layout):
    folder = write_cifar10(tmp_path, layout)
    missing = folder / cifar10.LAYOUTS[layout].batches[2]
    missing.unlink()
    with pytest.raises(DataError, match=r"missing from the .* layout .*`hpsearch data fetch cifar10") as caught:
        load("cifar10", tmp_path)
    assert str(caught.value).startswith(f"{missing}: ")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kept", [0, 1234, -1])
def test_a_cut_file_costs_one_line(write_cifar10, tmp_path, layout, kept):
    folder = write_cifar10(tmp_path, layout)
    cut = folder / cifar10.LAYOUTS[layout].batches[0]
    cut.write_bytes(cut.read_bytes()[:kept])
    with pytest.raises(DataError) as caught:
        load("cifar10", tmp_path)
    assert str(caught.value).startswith(f"{cut}: ")
    assert "\n" not in str(caught.value)


def test_a_message_about_a_wrong_size_has_the_right_one(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in cifar10.LAYOUTS["binary"].batches:
        (folder / name).write_bytes(bytes(1234))
    with pytest.raises(DataError, match=r"data_batch_1.bin: must have 30,730,000 bytes, has 1,234; `hpsearch data"):
        load("cifar10", tmp_path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_noise_in_place_of_a_file_costs_one_line(write_cifar10, tmp_path, layout):
    folder = write_cifar10(tmp_path, layout)
    for name in cifar10.LAYOUTS[layout].files:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(np.random.default_rng(3).bytes(len(whole)))
        with pytest.raises(DataError) as caught:
            load("cifar10", tmp_path)
        assert str(folder / name) in str(caught.value)
        assert "\n" not in str(caught.value)
        (folder / name).write_bytes(whole)


def test_flipped_bytes_in_the_header_of_a_file_never_show_a_traceback(write_cifar10, tmp_path):
    folder = write_cifar10(tmp_path, "python")
    generator = np.random.default_rng(4)
    whole = (folder / "data_batch_1").read_bytes()
    for place in generator.integers(0, 700, 200):
        damaged = bytearray(whole)
        damaged[place] ^= int(generator.integers(1, 256))
        (folder / "data_batch_1").write_bytes(damaged)
        with contextlib.suppress(DataError):  # bytes within an image may change unnoticed
            load("cifar10", tmp_path)


def test_a_complete_layout_is_preferred_to_a_damaged_one(write_cifar10, tmp_path):
    (write_cifar10(tmp_path, "binary") / "test_batch.bin").unlink()
    write_cifar10(tmp_path, "matlab")
    assert len(load("cifar10", tmp_path).samples) == 200


def test_a_label_out_of_range_is_refused(write_cifar10, tmp_path):
    path = write_cifar10(tmp_path, "binary") / "data_batch_4.bin"
    path.write_bytes(b"\x0a" + path.read_bytes()[1:])
    with pytest.raises(DataError, match=r"data_batch_4.bin: labels must be from 0 to 9, got 0 to 10"):
        load("cifar10", tmp_path)


def test_an_empty_directory_says_where_it_looked_and_what_to_do(tmp_path):
    with pytest.raises(
        DataError, match=r"cifar-10-batches-py.*`hpsearch data fetch cifar10`.*--data-dir.*HPSEARCH_DATA"
    ):
        load("cifar10", tmp_path)
