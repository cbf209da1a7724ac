"""`doctor`: check this machine and what is installed on it, and say what to fix. May import storage and data.

Changes nothing. Each check yields findings; a broken one makes the exit status 1.
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

from hpsearch.cli.doctor import machine
from hpsearch.cli.doctor.extras import EXTRAS
from hpsearch.cli.output import print_json, symbol
from hpsearch.errors import HpsearchError
from hpsearch.platform import cores
from hpsearch.version import __version__

OK, ABSENT, NOTE, BROKEN = "ok", "absent", "note", "broken"
MARKS = {OK: ("✓", "ok    "), ABSENT: ("·", "absent"), NOTE: ("!", "note  "), BROKEN: ("✗", "BROKEN")}
SLOW = 8e9
"""FLOP/s of a core below which BLAS probably lacks kernels for this processor."""
WORKER_MEMORY = 400e6
"""Bytes that a worker needs, with a small network and its samples."""
LOW_SPACE, TOO_LITTLE_SPACE = 2e9, 100e6
"""Free bytes of a disk below which there is a note, and below which a study would soon stop."""


@dataclass(frozen=True)
class Finding:
    """What was checked, its state, a description as text and as values, and how to fix it."""

    topic: str
    state: str
    text: str
    fix: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def run_checks(storage: str, data_dir: Path | None, *, as_json: bool) -> int:
    """Print the findings; return 1 if anything is broken."""
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
                _print_finding(finding)
    broken, notes = (sum(finding.state == state for finding in findings) for state in (BROKEN, NOTE))
    if as_json:
        print_json({"ok": not broken, "findings": findings})
    elif broken:
        click.echo(f"{broken} to fix")
    else:
        click.echo(f"{'nothing is broken' if notes else 'everything is ok'}; next: hpsearch launch STUDY_FILE")
    return 1 if broken else 0


def _print_finding(finding: Finding) -> None:
    mark = symbol(*MARKS[finding.state])
    click.echo(f"{mark} {finding.topic:<14}{finding.text}")
    if finding.fix:
        click.echo(f"{' ' * len(mark)} {'':<14}-> {finding.fix}")


def _python() -> Iterator[Finding]:
    system = f"{platform.system()} {platform.machine()}"
    text = f"{__version__} with Python {platform.python_version()} ({sys.executable}) on {system}"
    facts = {"hpsearch": __version__, "python": platform.python_version(), "executable": sys.executable}
    yield Finding("hpsearch", OK, text, facts=facts | {"machine": system})


def _cores() -> Iterator[Finding]:
    installed, usable = os.cpu_count() or 1, cores()
    quota = machine.core_quota()
    facts = {"machine": installed, "usable": usable, "quota": quota}
    text = f"{usable} of {installed} usable: the default of --workers"
    if quota is not None and quota < usable:
        few = max(1, int(quota))
        text = f"{usable} of {installed} visible, but the control group allows the time of {quota:.1f}"
        yield Finding("cores", NOTE, text, f"launch with --workers {few}", facts)
    else:
        yield Finding("cores", OK, text, facts=facts)


def _blas() -> Iterator[Finding]:
    import numpy as np  # noqa: F401 - loads the BLAS that is checked
    from threadpoolctl import threadpool_info

    from hpsearch.nn import blas  # noqa: F401

    found = [info for info in threadpool_info() if info.get("user_api") == "blas"]
    rate = machine.sgemm_rate()
    names = {
        f"{info['internal_api']} {info.get('version') or ''} {info.get('architecture', '')}".strip() for info in found
    }
    threads = max((info["num_threads"] for info in found), default=None)
    facts = {"libraries": sorted(names), "threads": threads, "sgemm_gflops": rate / 1e9}
    text = f"{', '.join(sorted(names)) or 'unknown'}; {rate / 1e9:.0f} GFLOP/s of sgemm on one core"
    if not found:
        fix = "the workers cannot be limited to one thread each: set OPENBLAS_NUM_THREADS=1 (or MKL_…, OMP_…)"
        yield Finding("BLAS", NOTE, text, fix, facts)
    elif rate < SLOW:
        yield Finding("BLAS", NOTE, text, "slow: is the machine busy, or NumPy built for another processor?", facts)
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
        yield Finding("memory", NOTE, f"{text}, too little for {workers} workers", fix, facts)
    else:
        yield Finding("memory", OK, text, facts=facts)


def _shared_memory() -> Iterator[Finding]:
    """Worker processes share locks, which are in /dev/shm on Linux."""
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
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free, kind = shutil.disk_usage(existing).free, machine.file_system(existing)
    facts = {"folder": folder, "free_bytes": free, "file_system": kind}
    text = f"{folder}: {free / 1e9:.1f} GB free"
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Finding(
            topic, BROKEN, f"{folder}: cannot be written", f"check the permissions of {existing}; {elsewhere}", facts
        )
    if free < TOO_LITTLE_SPACE:
        return Finding(topic, BROKEN, text, f"make room; {elsewhere}", facts)
    if topic == "disk" and machine.is_network(kind):
        fix = "SQLite's locks may not work there: use a disk of this machine, or a PostgreSQL server"
        return Finding(topic, NOTE, f"{text}, on a network file system ({kind})", fix, facts)
    return Finding(
        topic, NOTE if free < LOW_SPACE else OK, text, f"make room; {elsewhere}" if free < LOW_SPACE else None, facts
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
    found = folder.is_dir() and any(folder.glob("cifar-10-*"))
    text = f"digits; CIFAR-10 {'is' if found else 'is expected'} in {folder}"
    yield Finding(
        "datasets", OK if found else ABSENT, text, None if found else "hpsearch data fetch cifar10", {"cifar10": found}
    )


def _extras() -> Iterator[Finding]:
    missing = {}
    installed = []
    for extra, (modules, purpose) in EXTRAS.items():
        if all(importlib.util.find_spec(module) for module in modules):
            installed.append(extra)
        else:
            missing[extra] = purpose
    facts = {"installed": installed, "missing": list(missing)}
    yield Finding("extras", OK, f"installed: {', '.join(installed) or 'none'}", facts=facts)
    for extra, purpose in missing.items():
        yield Finding(extra, ABSENT, f"not installed; for {purpose}", f"pip install 'hpsearch[{extra}]'")
