"""Damage to what is stored as bytes: every command that reads it says which trial's, and what of it is lost."""

import random
import shutil
import sqlite3
import sys
import zlib
from contextlib import closing

import pytest
from tiny import ROOT, StopAfter, options, url, workspace

import hpsearch
from hpsearch.cli import main
from hpsearch.errors import DamagedError
from hpsearch.search.launch import launch
from hpsearch.search.verify.checks import verify
from hpsearch.storage import reading, schema
from hpsearch.storage.damage.checksums import blobs_of
from hpsearch.storage.damage.explained import explained
from hpsearch.storage.database import Database, opened_to_read
from hpsearch.storage.integrity import check_integrity

sys.path.insert(0, str(ROOT / "scripts"))
import fuzz_databases

BLOBS = {
    "hpsearch_weights.content": "trial final:0: its best weights are lost",
    "hpsearch_predictions.correct": "its correct predictions of the validation samples in epoch",
    "hpsearch_predictions.predicted": "trial final:0: its predicted classes of the test samples in epoch",
    "hpsearch_labels.labels": "stage 'coarse': the labels of its validation samples of fold 0 are lost",
}
"""By blob, what is said of the first that a complete study reads; a classification has no others."""

WHICH = {
    "hpsearch_weights": "trial_id = (SELECT id FROM hpsearch_trials WHERE stage_id = 3 AND number = 0)",
    "hpsearch_predictions": "trial_id = (SELECT id FROM hpsearch_trials WHERE stage_id = 3 AND number = 0)"
    " AND split = '{split}' AND epoch = (SELECT best_epoch FROM hpsearch_trials WHERE id = trial_id)",
    "hpsearch_labels": "stage_id = 1",
}


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    folder = tmp_path_factory.mktemp("complete")
    assert launch(workspace(folder), options(folder))[1]
    return folder


@pytest.fixture
def study(complete, tmp_path, monkeypatch):
    shutil.copytree(complete, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flip(folder, blob, where="1", seed=0):
    """Flip one bit of a blob behind everyone's back."""
    table, column = blob.split(".")
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        found = connection.execute(
            f"SELECT rowid, {column} FROM {table} WHERE {where} AND {column} IS NOT NULL"
        ).fetchone()
        content, chosen = bytearray(found[1]), random.Random(seed)
        content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [bytes(content), found[0]])
        connection.commit()


def run(capsys, folder, *arguments):
    """The exit status of a command, and what it printed."""
    status = main([*arguments, "--storage", url(folder)])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_every_blob_has_a_checksum_which_anyone_can_compute(study):
    with closing(sqlite3.connect(study / "study.db")) as connection:
        for table in schema.metadata.sorted_tables:
            blobs = [column.name for column in table.c if isinstance(column.type, type(schema.weights.c.content.type))]
            assert set(blobs) == set(blobs_of(table))
            for blob in blobs:
                rows = connection.execute(f"SELECT {blob}, {blob}_checksum FROM {table.name}").fetchall()
                assert all(beside == (None if blob is None else zlib.crc32(blob)) for blob, beside in rows)


@pytest.mark.parametrize(
    ("blob", "more"),
    [
        ("hpsearch_weights.content", [["digest", "tiny"], ["export", "tiny", "--format", "npz"]]),
        ("hpsearch_predictions.correct", [["digest", "tiny"], ["report", "tiny", "--format", "csv"]]),
        ("hpsearch_predictions.predicted", [["digest", "tiny"]]),
        ("hpsearch_labels.labels", []),
    ],
)
def test_a_flipped_bit_is_named_by_every_command_that_reads_it(study, blob, more, capsys):
    table = blob.split(".")[0]
    flip(study, blob, WHICH[table].format(split="test" if blob.endswith("predicted") else "validation"))
    damage = BLOBS[blob]
    copying = ["copy", "tiny", "--to", f"sqlite:///{study}/copy.db"]
    commands = [copying, ["resume", "tiny"], *more]
    for command in commands:
        status, said = run(capsys, study, *command)
        assert (status, said.count("\n")) == (2, 1), said
        assert damage in said, command
        assert said.startswith("hpsearch: study 'tiny', ")
    assert not (study / "exports").exists()
    assert not (study / "reports").exists()
    with opened_to_read(url(study)) as connection:
        assert [damage in line for line in check_integrity(connection)].count(True) == 1


