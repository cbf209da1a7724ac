"""Damage to a database reported in one line, whatever it led to. May import SQLAlchemy and `hpsearch.errors`.

Most damage is noticed where rows become values (`column_types`, `damage.blobs`). A missing row or a number that fits no
other is noticed by whoever computes with it, as any error of Python's. Then the database is checked from end to end: if
something is wrong in it, that is what is reported; if nothing is, the error is ours.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy

from hpsearch.errors import DamagedError, HpsearchError
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.integrity import check_integrity
from hpsearch.storage.places import place_of


@contextmanager
def explained(*urls: str) -> Iterator[None]:
    """Raise DamagedError, with study and trial, for what damage to one of these databases leads to inside."""
    try:
        yield
    except (OSError, MemoryError, HpsearchError) as error:
        if isinstance(error, DamagedError) and not str(error).startswith("study "):  # it does not say whose
            for url in urls:
                _raise_damage(url, error)
        raise
    except Exception as error:
        for url in urls:
            _raise_damage(url, error)
        if urls and isinstance(error, sqlalchemy.exc.SQLAlchemyError):
            raise place_of(urls[0]).explain(error, opened=True) from error
        raise


def _raise_damage(url: str, error: Exception) -> None:
    """Raise DamagedError for the first thing that is wrong in a database, if anything is."""
    place = place_of(url)
    try:
        with opened_to_read(url) as connection:
            found = check_integrity(connection)
    except DamagedError:
        raise
    except HpsearchError as damage:
        if not place.exists():
            return  # nothing was stored yet, so that the error is ours
        raise damage from error
    except Exception as other:  # even the check does not know what to make of it
        if isinstance(other, sqlalchemy.exc.SQLAlchemyError):
            raise place.explain(other, opened=True) from error
        found = []
    if found:
        raise DamagedError(f"{place.shown}: {found[0]}{_more(found)}; restore a copy of the database") from error


def _more(found: list[str]) -> str:
    return f" (and {len(found) - 1} more)" if len(found) > 1 else ""
