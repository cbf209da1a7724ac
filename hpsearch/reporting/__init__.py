"""Turns the database into something to read: frames, statistics, figures, documents. Reads, never writes the database.

May import SQLAlchemy, pandas, SciPy, matplotlib, Jinja2, `hpsearch.errors` and `hpsearch.storage.tables`; importing
the package itself imports none of them, so that the command line starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from hpsearch.reporting.frames import Frames

__all__ = ["load_frames", "write_report"]


def write_report(engine: Engine, name: str, directory: Path) -> Path:
    """Write index.html, ranking.csv, ranking.md and timings.csv of a study; return the path of index.html.

    They go to a folder of the study's name inside `directory`, which is made if need be. The study may still be
    running. Raises StorageError for a name that the database does not hold, InputError where nothing can be written.
    """
    from hpsearch.reporting.documents import write

    return write(engine, name, directory)


def load_frames(engine: Engine, name: str) -> Frames:
    """Return a study's results as pandas frames (see `hpsearch.reporting.frames.Frames`).

    Raises StorageError for a name that the database does not hold.
    """
    from hpsearch.reporting.frames import load

    return load(engine, name)
