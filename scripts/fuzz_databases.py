"""Databases that are damaged in many ways, or another program's, for `scripts/fuzz --kind databases`."""

import json
import random
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from fuzz_inputs import at, places

NASTY: list[Any] = [
    *(None, 0, 1, -1, 2, 255, 2**31, 2**31 - 1, 2**62, -(2**63), 0.5, -1.5, 1e300, float("inf"), float("-inf")),
    *("", "x", "running", "complete", "final", "coarse", "null", "{}", "[]", "[1]", '{"a": 1}', '"x"', "{", "nan"),
    *("\x1b[31m", "\u202egnal", "a\0b", "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00", "9" * 400, "[" * 5000),
    *(b"", b"\xff", b"\0" * 8, b"x" * 1000, b"PK\x03\x04"),
]

INSIDE: list[Any] = [None, 0, -1, 2**40, 0.5, 1e300, "", "x", "accuracy", True, [], {}, [1], {"a": 1}, [[None]]]

COMMANDS = (
    *(["status"], ["status", "--json"], ["status", "known"], ["status", "known", "--trial", "coarse:0"]),
    *(
        ["status", "half", "--failures"],
        ["digest", "known"],
        ["digest", "half"],
        ["verify", "known"],
        ["verify", "half"],
    ),
    *(["report", "known", "--format", "csv"], ["report", "half", "--format", "csv"], ["compare", "known", "half"]),
    *(["copy", "known", "--to", "sqlite:///copy.db"], ["export", "known", "--format", "npz", "--to", "w.npz"]),
    *(["export", "known", "--format", "tensorboard", "--to", "tb"], ["resume", "half"], ["resume", "known"]),
    *(["launch", "known.toml", "--or-resume"], ["launch", "new.toml"], ["top", "--once"], ["delete", "half", "--yes"]),
    *(["upgrade"], ["load", "known"], ["load", "half"]),
)
"""`load` stands for `hpsearch.load` and what a notebook shows of it."""


