"""A database on a server: whatever is wrong with it costs one line, and the password is in none."""

import itertools
from contextlib import closing
from dataclasses import replace

import pytest
import servers
import sqlalchemy
from optuna.storages._rdb import models
from small_study import STUDY, add, add_trials, new_trials, start, trials_of
from sqlalchemy import event, inspect

from hpsearch.cli.doctor import checks
from hpsearch.errors import StorageError, StorageFault
from hpsearch.storage import reading, schema, writing
from hpsearch.storage.database import Database, look_up, open_to_read, opened_to_read
from hpsearch.storage.masking import shown
from hpsearch.storage.places import place_of
from hpsearch.storage.records import Progress
from hpsearch.storage.servers.mysql import MySQL
from hpsearch.storage.servers.postgresql import PostgreSQL

KINDS = ["postgresql", "mariadb"]
SERVERS = pytest.mark.parametrize("storage", KINDS, indirect=True)
ONE_SERVER = pytest.mark.parametrize(
    "storage", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "mariadb")) for kind in KINDS], indirect=True
)
"""For what is the same code on all servers."""


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p@ss@host:1/db", "postgresql://me:***@host:1/db"),
        ("mysql://me@host/db?password=secret&charset=utf8", "mysql://me@host/db?password=***&charset=utf8"),
        ("mysql://me:a/b?c@host/db", "mysql://me:***@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("sqlite:///a@b:c.db", "sqlite:///a@b:c.db"),
        ("sqlite://me:secret@host/db", "sqlite://me:***@host/db"),
        ("study.db", "study.db"),
        ("a@b.db", "a@b.db"),
        ("postgresql:/me:secret@host/db", "***@host/db"),
        ("me:/secret@host/db?password=secret", "***@host/db?password=***"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, masked):
    assert shown(url) == masked


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@host", "must name a database after the host, got 'postgresql://me:[*]{3}@host'"),
        ("mysql://me:secret@host:99999/db", "must have a port from 1 to 65535, got 'mysql://me:[*]{3}@host:99999/db'"),
        ("mariadb://me:secret@host:x/db", "must be mariadb://USER:PASSWORD@HOST:PORT/DATABASE, got"),
        (
            "mysql://me:a@:/%#b@host/db",
            "@ : / [?] # % in a password are written %40 %3A %2F %3F %23 %25",
        ),
        ("postgresql://me:p@ss@host/db", "an @ in the password must be written %40, got 'postgresql://me:[*]{3}@host"),
        ("postgresql+asyncpg://me:secret@h/db", r"must begin with 'postgresql://' or 'postgresql\+psycopg://', got"),
        (
            "oracle://me:secret@host/db",
            "must begin with 'sqlite:///', 'postgresql://', 'mysql://' or 'mariadb://'",
        ),
    ],
)
def test_a_url_that_names_no_database_is_refused(url, said):
    with pytest.raises(StorageError, match=said) as refused:
        look_up(url, "s")
    assert "secret" not in str(refused.value)
    assert "p@ss" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgrsql://me:secret@host/db", "'postgresql://'"),
        ("MariaDB://me:secret@host/db", "'mariadb://'"),
        ("mysql:/me:secret@host/db", "'mysql://'"),
        ("sqlite:/study.db", "'sqlite:///'"),
        ("study.db", "'sqlite:///study.db'"),
    ],
)
def test_a_mistyped_url_names_the_nearest_and_not_the_password(url, hint):
    with pytest.raises(StorageError, match=f"; did you mean {hint}[?]$") as refused:
        place_of(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_url_pasted_from_a_message_is_told_what_its_stars_are(kind):
    with pytest.raises(StorageError, match=r"[*]{3} stands for the password .* give the right ones in the URL"):
        place_of(shown(f"{kind}://me:secret@host/db"))


@pytest.mark.parametrize("options", ["foo=bar", "charset=foo", "connect_timeout=abc", "ssl_ca=/nowhere"])
def test_options_that_pymysql_does_not_take_cost_one_line(options):
    pytest.importorskip("pymysql")
    with pytest.raises(StorageError, match=r"mysql://me@127.0.0.1:1/db.*one of the URL's options"):
        look_up(f"mysql://me@127.0.0.1:1/db?{options}", "s")


@ONE_SERVER
def test_a_new_database_is_no_fault_to_doctor(storage):
    (found,) = checks._database(storage)
    assert found.state == checks.OK
    assert found.text.endswith(": no studies yet; `hpsearch launch` makes the tables")


@ONE_SERVER
def test_a_database_with_another_programs_tables_is_left_alone(storage):
    engine = place_of(storage)._engine(read_only=False)
    with closing(engine.connect()) as connection:
        connection.exec_driver_sql("CREATE TABLE studies (x INTEGER)")
        connection.commit()
        with pytest.raises(StorageError, match="the database has a table 'studies' of another program"):
            Database(storage, create=True)
        connection.rollback()
        assert inspect(connection).get_table_names() == ["studies"]
        connection.exec_driver_sql("DROP TABLE studies")
        connection.commit()
    models.StudyModel.metadata.tables["studies"].create(engine)  # of a first launch that was killed
    engine.dispose()
    Database(storage, create=True).close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_driver_is_named_with_how_to_get_it(kind, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, servers.KINDS[kind], None)
    extra = {"mariadb": "mysql"}.get(kind, kind)
    said = rf"to reach it needs {servers.KINDS[kind]}; pip install 'hpsearch\[{extra}\]'"
    with pytest.raises(StorageError, match=said):
        look_up(f"{kind}://me:secret@localhost/db", "s")


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_cannot_be_reached_is_named(kind):
    pytest.importorskip(servers.KINDS[kind])
    for attempt in (look_up, lambda url, _: Database(url, create=True), lambda url, _: open_to_read(url)):
        with pytest.raises(StorageError, match=f"^{kind}://me:[*]{{3}}@127.0.0.1:1/db: the server cannot be reached"):
            attempt(f"{kind}://me:secret@127.0.0.1:1/db", "s")


@SERVERS
def test_a_wrong_password_and_a_missing_database_are_told_apart(storage):
    url = place_of(storage).url
    wrong = url.set(password="hunter2").render_as_string(hide_password=False)
    with pytest.raises(StorageError, match=r"the server refuses the user or the password .*give the right ones") as no:
        look_up(wrong, "s")
    assert "hunter2" not in str(no.value)
    elsewhere = url.set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StorageError, match=r"does not exist .*; make it with `CREATE DATABASE nowhere`"):
        Database(elsewhere, create=True)


