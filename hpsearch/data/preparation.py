"""Draws, standardises and writes a split once, in a cache. May import NumPy and `hpsearch.errors`."""

import hashlib
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data import cache as splits
from hpsearch.data.augmentation import mirror
from hpsearch.data.dataset import Dataset, Labels, Samples
from hpsearch.data.directories import splits_directory
from hpsearch.data.sources.targets import hint_of
from hpsearch.data.split import META, Statistics
from hpsearch.data.stratification import Fold, Rows, apportion, divide, draw, fold_sizes, generator_of
from hpsearch.data.tables.columns import Columns
from hpsearch.errors import DataError

_FORMAT = 1  # to be raised whenever the same request would give other files
_ATTEMPTS = 3
_CHUNK_BYTES = 4 * 2**20  # of float64: stays in the processor's cache

Block = npt.NDArray[np.float64]
"""Some samples (n, features) before they are written."""


def prepare(
    dataset: Dataset,
    *,
    train: int,
    validation: int,
    seed: int,
    cache: Path | None = None,
    fold: Fold | None = None,
    mirrored: bool = False,
    whole: bool = False,
) -> Path:
    """Return the folder of the split with these sizes, written now or found in `cache` (default: the user's).

    Samples are drawn with `seed`, stratified by class, in a regression at random; the test set is always whole. All are
    standardised with the mean and deviation of the training samples, and so are the targets of a regression. With
    `fold` = (i, n) the train + validation samples are divided into n folds of sizes `fold_sizes(train + validation,
    n)`, of which the i-th, from 0, validates. `mirrored` stores the images to train on a second time, mirrored left
    to right. With `whole` the samples to train on are those of all three sets, with their own mean and deviation. The
    same request gives the same bytes.

    Raises `DataError` if the sizes cannot be had or the cache cannot be written.
    """
    labels = np.zeros(len(dataset.labels), np.int64) if dataset.targets else dataset.labels  # as if of one class
    sizes = np.bincount(labels, minlength=len(dataset.classes))
    _check_sizes(dataset, sizes, train, validation, fold)
    special = {key: value for key, value in (("fold", fold), ("mirrored", mirrored), ("whole", whole)) if value}
    asked = special | ({"columns": dataset.feature_names} if dataset.columns else {})  # names are not in a fingerprint
    request = json.dumps([_FORMAT, dataset.fingerprint, train, validation, seed, *([asked] if asked else [])])
    key = hashlib.sha256(request.encode()).hexdigest()[:32]
    directory = splits_directory(cache)
    path = directory / f"{key}{splits.SUFFIX}"
    for attempt in range(_ATTEMPTS):
        if splits.usable(path):
            break
        rows = draw(labels, sizes, (train, validation), seed, "split", fold)
        source, rows = _joined(dataset, rows, seed) if whole else (dataset, rows)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _write(source, rows, {"key": key, **special}, path)
            splits.limit(directory, keep=path)
            break
        except OSError as error:
            if isinstance(error, FileNotFoundError) and attempt < _ATTEMPTS - 1:
                continue  # somebody has deleted the cache in the meantime
            why = f"{error.strerror or error}; XDG_CACHE_HOME names another place for the cache"
            raise DataError(f"{directory}: cannot write the prepared split: {why}") from error
    splits.mark_used(path)
    return path


def _joined(dataset: Dataset, rows: tuple[Rows, Rows], seed: int) -> tuple[Dataset, tuple[Rows, Rows]]:
    """The dataset with the test samples at its end, and the rows of all sets in a random order, to train on."""
    count = len(dataset.labels)
    every = np.concatenate([*rows, np.arange(count, count + len(dataset.test_labels))])
    samples = np.concatenate([dataset.samples, dataset.test_samples])
    joined = replace(dataset, samples=samples, labels=np.concatenate([dataset.labels, dataset.test_labels]))
    return joined, (generator_of(seed, "whole").permutation(every), rows[1])