class Damager:
    """Damages a copy of one database in one way after another."""

    def __init__(self, path: Path, seed: int) -> None:
        self.random, self.content = random.Random(seed), path.read_bytes()
        with closing(sqlite3.connect(path)) as connection:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            self.tables = [row[0] for row in connection.execute(query)]
            self.columns = {
                table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in self.tables
            }
            self.full = [t for t in self.tables if connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0]]
        self.ours = [table for table in self.full if table.startswith("hpsearch")]
        self.kinds: dict[str, tuple[int, Callable[..., Any]]] = {
            "flip": (5, self._flip),
            "truncate": (2, self._truncate),
            "page": (3, self._page),
            "set": (12, self._set),
            "text": (2, self._no_text),
            "json": (8, self._json),
            "blob": (6, self._blob),
            "swap": (6, self._swap),
            "delete": (6, self._delete),
            "drop": (3, self._drop),
            "foreign": (2, self._foreign),
        }

    def damage(self, path: Path) -> str:
        """Write a damaged database to `path`; return what was done to it."""
        names = list(self.kinds)
        kind = self.random.choices(names, [self.kinds[name][0] for name in names])[0]
        while True:
            path.write_bytes(self.content)
            with suppress(
                sqlite3.Error, StopIteration, ValueError, OverflowError
            ):  # a constraint, or nothing to damage
                if (done := self.kinds[kind][1](path)) is not None:
                    return f"{kind} {done}"

    def _flip(self, path: Path) -> str:
        content = bytearray(self.content)
        places = [self.random.randrange(len(content)) for _ in range(self.random.choice([1, 1, 3, 50]))]
        for place in places:
            content[place] ^= 1 << self.random.randrange(8)
        path.write_bytes(content)
        return f"{len(places)} bits, the first in byte {places[0]}"

    def _truncate(self, path: Path) -> str:
        size = self.random.choice([0, 1, 100, 4096, 8192, self.random.randrange(len(self.content))])
        path.write_bytes(self.content[:size])
        return f"to {size}"

    def _page(self, path: Path) -> str:
        content, page = bytearray(self.content), self.random.randrange(len(self.content) // 4096)
        other = self.random.randrange(len(self.content) // 4096)
        new = self.random.choice([bytes(4096), self.random.randbytes(4096), content[other * 4096 :][:4096]])
        content[page * 4096 : (page + 1) * 4096] = new
        path.write_bytes(content)
        return f"{page}"

    def _changed(self, path: Path, work: Callable[[sqlite3.Connection], str | None]) -> str | None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            return work(connection)

    def _cell(self, connection: sqlite3.Connection, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """Table, column and row of a cell of ours (now and then of Optuna's), and what is in it."""
        table = self.random.choice(self.ours if self.random.random() < 0.8 else self.full)
        column = self.random.choice(self.columns[table])
        query = f"SELECT rowid, {column} FROM {table} ORDER BY random() LIMIT 20"
        return next((table, column, *row) for row in connection.execute(query) if wanted(row[1]))

    def _set(self, path: Path) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            table, column, row, _ = self._cell(connection)
            value = self.random.choice(NASTY)
            every = self.random.random() < 0.1
            where = "1" if every else f"rowid = {row}"
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [value])
            return f"{table}.{column} of {'all' if every else row} to {value!r:.60}"

        return self._changed(path, work)

    def _no_text(self, path: Path) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            table, column, row, before = self._cell(connection, lambda value: isinstance(value, str))
            content = bytearray(before.encode() or b" ")
            content[self.random.randrange(len(content))] = 0xFF
            connection.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE rowid = {row}", [bytes(content)])
            return f"{table}.{column} of {row} is not UTF-8"

        return self._changed(path, work)

    def _json(self, path: Path) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            table, column, row, before = self._cell(connection, lambda v: isinstance(v, str) and v[:1] in ("{", "["))
            value = json.loads(before)
            found = places(value)
            if not found:
                return None
            *way, key = self.random.choice(found)
            inside = at(value, tuple(way))
            if self.random.random() < 0.3:
                del inside[key]
                new = "nothing"
            else:
                inside[key] = new = self.random.choice(INSIDE)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = {row}", [json.dumps(value)])
            return f"{table}.{column} of {row}: {way}.{key} to {new!r:.60}"

        return self._changed(path, work)

    def _blob(self, path: Path) -> str | None:
        """A blob of another size or content; half of the time with the checksum of that."""

        def work(connection: sqlite3.Connection) -> str | None:
            table, column, row, before = self._cell(connection, lambda value: isinstance(value, bytes))
            place = self.random.randrange(len(before) + 1)
            cut = [before[:place], before[place:], before + b"\0", before * 2, self.random.randbytes(len(before)), b""]
            content = self.random.choice(cut)
            beside = f"{column}_checksum"
            right = beside in self.columns[table] and self.random.random() < 0.5
            more = f", {beside} = {zlib.crc32(content)}" if right else ""
            connection.execute(f"UPDATE {table} SET {column} = ?{more} WHERE rowid = {row}", [content])
            return f"{table}.{column} of {row}: {len(before)} to {len(content)} bytes{more}"

        return self._changed(path, work)

    def _swap(self, path: Path) -> str | None:
        """What is in two rows of a column, with or without what is beside it."""

        def work(connection: sqlite3.Connection) -> str | None:
            table = self.random.choice(self.ours)
            columns = self.random.sample(self.columns[table], 1)
            if f"{columns[0]}_checksum" in self.columns[table] and self.random.random() < 0.5:
                columns.append(f"{columns[0]}_checksum")
            names = ", ".join(columns)
            query = f"SELECT rowid, {names} FROM {table} ORDER BY random() LIMIT 2"
            (one, *first), (other, *second) = connection.execute(query).fetchall()
            if first == second:
                return None
            change = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE rowid = ?"
            connection.executemany(change, [(*second, one), (*first, other)])
            return f"{table}.{names} of {one} and {other}"

        return self._changed(path, work)

    def _delete(self, path: Path) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            table = self.random.choice(self.ours if self.random.random() < 0.8 else self.full)
            many = self.random.choice([1, 1, 1, 3, 10**6])
            query = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} ORDER BY random() LIMIT {many})"
            return f"{connection.execute(query).rowcount} of {table}"

        return self._changed(path, work)

    def _drop(self, path: Path) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            connection.execute("PRAGMA foreign_keys = OFF")
            table = self.random.choice(self.ours if self.random.random() < 0.8 else self.tables)
            if self.random.random() < 0.5:
                connection.execute(f"DROP TABLE {table}")
                return table
            column = self.random.choice(self.columns[table])
            new = self.random.choice([f"DROP COLUMN {column}", f"RENAME COLUMN {column} TO other"])
            connection.execute(f"ALTER TABLE {table} {new}")
            return f"{table}: {new}"

        return self._changed(path, work)

    def _foreign(self, path: Path) -> str:
        """A database, or a file, of another program."""
        path.unlink()
        kind = self.random.choice(["empty", "text", "tables", "version", "ours"])
        if kind == "text":
            path.write_text("name,age\n" * self.random.choice([1, 1000]))
            return kind
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            if kind == "tables":
                connection.execute("CREATE TABLE studies (study_id INTEGER, title TEXT)")
            elif kind == "version":
                connection.execute("CREATE TABLE hpsearch_version (version)")
                value = self.random.choice([7, 8, 8, 8, "x", None, 99, -1, 3.5, b"8"])
                connection.execute("INSERT INTO hpsearch_version VALUES (?)", [value])
                return f"{kind} {value!r}"
            elif kind == "ours":
                connection.execute("CREATE TABLE hpsearch_studies (id INTEGER, name TEXT)")
            else:
                connection.execute("VACUUM")
        return kind
