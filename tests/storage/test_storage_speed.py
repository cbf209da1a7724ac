"""Bookkeeping does not grow with what is stored already: no statement of the run reads a table from end to end."""

from contextlib import closing
from dataclasses import replace

import pytest
import sqlalchemy
from small_study import add, add_trials, new_trials, segment, start, trials_of
from sqlalchemy import event
from tiny import url

from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database
from hpsearch.storage.mirror import notes
from hpsearch.storage.records import ACCURACY, Decision


@pytest.fixture
def database(tmp_path):
    with closing(Database(url(tmp_path), create=True)) as opened:
        add(opened)
        start(opened)
        yield opened


class Watched:
    """The statements of a database while it is watched."""

    def __init__(self, database):
        self.statements = []
        self.engine = database.engine
        self.large = {*sqlalchemy.inspect(self.engine).get_table_names()} - {"hpsearch_stages", "hpsearch_studies"}
        event.listen(self.engine, "before_cursor_execute", self._note)

    def _note(self, connection, cursor, statement, parameters, context, executemany):
        first = parameters[0] if isinstance(parameters, list) else parameters
        self.statements.append((statement, tuple(first)))

    def stop(self):
        event.remove(self.engine, "before_cursor_execute", self._note)

    def scans(self):
        """Where a table is read from end to end."""
        self.stop()
        found = set()
        with self.engine.connect() as connection:
            for statement, parameters in self.statements:
                if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
                    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                    found |= {row.detail for row in plan if row.detail.startswith("SCAN")}
        return {scan for scan in found if scan.split()[1] in self.large}


def test_neither_adding_nor_progress_nor_a_verdict_reads_what_others_did(database):
    with closing(Coordinator(database, 1, "s")):
        watched = Watched(database)
        trials = add_trials(database, new_trials(0, 4))
        with database.transaction() as connection:
            records = [segment(trial, 2) for trial in trials[:3]] + [segment(trials[3], 4)]
            writing.commit_progress(connection, records)
            reading.weights(connection, [trial.id for trial in trials], "state")
            begun = [replace(trial, state="running", epochs_done=2) for trial in trials[:2]]
            decisions = [Decision(begun[0], 2, "worse"), Decision(begun[1], 2, "worse", audited=True)]
            writing.decide(connection, decisions)
            writing.add_seconds(connection, 1, 1.0)
            failed = segment(replace(trials[2], state="running", epochs_done=2), 3, failure="NaN")
            writing.commit_progress(connection, [failed])
    assert len(watched.statements) > 20
    assert watched.scans() == set()


def test_as_many_statements_are_needed_in_a_long_stage_as_in_a_new_one(database):
    counts = []
    for first in (0, 4, 600):
        add_trials(database, new_trials(len(trials_of(database)), first))
        watched = Watched(database)
        added = add_trials(database, new_trials(first, first + 3))
        with database.transaction() as connection:
            writing.commit_progress(connection, [segment(trial, 4) for trial in added])
        watched.stop()
        counts.append(len(watched.statements))
    assert counts[0] == counts[1] == counts[2]


def test_a_note_reads_the_best_trials_only(database, monkeypatch):
    monkeypatch.setattr(notes, "_POINTS", 5)
    trials = add_trials(database, new_trials(0, 40))
    with database.transaction() as connection:
        writing.commit_progress(connection, [segment(trial, 4) for trial in trials])
        best = notes._best(connection, 1, ACCURACY)
        ranked = sorted(reading.trials(connection, 1), key=lambda t: (-t.value, t.loss, t.number))
    assert [trial.id for trial in best] == [trial.id for trial in ranked[:5]]