def _check_sizes(dataset: Dataset, sizes: Labels, train: int, validation: int, fold: Fold | None) -> None:
    """Refuse sizes that need more samples than there are, or leave a class without any."""
    name, samples = dataset.name, len(dataset.labels)
    for key, value in (("train", train), ("validation", validation)):
        if value < 1:
            raise DataError(f"data.{key} must be at least 1, got {value}")
    if train + validation > samples:
        given = f"{train:,} + {validation:,}"
        raise DataError(f"data.train + data.validation must be at most {samples:,} for {name}, got {given}")
    if fold is not None:
        _check_fold(dataset, sizes, train, validation, fold)
        return
    for label, mask in enumerate(divide(sizes, train, validation)) if dataset.classes else ():
        t, v = int(np.sum(~mask)), int(np.sum(mask))
        if t < 1 or v < 1:
            rule = f"must each get a sample of every class of {name}"
            held = int(np.sum(dataset.test_labels == label))
            count = f"{sizes[label]:,} samples" + f" beside the {held:,} to test on" * bool(held)
            which = f"class {dataset.classes[label]!r} ({count}) gives {t:,} and {v:,}"
            sizes_given = f"data.train = {train:,} and data.validation = {validation:,}"
            raise DataError(f"{sizes_given} {rule}, but {which}{hint_of(dataset.classes)}")


def _check_fold(dataset: Dataset, sizes: Labels, train: int, validation: int, fold: Fold) -> None:
    """Refuse more folds than a class has samples, and a validation set of another size than the fold has."""
    index, folds = fold
    if folds < 2:
        raise DataError(f"data.validation.folds must be at least 2, got {folds}")
    assert 0 <= index < folds
    drawn = apportion(train + validation, sizes)
    if folds > drawn.min() and dataset.targets:
        rule = f"must be at most {train + validation:,}, the samples drawn"
        raise DataError(f"data.validation.folds {rule}, got {folds}")
    if folds > drawn.min():
        which = f"class {dataset.classes[drawn.argmin()]!r} of {dataset.name} has {drawn.min():,} of those drawn"
        raise DataError(f"data.validation.folds must each get a sample of every class, but {which}, got {folds} folds")
    size = fold_sizes(train + validation, folds)[index]
    if validation != size:
        rule = f"fold {index + 1} of {folds} of {train + validation:,} samples must have {size:,} to validate on"
        raise DataError(f"{rule}, got data.validation = {validation:,}")


