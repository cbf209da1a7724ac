"""Copy a study into another database, in one transaction that is checked before it is committed.

May import storage.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from hpsearch.errors import HpsearchError, InputError, StorageError, StudyBusyError
from hpsearch.search.verify.checks import study_digest
from hpsearch.storage import claims, reading
from hpsearch.storage.copy import copy_study
from hpsearch.storage.database import Database, look_up, opened_to_read
from hpsearch.storage.integrity import check_study
from hpsearch.storage.places import place_of


def copy(name: str, storage: str, to: str) -> tuple[str, list[str]]:
    """Copy a study of one database into another; return its digest, which is the same in both, and what is wrong there.

    Raises InputError if the target has it, StudyBusyError if it is being run, HpsearchError if the copy differs; then
    nothing is copied.
    """
    with _as_target():
        target = place_of(to)
    if place_of(storage) == target:
        raise InputError(f"--to must name another database than --storage, got {target.shown}")
    with opened_to_read(storage) as source:
        row = reading.get_study(source, name)
        if claims.is_held(storage, row.id):
            who = claims.holder(source, row.id)
            raise StudyBusyError(f"study {name!r} is being run by {who}; stop it or wait for it, then copy it")
        if look_up(to, name) is not None:
            raise InputError(f"{target.shown}: study {name!r} is there already; delete that one, or name another --to")
        with _as_target():
            made = Database(to, create=True)
        with closing(made) as database, database.transaction() as connection:
            copy_study(source, connection, row.id)
            copied = reading.get_study(connection, name)
            wanted, found = study_digest(source, row), study_digest(connection, copied)
            before = check_study(source, row.id, name)
            new = set(check_study(connection, copied.id, name)) - {*before}
            if wanted != found or new:
                what = f"its digest is {found}, not {wanted}" if wanted != found else min(new)
                raise HpsearchError(f"{target.shown}: the copy of study {name!r} differs ({what}); nothing was copied")
    return found, before


@contextmanager
def _as_target() -> Iterator[None]:
    """Name `--to` in errors of the database that is copied into, instead of `--storage`."""
    try:
        yield
    except StorageError as error:
        raise StorageError(str(error).replace("--storage", "--to")) from error
