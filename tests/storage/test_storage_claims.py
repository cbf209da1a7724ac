"""One coordinator of a study at a time: the lock decides on this machine and on a server, the claim's lease elsewhere.

Machines that share a SQLite file share the clock of its file system; their own clocks may be wrong.
"""

import multiprocessing
import os
import socket
import time
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from other_process import coordinate_and_die, try_to_coordinate
from small_study import add, stage_of, start
from tiny import until

from hpsearch.errors import StudyBusyError
from hpsearch.storage import claims, schema, writing
from hpsearch.storage.claims import Coordinator, is_held
from hpsearch.storage.database import Database
from hpsearch.storage.servers import server
from hpsearch.storage.sqlite import file


@pytest.fixture
def database(database):
    """One with a study."""
    add(database)
    return database


@pytest.fixture
def elsewhere(database, storage, monkeypatch):
    """A coordinator on another machine; here, its lock cannot be seen."""
    with monkeypatch.context() as there, closing(Database(storage, create=False)) as opened:
        there.setattr(socket, "gethostname", lambda: "elsewhere")
        coordinator = Coordinator(opened, 1, "s")
        coordinator._lock.close()
        there.setattr(socket, "gethostname", lambda: "here")
        yield opened


def claim(database):
    with database.engine.connect() as connection:
        return connection.execute(schema.claims.select()).one_or_none()


@pytest.mark.long
def test_a_second_coordinator_on_this_machine_is_refused_with_host_and_process(database, storage):
    with multiprocessing.get_context("spawn").Pool(1) as other:
        with closing(Coordinator(database, 1, "s")):
            refused = other.apply(try_to_coordinate, (storage, 1))
            assert other.apply(is_held, (storage, 1))
        assert f"study 's' is being run by another process (process {os.getpid()} on {socket.gethostname()})" in refused
        assert other.apply(try_to_coordinate, (storage, 1)) == ""


@pytest.mark.long
def test_a_dead_coordinators_claim_is_taken_over_at_once_on_its_machine(database, storage):
    process = multiprocessing.get_context("spawn").Process(target=coordinate_and_die, args=(storage, 1))
    process.start()
    process.join(300)
    assert claim(database).pid == process.pid
    until(lambda: not is_held(storage, 1), 0 if storage.startswith("sqlite") else 30)  # a server may need to notice
    with closing(Coordinator(database, 1, "s")):
        assert claim(database).pid == os.getpid()


@pytest.fixture
def one_file(storage):
    """A database whose lock other machines may not see."""
    if not storage.startswith("sqlite"):
        pytest.skip("the lock of a server is seen from everywhere")


@pytest.mark.usefixtures("one_file")
def test_a_coordinator_elsewhere_is_respected_for_its_lease(database, storage, elsewhere):
    assert is_held(storage, 1)
    expected = rf"being run by another process \(process {os.getpid()} on elsewhere, heard of \d+ s ago\)"
    with pytest.raises(StudyBusyError, match=expected):
        Coordinator(database, 1, "s")
    assert claim(database).host == "elsewhere"


def test_after_the_lease_it_is_taken_over_and_what_the_former_one_does_never_happens(
    database, storage, elsewhere, monkeypatch
):
    monkeypatch.setattr(claims, "LEASE", 0.0)
    assert not is_held(storage, 1)
    with closing(Coordinator(database, 1, "s")):
        with pytest.raises(StudyBusyError, match=f"'s' was taken over by process {os.getpid()} on here"):
            start(elsewhere)
        assert stage_of(database).state == "waiting"
        start(database)


def set_clock(monkeypatch, hours):
    """Set this machine's clock, not that of the file system, forward or back."""

    class Wrong(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(zone) + timedelta(hours=hours)

    right = time.time
    for module in (claims, file, server):
        monkeypatch.setattr(module, "datetime", Wrong, raising=False)
    monkeypatch.setattr(time, "time", lambda: right() + 3600 * hours)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_dead_coordinator_with_a_wrong_clock_blocks_its_study_for_the_lease_and_no_longer(
    database, storage, monkeypatch, hours
):
    with monkeypatch.context() as there, closing(Database(storage, create=False)) as opened:
        set_clock(there, hours)
        there.setattr(socket, "gethostname", lambda: "elsewhere")
        Coordinator(opened, 1, "s")._lock.close()  # it dies
    if storage.startswith("sqlite"):
        with pytest.raises(StudyBusyError, match=r"on elsewhere, heard of \d+ s ago"):
            Coordinator(database, 1, "s")
        now = file.clock(database.place.path)
        monkeypatch.setattr(file, "clock", lambda path: now + claims.LEASE)
    assert not is_held(storage, 1)
    Coordinator(database, 1, "s").close()


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.usefixtures("one_file")
def test_a_living_coordinator_is_respected_by_a_machine_with_a_wrong_clock(
    database, storage, elsewhere, monkeypatch, hours
):
    set_clock(monkeypatch, hours)
    assert is_held(storage, 1)
    with pytest.raises(StudyBusyError, match=r"on elsewhere, heard of \d+ s ago"):
        Coordinator(database, 1, "s")
    start(elsewhere)  # it goes on


@pytest.mark.usefixtures("one_file")
def test_a_claim_of_a_time_to_come_is_watched_for_a_lease(database, elsewhere, monkeypatch):
    now = file.clock(database.place.path)
    monkeypatch.setattr(file, "clock", lambda path: now - 3600)  # the file system's clock was set back
    monkeypatch.setattr(claims, "LEASE", 0.2)
    monkeypatch.setattr(claims, "RENEWAL", 0.0)
    elsewhere.fence.__self__._lock = elsewhere.place.lock_study(2, "another")
    read = Coordinator._read

    def renewed_meanwhile(self):
        stage_of(elsewhere)
        return read(self)

    with monkeypatch.context() as alive:
        alive.setattr(Coordinator, "_read", renewed_meanwhile)
        alive.setattr(
            claims, "_now", lambda place: datetime.fromtimestamp(now + time.monotonic()).astimezone().isoformat()
        )
        with pytest.raises(StudyBusyError, match="on elsewhere"):
            Coordinator(database, 1, "s")
    Coordinator(database, 1, "s").close()


def test_a_former_coordinator_does_not_take_away_the_claim_of_the_new_one(database, elsewhere, monkeypatch):
    monkeypatch.setattr(claims, "LEASE", 0.0)
    former = elsewhere.fence.__self__
    with closing(Coordinator(database, 1, "s")):
        former._lock = open(os.devnull)  # noqa: SIM115 - its own was let go of before
        former.close()
        assert claim(database).host == "here"


def test_a_claim_is_renewed_while_its_holder_works_but_not_with_every_transaction(database, monkeypatch):
    with closing(Coordinator(database, 1, "s")):
        first = claim(database).renewed_at
        stage_of(database)
        assert claim(database).renewed_at == first
        monkeypatch.setattr(claims, "RENEWAL", 0.0)
        monkeypatch.setattr(claims, "_now", lambda place: "2100-01-01T00:00:00+00:00")
        stage_of(database)
        assert claim(database).renewed_at > first


def test_a_study_may_be_deleted_by_its_coordinator(database, storage):
    with closing(Coordinator(database, 1, "s")), database.transaction() as connection:
        writing.delete_study(connection, 1)
    assert claim(database) is None
    assert not is_held(storage, 1)


def test_a_coordinator_whose_database_is_gone_still_lets_go(file_database):
    add(file_database)
    coordinator = Coordinator(file_database, 1, "s")
    path = file_database.place.path
    path.rename(path.with_suffix(".moved"))
    coordinator.close()
    assert file_database.fence is None