@pytest.mark.long
def test_verify_names_what_is_lost_and_goes_on(study, capsys):
    flip(study, "hpsearch_weights.content", WHICH["hpsearch_weights"])
    status, said = run(capsys, study, "verify", "tiny", "--trial", "final:0")
    assert status == 1
    assert "    study 'tiny', stage 'final': trial final:0: its best weights are lost: " in said
    assert "trial final:0, trained again for 3 epochs" in said


def test_what_is_not_read_costs_nothing_and_weights_are_named_when_they_are(study):
    flip(study, "hpsearch_weights.content", WHICH["hpsearch_weights"])
    results = hpsearch.load("tiny", storage=url(study))
    assert results.best.trial.startswith("fine:")
    with pytest.raises(DamagedError, match="study 'tiny', trial final:0: its best weights are lost: "):
        results.weights()


def test_every_one_of_many_flips_is_found(study, capsys):
    """Twelve of twenty-two flips were not, before there were checksums."""
    original = (study / "study.db").read_bytes()
    for seed in range(12):
        blob = random.Random(seed).choice(list(BLOBS))
        flip(study, blob, f"rowid % 5 = {seed % 5}" if "predictions" in blob and "predicted" not in blob else "1", seed)
        assert run(capsys, study, "copy", "tiny", "--to", f"sqlite:///{study}/copy.db")[0] == 2
        (study / "study.db").write_bytes(original)
    assert run(capsys, study, "copy", "tiny", "--to", f"sqlite:///{study}/copy.db")[0] == 0


def test_a_study_whose_state_is_damaged_is_not_resumed(tmp_path, capsys):
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    flip(tmp_path, "hpsearch_weights.content", "kind = 'state'")
    before = (tmp_path / "study.db").read_bytes()
    status, said = run(capsys, tmp_path, "resume", "tiny", "--quiet")
    assert (status, said.count("\n")) == (2, 1)
    assert "study 'tiny', trial coarse:" in said
    assert "the weights that it would go on from are lost: " in said
    assert (tmp_path / "study.db").read_bytes() == before


QUICK = (
    ["status"],
    ["status", "tiny", "--trial", "coarse:0"],
    ["digest", "tiny"],
    ["top", "--once"],
    ["resume", "tiny"],
)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_database_damaged_in_any_way_costs_one_line(study, seed, capsys):
    """Dozens of damages; thousands, and more commands, with `scripts/fuzz --kind databases`."""
    damager = fuzz_databases.Damager(study / "study.db", seed)
    for number in range(12):
        what = damager.damage(study / "study.db")
        command = QUICK[number % len(QUICK)]
        status, said = main([*command, "--storage", url(study)]), capsys.readouterr()
        assert status in (0, 1, 2), (what, command)
        assert "Traceback" not in said.out + said.err, (what, command)
        assert status == 0 or said.err.count("\n") == 1, (what, command, said.err)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE hpsearch_trials SET configuration = '{\"mod' WHERE id = 2",
            "study 'tiny', trial coarse:1: hpsearch_trials.configuration must be JSON, got '{\"mod'",
        ),
        (
            "UPDATE hpsearch_trials SET epochs = 'x' WHERE id = 2",
            "study 'tiny', trial coarse:1: hpsearch_trials.epochs must be a whole number from 0 to 2147483647, got 'x'",
        ),
        (
            "UPDATE hpsearch_stages SET batches = '{}' WHERE id = 2",
            "study 'tiny', stage 'fine': hpsearch_stages.batches must be a list, got {}",
        ),
        (
            "UPDATE hpsearch_trials SET reason = CAST(x'41ff' AS TEXT) WHERE id = 2",
            "study 'tiny', trial coarse:1: hpsearch_trials.reason must be text in UTF-8",
        ),
        (
            "UPDATE hpsearch_curves SET train_loss = 'x' WHERE trial_id = 2",
            "study 'tiny', trial coarse:1: hpsearch_curves.train_loss must be a number",
        ),
        (
            "UPDATE hpsearch_curves SET validation_loss = 1e308",
            "study 'tiny', trial coarse:0: hpsearch_curves.validation_loss must be below 1e+300",
        ),
        (
            "UPDATE hpsearch_version SET version = -1",
            "study.db: hpsearch_version.version must be a whole number from 0 to 2147483647, got -1; restore a copy",
        ),
        ("DROP TABLE hpsearch_curves", "the table hpsearch_curves is missing"),
    ],
)
def test_the_line_has_the_trial_the_rule_and_what_was_found(study, statement, words, capsys):
    with closing(sqlite3.connect(study / "study.db")) as connection:
        connection.execute(statement)
        connection.commit()
    status, said = run(capsys, study, "digest", "tiny")
    assert (status, said.count("\n")) == (2, 1)
    assert words in said, said
    with pytest.raises(DamagedError, match="hpsearch_"):
        hpsearch.load("tiny", storage=url(study))


