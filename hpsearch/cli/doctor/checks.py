"""`doctor`: is this machine, and what is installed on it, all right; and what to fix. May import storage and data.

Changes nothing. Each check gives findings; one that is broken makes the exit status 1.
"""

import importlib.util
import multiprocessing
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from hpsearch import __version__
from hpsearch.cli.doctor import machine
from hpsearch.cli.doctor.extras import EXTRAS
from hpsearch.cli.output import sign, tell
from hpsearch.errors import HpsearchError
from hpsearch.workers.pools.backends import cores

OK, ABSENT, NOTE, BROKEN = "ok", "absent", "note", "broken"
MARKS = {OK: ("✓", "ok    "), ABSENT: ("·", "absent"), NOTE: ("!", "note  "), BROKEN: ("✗", "BROKEN")}
SLOW = 8e9
"""FLOP/s of a core below which BLAS probably lacks kernels for this processor."""
WORKER_MEMORY = 400e6
"""Bytes that a worker needs, with a small network and its images."""
LITTLE, TOO_LITTLE = 2e9, 100e6
"""Bytes of a disk below which it is worth a note, and below which a study would soon stop."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, in words and as values, and what to do about it."""

    topic: str
    state: str
    text: str
    fix: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def examine(storage: str, data_dir: Path | None, *, as_json: bool) -> int:
    """Print what is found, and what to fix; return 1 if anything is broken."""
    checks: list[Callable[[], Iterator[Finding]]] = [
        _python,
        _cores,
        _blas,
        _memory,
        _shared_memory,
        lambda: _disks(storage),
        lambda: _database(storage),
        lambda: _datasets(data_dir),
        _extras,
    ]
    findings = []
    for check in checks:
        for finding in check():
            findings.append(finding)
            if not as_json:
                _show(finding)
    broken, notes = (sum(finding.state == state for finding in findings) for state in (BROKEN, NOTE))
    if as_json:
        tell({"ok": not broken, "findings": findings})
    elif broken:
        click.echo(f"{broken} to fix")
    else:
        click.echo(f"{'nothing is broken' if notes else 'all is well'}; next: hpsearch launch STUDY_FILE")
    return 1 if broken else 0


def _show(finding: Finding) -> None:
    mark = sign(*MARKS[finding.state])
    click.echo(f"{mark} {finding.topic:<14}{finding.text}")
    if finding.fix:
        click.echo(f"{' ' * len(mark)} {'':<14}-> {finding.fix}")


def _python() -> Iterator[Finding]:
    system = f"{platform.system()} {platform.machine()}"
    text = f"{__version__} with Python {platform.python_version()} ({sys.executable}) on {system}"
    facts = {"hpsearch": __version__, "python": platform.python_version(), "executable": sys.executable}
    yield Finding("hpsearch", OK, text, facts=facts | {"machine": system})


def _cores() -> Iterator[Finding]:
    there, ours = os.cpu_count() or 1, cores()
    quota = machine.core_quota()
    facts = {"machine": there, "usable": ours, "quota": quota}
    text = f"{ours} of {there} to use: as many workers unless --workers says otherwise"
    if quota is not None and quota < ours:
        few = max(1, int(quota))
        text = f"{ours} of {there} to see, but the time of {quota:.1f} to use (control group)"
        yield Finding("cores", NOTE, text, f"launch with --workers {few}", facts)
    else:
        yield Finding("cores", OK, text, facts=facts)


def _blas() -> Iterator[Finding]:
    import numpy as np  # noqa: F401 - its BLAS is what is asked about
    import scipy.linalg.blas  # noqa: F401
    from threadpoolctl import threadpool_info

    found = [info for info in threadpool_info() if info.get("user_api") == "blas"]
    rate = machine.sgemm_rate()
    names = {
        f"{info['internal_api']} {info.get('version') or ''} {info.get('architecture', '')}".strip() for info in found
    }
    threads = max((info["num_threads"] for info in found), default=None)
    facts = {"libraries": sorted(names), "threads": threads, "sgemm_gflops": rate / 1e9}
    text = f"{', '.join(sorted(names)) or 'unknown'}; {rate / 1e9:.0f} GFLOP/s of sgemm on one core"
    if not found:
        fix = "the workers cannot be held to one thread each: set OPENBLAS_NUM_THREADS=1 (or MKL_…, OMP_…)"
        yield Finding("BLAS", NOTE, text, fix, facts)
    elif rate < SLOW:
        yield Finding("BLAS", NOTE, text, "slow: is the machine busy, or NumPy not made for this processor?", facts)
    else:
        yield Finding("BLAS", OK, f"{text}; each worker uses one thread", facts=facts)