@ONE_SERVER
def test_the_password_may_come_from_elsewhere(storage, monkeypatch):
    url = place_of(storage).url
    bare = url._replace(password=None).render_as_string()
    monkeypatch.setenv("PGPASSWORD", servers.PASSWORD)
    monkeypatch.setenv("MYSQL_PWD", servers.PASSWORD)
    Database(bare, create=True).close()
    assert look_up(bare, "s") is None


def test_a_server_that_is_too_old_is_refused(monkeypatch):
    class Old:
        class info:  # noqa: N801 - psycopg's name
            server_version = 110_022

        def get_server_info(self):
            return self.version

    old = Old()
    assert PostgreSQL().too_old(old) == "PostgreSQL 11"
    for old.version, told in [("5.5.5-10.4.2-MariaDB", "MariaDB 10.4"), ("5.7.44-log", "MySQL 5.7")]:
        assert MySQL().too_old(old) == told
    for old.version in ("5.5.5-10.11.6-MariaDB-1", "11.4.2-MariaDB", "8.0.36", "9.1.0"):
        assert MySQL().too_old(old) is None


@ONE_SERVER
def test_a_database_of_another_version_is_refused_on_a_server_too(storage):
    with closing(Database(storage, create=True)) as database, database.transaction() as connection:
        connection.execute(schema.versions.update().values(version=1))
    for attempt in (lambda: Database(storage, create=True), lambda: look_up(storage, "s")):
        with pytest.raises(StorageError, match="was written by an older hpsearch"):
            attempt()


@SERVERS
def test_a_user_without_the_right_to_write_is_told_so(storage, database):
    kind = storage.partition(":")[0]
    add(database)
    server = servers.server(kind)
    user, name = f"reader{server.port}", place_of(storage).url.database
    for statement in READERS[kind]:
        server.administer(statement.format(user=user, database=name), database=name)
    url = server.url(name, user, "pw-of-reader")
    assert look_up(url, "s").name == "s"
    refused = pytest.raises(StorageError, match=r"reader[^p]*cannot be written .*denied.*ask its owner")
    with closing(Database(url, create=False)) as theirs, refused:
        start(theirs)


