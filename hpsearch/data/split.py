"""A prepared split on disk: the files of its folder, and how it is opened. May import NumPy and `hpsearch.errors`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.dataset import Targets, Task
from hpsearch.data.stratification import Fold
from hpsearch.data.tables.columns import Columns
from hpsearch.errors import DataError

META = "meta.json"
PARTS = ("train", "validation", "test")

Standardised = npt.NDArray[np.float32]
Statistics = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Split:
    """A dataset divided into training, validation and test set, and standardised; all arrays are read-only.

    train_x, validation_x, test_x: (n, features) float32 in C order, memory-mapped, so that processes share one copy.
    train_y, validation_y, test_y: (n,) int64 in [0, len(classes)); in a regression (n, T) float32, standardised.
    mean, deviation: (features,) float64 of the unscaled training samples; a deviation of 0 was taken as 1.
    columns: those of a table, as its training rows taught them; the features are what they encode.
    targets: the names of a regression's targets, () otherwise. Of a regression alone: target_mean, target_deviation
    (T,) float64, as those of the features; train_targets, validation_targets, test_targets (n, T) float64, exactly as
    in the dataset, in their own units.
    fingerprint: the dataset's. key: a hash of the fingerprint, the sizes, the seed and the fold.
    samples: the number of distinct training samples. If mirrored, train_x has twice as many rows: row i + samples is
    the mirror image of row i. Any first n of the samples are a random subset with the class proportions of the whole.
    fold: (which fold validates, from 0; of how many) in cross-validation, else None.
    """

    path: Path
    name: str
    train_x: Standardised
    train_y: npt.NDArray[Any]
    validation_x: Standardised
    validation_y: npt.NDArray[Any]
    test_x: Standardised
    test_y: npt.NDArray[Any]
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    mean: Statistics
    deviation: Statistics
    fingerprint: str
    key: str
    samples: int
    mirrored: bool
    fold: Fold | None
    columns: Columns | None = None
    targets: tuple[str, ...] = ()
    target_mean: Statistics | None = None
    target_deviation: Statistics | None = None
    train_targets: Targets | None = None
    validation_targets: Targets | None = None
    test_targets: Targets | None = None

    @property
    def task(self) -> Task:
        """Whether its labels are classes or the values of a regression."""
        return "regression" if self.targets else "classification"

    def in_units(self, values: npt.NDArray[Any]) -> Targets:
        """Return standardised values (…, T) of the targets in their own units; only a regression has them."""
        assert self.target_mean is not None
        assert self.target_deviation is not None
        return np.asarray(values.astype(np.float64) * self.target_deviation + self.target_mean)


def open_split(path: Path) -> Split:
    """Open the split that `prepare` left at `path`. Raises `DataError` if it is missing, truncated or changed."""
    try:
        meta = json.loads((path / META).read_text("utf-8"))
        features = int(np.prod(meta["image_shape"]))
        arrays: dict[str, Any] = {name: _open(path, name, np.float64, (features,)) for name in ("mean", "deviation")}
        targets = tuple(meta.get("targets", ()))
        for part in PARTS:
            arrays[f"{part}_x"] = _open(path, f"{part}_x", np.float32, (meta[part], features))
            shape, kind = ((meta[part], len(targets)), np.float32) if targets else ((meta[part],), np.int64)
            arrays[f"{part}_y"] = _open(path, f"{part}_y", kind, shape)
            if targets:
                arrays[f"{part}_targets"] = _open(path, f"{part}_targets", np.float64, shape)
        for name in ("target_mean", "target_deviation") if targets else ():
            arrays[name] = _open(path, name, np.float64, (len(targets),))
        mirrored = bool(meta.get("mirrored", False))
        return Split(
            path=path,
            name=meta["name"],
            classes=tuple(meta["classes"]),
            image_shape=tuple(meta["image_shape"]),
            fingerprint=meta["fingerprint"],
            key=meta["key"],
            samples=meta["train"] // 2 if mirrored else meta["train"],
            mirrored=mirrored,
            fold=tuple(meta["fold"]) if "fold" in meta else None,
            columns=Columns.from_json(meta["columns"]) if "columns" in meta else None,
            targets=targets,
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a complete prepared split; start the study again to prepare it anew") from error


def _open(path: Path, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Open one array, samples as a memory map, others in memory; its type, shape and size must be as expected."""
    file = path / f"{name}.npy"
    mapped = np.lib.format.open_memmap(file, mode="r")
    if mapped.dtype != dtype or mapped.shape != shape or not mapped.flags.c_contiguous:
        raise ValueError(f"{file}: {mapped.dtype} {mapped.shape}")
    if file.stat().st_size != mapped.offset + mapped.nbytes:
        raise ValueError(f"{file}: more bytes than the array has")
    array = np.asarray(mapped) if name.endswith("_x") else np.array(mapped)  # plain arrays: slicing a memmap is slow
    array.setflags(write=False)
    return array