def _memory() -> Iterator[Finding]:
    free = machine.memory_free()
    if free is None:
        return
    workers = cores()
    facts, text = {"free_bytes": free}, f"{free / 1e9:.1f} GB free"
    if free < workers * WORKER_MEMORY:
        few = max(1, int(free / WORKER_MEMORY))
        fix = f"launch with --workers {few}, or end other programs"
        yield Finding("memory", NOTE, f"{text}, little for {workers} workers", fix, facts)
    else:
        yield Finding("memory", OK, text, facts=facts)


def _shared_memory() -> Iterator[Finding]:
    """Worker processes share locks, which live in /dev/shm on Linux."""
    try:
        multiprocessing.get_context("spawn").Lock()
    except (ImportError, OSError) as error:
        fix = "mount a tmpfs there that can be written (docker: --shm-size), or launch with --backend threading"
        yield Finding("workers", BROKEN, f"processes cannot share a lock ({error}): /dev/shm", fix)
        return
    shared = Path("/dev/shm")
    free = shutil.disk_usage(shared).free if shared.is_dir() else None
    text = "" if free is None else f"; /dev/shm has {free / 1e9:.1f} GB free"
    yield Finding("workers", OK, f"processes can share locks{text}", facts={"shared_memory_bytes": free})


def _disks(storage: str) -> Iterator[Finding]:
    from hpsearch.data.directories import splits_directory

    places = [("cache", splits_directory(), "XDG_CACHE_HOME names another place")]
    prefix = "sqlite:///"
    if storage.startswith(prefix) and len(storage) > len(prefix):
        file = Path(storage.removeprefix(prefix)).expanduser()
        places.insert(0, ("disk", file.absolute().parent, "--storage names another place"))
    for topic, folder, elsewhere in places:
        try:
            yield _disk(topic, folder, elsewhere)
        except OSError as error:
            yield Finding(topic, BROKEN, f"{folder}: {error.strerror or error}", elsewhere)


def _disk(topic: str, folder: Path, elsewhere: str) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free, kind = shutil.disk_usage(there).free, machine.file_system(there)
    facts = {"folder": folder, "free_bytes": free, "file_system": kind}
    text = f"{folder}: {free / 1e9:.1f} GB free"
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Finding(
            topic, BROKEN, f"{folder}: cannot be written", f"check the permissions of {there}; {elsewhere}", facts
        )
    if free < TOO_LITTLE:
        return Finding(topic, BROKEN, text, f"make room; {elsewhere}", facts)
    if topic == "disk" and machine.shared_by_machines(kind):
        fix = "SQLite's locks may not hold there: use a disk of this machine, or a PostgreSQL server"
        return Finding(topic, NOTE, f"{text}, on a network's file system ({kind})", fix, facts)
    return Finding(
        topic, NOTE if free < LITTLE else OK, text, f"make room; {elsewhere}" if free < LITTLE else None, facts
    )


def _database(storage: str) -> Iterator[Finding]:
    from sqlalchemy.exc import SQLAlchemyError

    from hpsearch.storage import reading
    from hpsearch.storage.database import NoTablesError, opened_to_read
    from hpsearch.storage.places import place_of
    from hpsearch.storage.sqlite.file import File

    try:
        place = place_of(storage)
        if not place.exists():
            yield Finding("database", OK, f"{place.shown}: not there yet; `hpsearch launch` makes it")
            return
        place.require_writable()
        with opened_to_read(storage) as connection:
            names = reading.study_names(connection)
    except (HpsearchError, SQLAlchemyError) as error:
        if isinstance(error, NoTablesError) and not isinstance(place, File):  # on a server it must be made beforehand
            yield Finding("database", OK, f"{place.shown}: no studies yet; `hpsearch launch` makes the tables")
        else:
            yield Finding("database", BROKEN, " ".join(str(error).split()))
        return
    text = f"{place.shown}: {len(names)} {'study' if len(names) == 1 else 'studies'}"
    yield Finding("database", OK, text, facts={"studies": len(names)})


def _datasets(data_dir: Path | None) -> Iterator[Finding]:
    from hpsearch import data

    folder = data.data_directory(data_dir)
    there = folder.is_dir() and any(folder.glob("cifar-10-*"))
    text = f"digits; CIFAR-10 {'is' if there else 'would be looked for'} in {folder}"
    yield Finding(
        "datasets", OK if there else ABSENT, text, None if there else "hpsearch data fetch cifar10", {"cifar10": there}
    )


def _extras() -> Iterator[Finding]:
    missing = {}
    there = []
    for extra, (modules, purpose) in EXTRAS.items():
        if all(importlib.util.find_spec(module) for module in modules):
            there.append(extra)
        else:
            missing[extra] = purpose
    facts = {"installed": there, "missing": list(missing)}
    yield Finding("extras", OK, f"installed: {', '.join(there) or 'none'}", facts=facts)
    for extra, purpose in missing.items():
        yield Finding(extra, ABSENT, f"not installed; for {purpose}", f"pip install 'hpsearch[{extra}]'")
