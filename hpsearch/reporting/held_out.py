"""The test set, which is not in the database: from a prepared split, else from the dataset itself.

May import NumPy, and `hpsearch.data` inside functions only, because few reports need it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import HpsearchError
from hpsearch.reporting.frames import Frames


@dataclass(frozen=True)
class HeldOut:
    """The test set: true classes (samples,), and samples (samples, features), standardised by mean and deviation."""

    labels: NDArray[np.int64]
    samples: NDArray[Any]
    mean: NDArray[np.float64] | float = 0.0
    deviation: NDArray[np.float64] | float = 1.0

    def image(self, index: int) -> NDArray[np.float64]:
        """Return one sample, an image (features,), as it was before it was standardised."""
        return np.asarray(self.samples[index] * self.deviation + self.mean, dtype=np.float64)


def held_out(frames: Frames) -> HeldOut | None:
    """Return the test set of the study's dataset, None where neither a split nor the dataset can be read."""
    fingerprint = (frames.study["data"] or {}).get("fingerprint")
    return _from_cache(fingerprint) or _from_dataset(frames, fingerprint)


def prepared_splits(fingerprint: Any) -> Iterator[Any]:
    """Yield the prepared splits of a dataset that are in the cache and can be read."""
    from hpsearch.data import open_split
    from hpsearch.data.cache import SUFFIX
    from hpsearch.data.directories import splits_directory
    from hpsearch.data.split import META

    for folder in sorted(splits_directory().glob(f"*{SUFFIX}")):
        try:
            meta = json.loads((folder / META).read_text("utf-8"))
            if meta.get("fingerprint") == fingerprint and not meta.get("whole"):  # which has its test samples in both
                yield open_split(folder)
        except (OSError, ValueError, AttributeError, HpsearchError):
            continue


def _from_cache(fingerprint: Any) -> HeldOut | None:
    """Return it from any prepared split: each has the whole test set, in the dataset's order."""
    split = next(prepared_splits(fingerprint), None)
    return None if split is None else HeldOut(split.test_y, split.test_x, split.mean, split.deviation)


def _from_dataset(frames: Frames, fingerprint: Any) -> HeldOut | None:
    from hpsearch.data import load

    if frames.written is None:
        return None
    try:
        dataset = load(frames.written.data.dataset, None, Path(frames.study["workspace"]))
    except (HpsearchError, OSError, ImportError):
        return None
    return HeldOut(dataset.test_labels, dataset.test_samples) if dataset.fingerprint == fingerprint else None
