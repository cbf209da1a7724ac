import gzip

import numpy as np
import pytest

from hpsearch.data import load, open_split, prepare
from hpsearch.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 4, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3


def idx(array):
    head = b"\x00\x00\x08" + bytes([array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder of four small IDX files, made by hand."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for prefix, rows in (("train", slice(0, 24)), ("t10k", slice(24, 30))):
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx(IMAGES[rows]))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS[rows]))
    return folder


def read(folder, **more):
    return load({"kind": "idx", "path": "data/mnist", **more}, workspace=folder.parent.parent)


def line(folder, **more):
    with pytest.raises(DataError) as caught:
        read(folder, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_idx_folder_is_read_whole(mnist, tmp_path):
    dataset = read(mnist)
    assert np.array_equal(dataset.samples, IMAGES[:24].reshape(24, 12))
    assert dataset.samples.dtype == np.uint8
    assert np.array_equal(dataset.test_samples, IMAGES[24:].reshape(6, 12))
    assert np.array_equal(dataset.labels, LABELS[:24])
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("mnist", ("0", "1", "2"), (1, 4, 3))
    split = open_split(prepare(dataset, train=15, validation=9, seed=0, cache=tmp_path / "cache", mirrored=True))
    assert split.image_shape == (1, 4, 3)


def test_an_idx_file_may_be_compressed_and_have_a_dot_in_its_name(mnist):
    before = read(mnist).fingerprint
    for path in list(mnist.iterdir()):
        path.with_name(path.name.replace("-idx", ".idx") + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read(mnist).fingerprint == before


def test_classes_have_names_and_their_numbers_need_not_be_contiguous(mnist):
    for prefix, rows in (("train", slice(0, 24)), ("t10k", slice(24, 30))):
        (mnist / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.array([200, 9, 10])[LABELS[rows]]))
    assert read(mnist).classes == ("9", "10", "200")
    assert np.array_equal(read(mnist).labels, np.array([2, 0, 1])[LABELS[:24]])
    assert read(mnist, classes=("shirt", "bag", "boot")).classes == ("shirt", "bag", "boot")
    assert "classes must name the 3 classes that the labels have ('9', '10', '200'), got 2 names" in line(
        mnist, classes=("shirt", "bag")
    )


def test_a_missing_file_is_named_and_a_wrong_path_gets_the_nearest(mnist):
    (mnist / "t10k-labels-idx1-ubyte").unlink()
    assert "mnist/t10k-labels-idx1-ubyte: no such file, nor t10k-labels.idx1-ubyte, t10k-labels-idx1-" in line(mnist)
    assert line(mnist, path="data/mnits").endswith(f"data/mnits: no such folder; did you mean '{mnist}'?")
    assert line(mnist, path="dta/mnist").endswith(f"no such folder; did you mean '{mnist.parent}'?")
    assert line(mnist, path="data/mnist/train-images-idx3-ubyte").endswith("must be a folder, is a file")


DAMAGE = [
    (lambda raw: b"", "must begin with 00000803: bytes in 3 dimensions, begins with nothing"),
    (lambda raw: raw[:9], "must begin with 00000803: bytes in 3 dimensions, begins with 00000803"),
    (lambda raw: b"\x00\x00\x0d\x03" + raw[4:], "must begin with 00000803.*begins with 00000d03"),
    (lambda raw: raw[:-1], "must have 288 bytes after its header, as that says, has 287"),
    (lambda raw: raw + b"x", "must have 288 bytes after its header, as that says, has more"),
    (lambda raw: raw[:4] + b"\xff" * 12 + raw[16:], "must have 79,.* bytes after its header, as that says, has 288"),
    (lambda raw: raw[:4] + bytes(4) + raw[8:], "must have at least 1 image of at least 1 pixel, has 0 × 4 × 3"),
]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("damage", "rule"), DAMAGE)
def test_a_damaged_file_costs_one_line(mnist, damage, rule, compressed):
    path = mnist / "train-images-idx3-ubyte"
    raw = damage(path.read_bytes())
    path.unlink()
    path = path.with_suffix(".gz") if compressed else path
    path.write_bytes(gzip.compress(raw) if compressed else raw)
    with pytest.raises(DataError, match=rule) as caught:
        read(mnist)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_cut_or_corrupt_gz_costs_one_line(mnist):
    path = mnist / "t10k-images-idx3-ubyte"
    whole = gzip.compress(path.read_bytes())
    path.unlink()
    for raw in (whole[:-9], whole[:20], b"text", whole[:30] + b"\xff\xff" + whole[32:]):
        path.with_suffix(".gz").write_bytes(raw)
        assert "t10k-images-idx3-ubyte.gz: not a complete .gz file: truncated or corrupt" in line(mnist)


def test_parts_that_do_not_fit_together_cost_one_line(mnist):
    (mnist / "t10k-images-idx3-ubyte").write_bytes(idx(np.zeros((6, 3, 4))))
    assert line(mnist).endswith("samples must have the shape 4 × 3 of those trained on, have 3 × 4")
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([0, 1, 2, 0, 1, 5])))
    (mnist / "t10k-images-idx3-ubyte").write_bytes(idx(IMAGES[24:]))
    assert line(mnist).endswith("labels must be among those trained on ('0', '1', '2'), got '5'")
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS[:5]))
    assert line(mnist).endswith("t10k-labels-idx1-ubyte: must have a label for each of the 6 images, has 5")
    (mnist / "train-labels-idx1-ubyte").write_bytes(idx(np.ones(24)))
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(idx(np.ones(6)))
    assert line(mnist).endswith("must have samples of at least 2 classes, has 1")