def _write(dataset: Dataset, rows: tuple[Rows, Rows], meta: dict[str, Any], path: Path) -> None:
    """Write the split beside `path`, then rename it: `path` is complete even if this or another process is killed."""
    temporary = path.with_suffix(f".{uuid.uuid4().hex}{splits.TEMPORARY}")
    temporary.mkdir()
    try:
        _write_arrays(dataset, rows, meta, temporary)
        splits.install(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_arrays(dataset: Dataset, rows: tuple[Rows, Rows], meta: dict[str, Any], folder: Path) -> None:
    """Write all files of a split; `meta` identifies it, and is stored with a description of the dataset."""
    train, validation = rows
    test = np.arange(len(dataset.test_labels))
    columns = dataset.columns
    encode: Callable[[Block], Block] = _as_it_is
    if columns is None or columns.is_plain:
        mean, deviation = _statistics(dataset.samples, train)
    else:
        rows_to_learn = dataset.samples[train].astype(np.float64)
        columns = columns.learned_from(rows_to_learn)
        encode = columns.encode
        mean, deviation = _statistics_of_table(columns, encode(rows_to_learn))
    _save(folder / "mean.npy", mean)
    _save(folder / "deviation.npy", deviation)
    meta = {
        **meta,
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "classes": dataset.classes,
        "image_shape": dataset.image_shape,
    }
    if columns:
        meta["columns"] = columns.to_json()
    if dataset.targets:
        meta["targets"] = dataset.targets
        _write_targets(dataset, rows, 2 if meta.get("mirrored") else 1, folder)
    for part, samples, labels, chosen in (
        ("train", dataset.samples, dataset.labels, train),
        ("validation", dataset.samples, dataset.labels, validation),
        ("test", dataset.test_samples, dataset.test_labels, test),
    ):
        blocks: Iterator[Block] = map(encode, _blocks(samples, chosen))
        copies = 1
        if part == "train" and meta.get("mirrored"):
            blocks, copies = chain(blocks, _mirrored(samples, chosen, dataset.image_shape)), 2
        shape = (copies * len(chosen), dataset.features)
        _save_standardised(folder / f"{part}_x.npy", shape, blocks, mean, deviation)
        if not dataset.targets:
            _save(folder / f"{part}_y.npy", np.tile(labels[chosen], copies))
        meta[part] = copies * len(chosen)
    (folder / META).write_text(json.dumps(meta), "utf-8")


def _write_targets(dataset: Dataset, rows: tuple[Rows, Rows], copies: int, folder: Path) -> None:
    """Write the targets of each part in their own units, and standardised like a feature."""
    targets, (train, validation) = dataset.labels, rows
    mean, deviation = _statistics(targets, train)
    _save(folder / "target_mean.npy", mean)
    _save(folder / "target_deviation.npy", deviation)
    for part, values in (
        ("train", np.tile(targets[train], (copies, 1))),
        ("validation", targets[validation]),
        ("test", dataset.test_labels),
    ):
        _save(folder / f"{part}_targets.npy", values)
        _save(folder / f"{part}_y.npy", ((values - mean) / deviation).astype("<f4"))


def _statistics(samples: Samples, rows: Rows) -> tuple[Statistics, Statistics]:
    """Return mean and deviation (features,) of the rows: two passes in float64, added row by row in a fixed order."""
    first = samples[rows[0]].astype(np.float64)
    total = np.zeros(samples.shape[1])
    varies = np.zeros(samples.shape[1], np.bool_)
    for block in _blocks(samples, rows):
        total += block.sum(axis=0)
        varies |= (block != first).any(axis=0)
    mean = np.where(varies, total / len(rows), first)  # the mean of equal fractions is rounded: not quite their value
    squares = np.zeros_like(mean)
    for block in _blocks(samples, rows):
        block -= mean
        np.square(block, out=block)
        squares += block.sum(axis=0)
    deviation = np.sqrt(squares / len(rows))
    deviation[deviation == 0] = 1  # a feature that never changes, such as a corner of the digits, becomes 0
    return mean, deviation


def _statistics_of_table(columns: Columns, encoded: Block) -> tuple[Statistics, Statistics]:
    """Return mean and deviation (features,) of encoded rows, with gaps; codes are left as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a column without any value in these rows
        mean, deviation = np.nanmean(encoded, axis=0), np.nanstd(encoded, axis=0)
    codes = columns.are_codes | ~np.isfinite(mean)
    return np.where(codes, 0.0, mean), np.where(codes | ~(deviation > 1e-12 * np.abs(mean)), 1.0, deviation)


def _as_it_is(block: Block) -> Block:
    return block


def _save_standardised(
    path: Path, shape: tuple[int, int], blocks: Iterable[Block], mean: Statistics, deviation: Statistics
) -> None:
    """Write (blocks − mean) / deviation as float32, a block at a time.

    Ordinary writes, since a full disk raises there but kills the process on a memory map.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for block in blocks:
            block -= mean
            block /= deviation
            file.write(block.astype("<f4").data)
        _flush(file.fileno())


def _mirrored(samples: Samples, rows: Rows, image_shape: tuple[int, int, int]) -> Iterator[Block]:
    """Yield the images as `_blocks` does, but mirrored; the mean to subtract is that of the unmirrored ones."""
    return (mirror(block, image_shape) for block in _blocks(samples, rows))


def _blocks(samples: Samples, rows: Rows) -> Iterator[Block]:
    count = max(1, _CHUNK_BYTES // (8 * samples.shape[1]))
    for start in range(0, len(rows), count):
        yield samples[rows[start : start + count]].astype(np.float64)


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        _flush(file.fileno())


def _flush(descriptor: int) -> None:
    """Wait until the file is on the disk: a power cut after the rename must not leave zeros in it."""
    os.fsync(descriptor)
