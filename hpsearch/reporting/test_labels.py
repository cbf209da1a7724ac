"""The test images' true labels, which the database does not hold: from a prepared split, else from the dataset itself.

May import NumPy, spec and `hpsearch.data`, the latter only where they are asked for.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import HpsearchError
from hpsearch.reporting.frames import Frames


@dataclass(frozen=True)
class HeldOut:
    """True classes (images,), and the images themselves, (images, features), to be shown on a scale of their own."""

    labels: NDArray[np.int64]
    pixels: NDArray[Any]
    mean: NDArray[np.float64] | float = 0.0
    deviation: NDArray[np.float64] | float = 1.0

    def image(self, index: int) -> NDArray[np.float64]:
        """Return one image's pixels (features,) as they were before they were standardised."""
        return np.asarray(self.pixels[index] * self.deviation + self.mean, dtype=np.float64)


def held_out(frames: Frames) -> HeldOut | None:
    """Return the test images of the study's dataset, None where neither a split nor the dataset is at hand."""
    fingerprint = (frames.study["data"] or {}).get("fingerprint")
    return _from_cache(fingerprint) or _from_dataset(frames, fingerprint)


def _from_cache(fingerprint: Any) -> HeldOut | None:
    """Every split of a dataset has all its test images, in the dataset's order."""
    from hpsearch.data import open_split
    from hpsearch.data.cache import SUFFIX
    from hpsearch.data.directories import splits_directory
    from hpsearch.data.split import META

    for folder in sorted(splits_directory().glob(f"*{SUFFIX}")):
        try:
            if json.loads((folder / META).read_text("utf-8")).get("fingerprint") == fingerprint:
                split = open_split(folder)
                return HeldOut(split.test_y, split.test_x, split.mean, split.deviation)
        except (OSError, ValueError, AttributeError, HpsearchError):
            continue
    return None


def _from_dataset(frames: Frames, fingerprint: Any) -> HeldOut | None:
    from hpsearch.data import load

    if frames.written is None:
        return None
    try:
        dataset = load(frames.written.data.dataset, None, Path(frames.study["workspace"]))
    except (HpsearchError, OSError, ImportError):
        return None
    return HeldOut(dataset.test_labels, dataset.test_samples) if dataset.fingerprint == fingerprint else None
