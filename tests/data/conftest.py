"""CIFAR-10 in small: 40 random images per file, written in each published layout."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from hpsearch.data.dataset import Dataset, make_dataset
from hpsearch.data.sources import cifar10

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
SMALL = 40


def _batches() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(1)
    labels = [generator.permutation(np.arange(SMALL) % 10) for _ in range(6)]
    return [(generator.integers(0, 256, (SMALL, cifar10.PIXELS), dtype=np.uint8), each) for each in labels]


def _write_binary(folder: Path) -> None:
    for name, (images, labels) in zip(cifar10.LAYOUTS["binary"].batches, _batches(), strict=True):
        (folder / name).write_bytes(np.column_stack([labels.astype(np.uint8), images]).tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")


def _write_python(folder: Path) -> None:
    for name, (images, labels) in zip(cifar10.LAYOUTS["python"].batches, _batches(), strict=True):
        held = {b"batch_label": name.encode(), b"labels": labels.tolist(), b"data": images, b"filenames": [b"", b"a"]}
        (folder / name).write_bytes(pickle.dumps(held, protocol=2))
    meta = {b"num_cases_per_batch": SMALL, b"label_names": [name.encode() for name in NAMES], b"num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))


def _write_matlab(folder: Path) -> None:
    for name, (images, labels) in zip(cifar10.LAYOUTS["matlab"].batches, _batches(), strict=True):
        savemat(folder / name, {"data": images, "labels": labels.astype(np.uint8)[:, None]}, do_compression=True)
    cells = np.array([[name] for name in NAMES], dtype=object)
    savemat(folder / "batches.meta.mat", {"label_names": cells})


WRITERS = {"binary": _write_binary, "python": _write_python, "matlab": _write_matlab}


@pytest.fixture
def write_cifar10(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], Path]:
    """Return a function that writes a layout under a directory and returns its folder."""
    monkeypatch.setattr(cifar10, "IMAGES_PER_FILE", SMALL)

    def write(directory: Path, layout: str) -> Path:
        folder = directory / cifar10.LAYOUTS[layout].folder
        folder.mkdir(parents=True)
        WRITERS[layout](folder)
        return folder

    return write


@pytest.fixture
def dataset() -> Dataset:
    """Return 300 images of 12 bytes in three classes of 150, 100 and 50, the first pixel constant; 60 to test on."""
    generator = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], [150, 100, 50])
    images = generator.integers(0, 256, (300, 12), dtype=np.uint8)
    images[:, 0] = 7
    test = generator.integers(0, 256, (60, 12), dtype=np.uint8), np.arange(60) % 3
    return make_dataset("shapes", (images, labels), test, ("circle", "square", "star"), (3, 2, 2))