@pytest.mark.parametrize("command", ["status", "digest", "verify", "resume", "report", "copy"])
def test_a_view_in_place_of_a_table_is_not_read_to_its_end(study, capsys, command):
    with closing(sqlite3.connect(study / "study.db")) as connection:
        connection.executescript(
            "DROP TABLE hpsearch_metrics; CREATE VIEW hpsearch_metrics AS"
            " WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
            " SELECT n AS trial_id, n AS epoch, 'x' AS metric, 1.0 AS train, 1.0 AS validation FROM r"
        )
    more = ("--to", f"sqlite:///{study / 'copy.db'}") if command == "copy" else ()
    status, said = run(capsys, study, command, "tiny", *more)
    assert (status, said.count("\n")) == (2, 1)
    assert "study.db: hpsearch_metrics must be a table, but is a view; restore a copy of the database" in said


def test_time_that_cannot_have_passed_costs_a_report_one_line(study, capsys):
    with closing(sqlite3.connect(study / "study.db")) as connection:
        connection.execute("UPDATE hpsearch_trials SET seconds = 1e308")
        connection.commit()
    status, said = run(capsys, study, "report", "tiny", "--reports", str(study))
    assert (status, said.count("\n")) == (2, 1)
    assert "study 'tiny', trial coarse:0: hpsearch_trials.seconds must be a number of seconds, got 1e+308" in said


def test_a_range_that_is_damaged_costs_a_report_one_line(study, capsys):
    with closing(sqlite3.connect(study / "study.db")) as connection:
        connection.execute("UPDATE hpsearch_stages SET space = replace(space, 'true', 'null')")
        connection.commit()
    status, said = run(capsys, study, "report", "tiny")
    assert (status, said.count("\n")) == (2, 1)
    assert "a range or choices that is not valid: log must be true or false, got None" in said


def test_verify_names_a_stage_that_was_deleted_in_the_dashboard(study):
    with closing(Database(url(study), create=False)) as database:
        database.optuna.delete_study(database.optuna.get_study_id_from_name("tiny / 2 fine"))
    with opened_to_read(url(study)) as connection:
        checks = list(verify(connection, reading.get_study(connection, "tiny")))
    assert [check.problems for check in checks if check.problems] == []
    wanted = "stage fine: it was deleted in Optuna's tables, which no result depends on; `hpsearch repair-mirror tiny`"
    assert sum(check.text.startswith(wanted) for check in checks) == 1


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE hpsearch_stages SET name = '0' WHERE id = 1",
            "study 'tiny', its stages are 0, fine, final, by its study file coarse, fine, final",
        ),
        (
            "UPDATE hpsearch_studies SET name = 'other'",
            "study 'other', its name is 'other', by its study file 'tiny'",
        ),
        (
            "UPDATE hpsearch_stages SET kind = 'tpe' WHERE id = 1",
            "study 'tiny', stage 'coarse' is of kind 'tpe' without the test set, by its study file of kind 'random'",
        ),
        (
            "UPDATE hpsearch_stages SET known = '[]' WHERE id = 1",
            "study 'tiny', stage 'coarse' knows trials of another study, which its study file does not name",
        ),
        (
            "UPDATE hpsearch_trials SET test_accuracy = -1 WHERE stage_id = 3 AND number = 0",
            "study 'tiny', trial final:0: hpsearch_trials.test_accuracy must be from 0 to 1",
        ),
        (
            "UPDATE study_directions SET direction = 'up'",
            "Optuna's table study_directions cannot be read (LookupError: ",
        ),
    ],
)
def test_what_only_fits_nothing_else_is_found_by_the_check(study, statement, problem):
    with closing(sqlite3.connect(study / "study.db")) as connection:
        connection.execute(statement)
        connection.commit()
    with opened_to_read(url(study)) as connection:
        assert any(found.startswith(problem) for found in check_integrity(connection)), check_integrity(connection)


def test_an_error_of_ours_before_anything_is_stored_is_not_called_a_missing_database(tmp_path):
    with pytest.raises(KeyError), explained(f"sqlite:///{tmp_path}/none.db"):
        raise KeyError("ours")
