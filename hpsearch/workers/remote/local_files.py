"""A segment's split and model file on this machine: at the coordinator's paths, or in this user's cache.

May import data.
"""

import hashlib
import os
import socket
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpsearch.data import cache
from hpsearch.data.directories import splits_directory
from hpsearch.data.split import open_split
from hpsearch.errors import DataError, HpsearchError
from hpsearch.platform import BINARY
from hpsearch.workers.remote.messages import Chunk, Missing, Refused, Request
from hpsearch.workers.segments.failures import TrainingError
from hpsearch.workers.segments.segment import Segment


def located(request: Request) -> Any:
    """The argument of the request's call with this machine's paths; or why the call cannot be run."""
    segment = request.given
    if not isinstance(segment, Segment):
        return segment
    own = splits_directory() / segment.split.name
    split = next((path for path in (segment.split, own) if _holds(path, segment.split.stem)), None)
    if split is None:
        return Missing(socket.gethostname(), str(splits_directory()))
    cache.mark_used(split)
    try:
        return replace(segment, split=split, model=_model(segment, request.model or ""))
    except OSError as error:
        return Refused(f"it cannot keep a model file ({error})")


def _holds(path: Path, key: str) -> bool:
    try:
        return open_split(path).key == key
    except DataError:
        return False


def _model(segment: Segment, text: str) -> Path | str:
    """The path of a model file with this hash; of an installed class its name, for whose version facts are compared."""
    if isinstance(segment.model, str):
        return segment.model
    if _hash_of(segment.model) == segment.model_hash:
        return segment.model
    kept = splits_directory().parent / "models" / segment.model_hash / segment.model.name
    if _hash_of(kept) != segment.model_hash:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{uuid.uuid4().hex}{cache.TEMPORARY}")
        temporary.write_bytes(text.encode())
        temporary.replace(kept)
    return kept


def _hash_of(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_text("utf-8").encode()).hexdigest()
    except (OSError, UnicodeDecodeError):
        return None


def with_coordinator_paths(error: BaseException, original: Any, here: Any) -> Exception:
    """The error with the coordinator's paths: the reason of a failed trial does not depend on where it trained."""
    there = (str(here.model), str(original.model)) if isinstance(here, Segment) else ("", "")
    if there[0] == there[1]:
        return error if isinstance(error, Exception) else TrainingError.of(error)
    if isinstance(error, HpsearchError):
        return type(error)(str(error).replace(*there))
    failure = error if isinstance(error, TrainingError) else TrainingError.of(error)
    return TrainingError(failure.reason.replace(*there), failure.trace.replace(*there))


def keep(chunk: Chunk) -> None:
    """Write part of a split; with the last part, check all files and install the split in the cache.

    Raises DataError if it cannot be written or is damaged.
    """
    assert Path(chunk.key).name == chunk.key
    assert Path(chunk.file).name == chunk.file
    directory = splits_directory()
    arriving = directory / f"{chunk.key}.{chunk.sender}{cache.TEMPORARY}"
    try:
        if chunk.hashes:
            _check(arriving, chunk.hashes)
            cache.install(arriving, directory / f"{chunk.key}{cache.SUFFIX}")
            cache.limit(directory, keep=directory / f"{chunk.key}{cache.SUFFIX}")
            return
        arriving.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(arriving / chunk.file, os.O_WRONLY | os.O_CREAT | BINARY, 0o644)
        with open(descriptor, "wb") as file:
            file.seek(chunk.offset)
            file.write(chunk.content)
    except OSError as error:
        raise DataError(f"{directory}: the prepared split cannot be stored: {error.strerror or error}") from None


def _check(folder: Path, hashes: tuple[tuple[str, str], ...]) -> None:
    for name, wanted in hashes:
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                raise DataError(f"{folder}: {name} was damaged in transfer")
            os.fsync(file.fileno())
