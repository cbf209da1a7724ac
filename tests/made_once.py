"""What each of hundreds of studies would make anew in the tests' process, made once: half the time of a small study.

Nothing of a study's own is shared; processes that a test starts make all for themselves.
"""

import contextlib
import functools
import shutil
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MAKING = {f"test_storage_{name}.py" for name in ("contract", "file", "full_disk", "locks", "upgrade")}
"""The tests of how a database is made."""


@contextlib.contextmanager
def migrations() -> Iterator[None]:
    """Let Optuna import its migrations once a process, not for each new database."""
    from optuna.storages._rdb.storage import _VersionManager as Versions

    read, directories = Versions._create_alembic_script, []

    def once(self):
        if not directories:
            directories.append(read(self))
        return directories[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Versions, "_create_alembic_script", once)
        yield


@contextlib.contextmanager
def digits() -> Iterator[None]:
    """Read the digits, whose arrays cannot be written, once: scikit-learn has them as text."""
    from hpsearch.data.sources import digits

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "read_digits", functools.cache(digits.read_digits))
        yield


@contextlib.contextmanager
def statements() -> Iterator[None]:
    """Let all SQLite engines share what SQLAlchemy compiles from their statements; it keeps that by engine."""
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as Dialect
    from sqlalchemy.engine import Engine
    from sqlalchemy.util import LRUCache

    make, compiled = Engine.__init__, LRUCache(2000)

    def made(engine, *given, **named):
        make(engine, *given, **named)
        if type(engine.dialect) is Dialect:
            engine._compiled_cache = compiled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "__init__", made)
        patch.setattr(Dialect, "__eq__", lambda one, other: type(one) is type(other))  # part of the cache's keys
        patch.setattr(Dialect, "__hash__", lambda one: hash(type(one)))
        yield


@contextlib.contextmanager
def database(empty: Path) -> Iterator[None]:
    """Begin each new SQLite database as a copy of an empty one, instead of table by table."""
    from hpsearch.storage.sqlite.file import File

    open_writer = File.open_writer

    def opened(self):
        if not self.path.exists():
            shutil.copyfile(empty, self.path)
        return open_writer(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(File, "open_writer", opened)
        yield


@contextlib.contextmanager
def processes(pools: dict[int, Any]) -> Iterator[None]:
    """Let all studies of as many workers have the processes of one pool, kept in `pools`: each starts in a second."""
    from hpsearch.workers.pools import loky

    make = loky.LokyPool

    def lend(workers):
        pool = pools.get(workers) or make(workers)
        pools[workers] = pool
        return types.SimpleNamespace(
            capacity=pool.capacity, submit=pool.submit, warm=pool.warm, poll=pool.poll, close=lambda: None
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loky, "LokyPool", lend)
        yield