READERS = {
    "postgresql": ("CREATE ROLE {user} LOGIN PASSWORD 'pw-of-reader'", "GRANT pg_read_all_data TO {user}"),
    "mariadb": ("CREATE USER {user}@127.0.0.1 IDENTIFIED BY 'pw-of-reader'", "GRANT SELECT ON *.* TO {user}@127.0.0.1"),
}


@SERVERS
def test_a_server_that_restarts_costs_the_transaction_and_one_line(storage, database):
    server = servers.server(storage.partition(":")[0])
    add(database)
    start(database)
    lost = r"the connection to the server was lost .*resume when the server is back"
    try:
        with pytest.raises(StorageFault, match=lost), database.transaction() as connection:  # noqa: PT012
            writing.add_trials(connection, reading.stages(connection, 1)[0], new_trials(0, 1))
            server.stop()
            reading.stages(connection, 1)
        with pytest.raises(StorageFault, match=lost):
            trials_of(database)
        with pytest.raises(StorageFault, match=lost):
            database.place.lock_study(1, "study")
    finally:
        server.start()
    assert trials_of(database) == []
    assert add_trials(database, new_trials(0, 1))[0].number == 0


@ONE_SERVER
def test_a_server_that_is_lost_while_tables_may_have_been_made_is_a_failure_with_status_1(
    storage, database, monkeypatch
):
    server, make_tables = servers.server(storage.partition(":")[0]), type(database.place.kind).make_tables

    def lose(kind, engine):
        server.stop()
        make_tables(kind, engine)

    monkeypatch.setattr(type(database.place.kind), "make_tables", lose)
    try:
        with pytest.raises(StorageFault, match="the connection to the server was lost") as failure:
            Database(storage, create=True)
    finally:
        server.start()
    assert failure.value.exit_status == 1


@pytest.mark.long
@SERVERS
@pytest.mark.parametrize("when", [1, 3, 5, "commit"])
def test_a_connection_that_is_cut_at_whatever_statement_costs_the_transaction_and_one_line(storage, database, when):
    add(database)
    start(database)
    server, asked = servers.server(storage.partition(":")[0]), itertools.count(1)

    def cut(*given):
        if next(asked) == when or len(given) == 1:
            server.cut(servers.KEPT)

    name = "commit" if when == "commit" else "before_cursor_execute"
    event.listen(database.engine, name, cut)
    try:
        with pytest.raises(StorageFault, match="the connection to the server was lost"):
            add_trials(database, new_trials(0, 2))
    finally:
        event.remove(database.engine, name, cut)
    assert trials_of(database) == []


def test_numbers_text_and_blobs_are_what_they_were(database, storage):
    add(database, study=replace(STUDY, text="ä☃😀'\"\\%s\n" * 20_000, path="Ä " * 40_000))
    add(database, study=replace(STUDY, name="S "))
    start(database)
    (trial,) = add_trials(database, new_trials(0, 1, keep="last"))
    numbers = (0.1, 5e-324, 1.7976931348623155e308, -0.0, 1 / 3, float("inf"), float("-inf"), 2.5)
    blob = bytes(range(256)) * 20_000
    curve = [(1, *numbers), (2, 0.1, *[float("nan")] * 7)]
    with database.transaction() as connection:
        writing.commit_progress(connection, [Progress(trial, 2, curve, blob, traceback="a\0b")])
    with opened_to_read(storage) as connection:
        first, second = connection.execute(schema.curves.select().order_by(schema.curves.c.epoch))
        study = reading.get_study(connection, "s")
        assert list(first[2:]) == list(numbers)
        assert repr(first[5]) == "0.0"
        assert second[3:] == (None,) * 7
        assert reading.weights(connection, [trial.id], "state")[trial.id] == blob
        assert study.text == "ä☃😀'\"\\%s\n" * 20_000
        assert reading.study_names(connection) == ["s", "S "]
        assert reading.find_study(connection, "S") is None
        assert connection.execute(schema.trials.select()).one().traceback == "a\\0b"


def test_a_connection_that_was_lost_with_its_server_is_not_logged(caplog):
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.QueuePool)
    connection = engine.raw_connection()

    def lost(_):
        raise ConnectionResetError("connection reset by peer")

    engine.dialect.do_rollback = lost
    connection.close()
    assert not caplog.records
