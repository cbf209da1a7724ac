"""Databases of version 3: one that its own code made, and new ones whose tables are given their former names again.

`version3.db.xz` was made with commit fa39f98. Its study `done` is complete (a sampler with replicates and a pruner, a
list, a reference, a final); `halfway` is the same for ten times as many epochs, stopped while its first stage trained.
"""

import lzma
import os
import re
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy
from small_study import everything
from sqlalchemy import event

from hpsearch.storage.places import place_of
from hpsearch.storage.upgrade import upgrade

DIGESTS = {
    "done": "473a6bb4c305fb1df48903e6b701caa9dddcd270ab7b9777d357e047071893f1",
    "halfway": "f15d9e27402ce3e2486acb178c909be0cfcfad19a36204b30ca1c0dc5535ef6d",
}
"""What `hpsearch digest` of commit fa39f98 printed for its studies as they are stored."""

RESUMED = "1d69c03ec2604709d46fa5229711d223ea1da300992cf2c04a185aa09f121daf"
"""And for `halfway` once that code had resumed it, on OpenBLAS's kernels for Haswell."""

FORMER = {
    "hpsearch_stages": {"test_evaluations": "looks"},
    "hpsearch_trials": {"configuration": "setting", "sampler_attributes": "asked", "pruned_at": "doomed"},
}
"""By table, what version 3 called its columns."""

LATER = (
    ("hpsearch_trials", "test_value"),
    ("hpsearch_trials", "test_metrics"),
    ("hpsearch_curves", "value"),
    ("hpsearch_weights", "content_checksum"),
)
"""Columns that version 3 had not.

Nor had it the tables hpsearch_metrics and hpsearch_labels, predictions of but the best epoch, or checksums.
"""


def unpack(folder: Path, name: str = "study.db") -> Path:
    """Put the database that version 3 made into a folder; return its path."""
    path = folder / name
    path.write_bytes(lzma.decompress(Path(__file__).with_name("version3.db.xz").read_bytes()))
    return path


def forget_epochs(connection: sqlalchemy.Connection) -> None:
    """Delete the predictions and labels that version 3 did not keep."""
    best = "(SELECT best_epoch FROM hpsearch_trials WHERE id = trial_id)"
    connection.exec_driver_sql(f"DELETE FROM hpsearch_predictions WHERE epoch <> {best}")
    connection.exec_driver_sql("DELETE FROM hpsearch_labels")


def make_earlier(connection: sqlalchemy.Connection) -> None:
    """Give the tables of a new database their names of version 3, as far as they have others."""
    found = sqlalchemy.inspect(connection)
    for table, columns in FORMER.items():
        there = {column["name"] for column in found.get_columns(table)}
        for name, former in columns.items():
            if name in there:
                connection.exec_driver_sql(f"ALTER TABLE {table} RENAME COLUMN {name} TO {former}")
    for table, name in LATER:
        if name in {column["name"] for column in found.get_columns(table)}:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
    if "epoch" in {column["name"] for column in found.get_columns("hpsearch_predictions")}:
        connection.exec_driver_sql(
            "CREATE TABLE former AS SELECT trial_id, split, samples AS images, correct, predicted"
            " FROM hpsearch_predictions JOIN hpsearch_trials ON hpsearch_trials.id = trial_id WHERE epoch = best_epoch"
        )
        connection.exec_driver_sql("DROP TABLE hpsearch_predictions")
        connection.exec_driver_sql("ALTER TABLE former RENAME TO hpsearch_predictions")
    for table in ("hpsearch_metrics", "hpsearch_labels"):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    connection.exec_driver_sql("UPDATE hpsearch_version SET version = 3")


def make_earlier_at(storage: str, *, only_forget: bool = False) -> None:
    """The same for the database at a URL; or only delete what version 3 did not keep."""
    opened = place_of(storage).open_writer()
    try:
        with opened.engine.begin() as connection:
            forget_epochs(connection) if only_forget else make_earlier(connection)
    finally:
        opened.scoped_session.remove()
        opened.engine.dispose()


def _in_a_child(work: Callable[[], None]) -> int:
    """Do something in a forked process, which shares no connection with this one; return how it ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def _killed_at(number: int, upgrade: Callable[[], None]) -> None:
    """Upgrade, and be killed before the `number`-th statement, commit, or step of writing the copy."""
    moments = count(1)

    def passed(*_: object) -> None:
        if next(moments) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(sqlalchemy.Engine, "before_cursor_execute", passed)
    event.listen(sqlalchemy.Engine, "commit", passed)
    fsync, replace = os.fsync, Path.replace
    os.fsync = lambda file: (passed(), fsync(file))[1]
    Path.replace = lambda path, to: (passed(), replace(path, to))[1]
    upgrade()


def main(url: str, expected: Path, step: int) -> None:
    """Kill an upgrade at every `step`-th of its moments, upgrade again, and compare with an upgrade that nobody killed.

    What the latter came to is kept in the file `expected`. Prints the first moment that did not come.
    """
    database = SimpleNamespace(place=place_of(url))

    def stored() -> str:
        # SQLite writes an added column on no line of its own, and the name of a renamed table in quotes
        return re.sub(r"\\[nt]|\s|\"", "", repr(everything(database)))

    def keep() -> None:
        make_earlier_at(url, only_forget=True)
        expected.write_text(stored())

    def same() -> None:
        upgrade(url)
        assert stored() == expected.read_text()

    assert _in_a_child(keep) == 0
    for number in count(1, step):
        assert _in_a_child(lambda: make_earlier_at(url)) == 0
        ended = _in_a_child(lambda n=number: _killed_at(n, lambda: upgrade(url)))  # type: ignore[misc]
        assert ended in (0, -signal.SIGKILL), ended
        assert _in_a_child(same) == 0, number
        if ended == 0:
            print(number)
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
