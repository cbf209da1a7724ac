"""A study's digest: the same for every way of getting there, another for every difference that a study promises."""

import io
import zipfile
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from small_study import (
    STAGES,
    STUDY,
    add,
    add_trials,
    advance,
    finish,
    new_trials,
    pack,
    prune,
    start,
    trials_of,
)
from tiny import options, url, workspace

from hpsearch.search.launch import launch
from hpsearch.storage import reading, writing
from hpsearch.storage.damage.checksums import checksum
from hpsearch.storage.database import Database
from hpsearch.storage.digest import digest


@pytest.fixture
def database(whole_study):
    with closing(Database(url(whole_study), create=False)) as opened:
        yield opened


def hashed(database, name="s", meaning="{}", ranked=None):
    with database.transaction() as connection:
        return digest(connection, reading.get_study(connection, name), meaning, ranked)


def slowly(database):
    """The study of `whole`, epoch by epoch, trial by trial, resumed, claimed, timed, in another place of the file."""
    add(database, study=replace(STUDY, name="other"))
    add(database, study=replace(STUDY, path="elsewhere.toml", environment={"numpy": "3"}))
    start(database, planned=9)
    for number in range(5):
        add_trials(database, new_trials(number, number + 1))
    for last in (1, 2):
        for trial in reversed(trials_of(database)):
            advance(database, [trial], last, seconds=9.0)
    prune(database, trials_of(database)[3:4], audited=True)
    prune(database, trials_of(database)[2:3])
    for last in (3, 4):
        advance(database, [trials_of(database)[i] for i in (3, 0, 1)], last)
    advance(database, trials_of(database)[4:], 3, failure="it failed in /another/place", traceback="/another/place")
    with database.transaction() as connection:
        writing.count_launch(connection, 2, {"numpy": "4"})
        writing.add_seconds(connection, 3, 99.0)
        writing.set_study_state(connection, 2, "running")
    finish(database)


def test_it_is_the_same_however_the_study_was_run(database, tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/slow.db", create=True)) as other:
        slowly(other)
        assert hashed(other) == hashed(database)


OTHER = b"\xff\xff"
CHANGES = {
    "a parameter": "UPDATE hpsearch_trials SET params = '{\"eta\": 0.30000000000000004}' WHERE number = 2",
    "a configuration": 'UPDATE hpsearch_trials SET configuration = \'{"model": {}, "training": {}}\' WHERE number = 2',
    "a state": "UPDATE hpsearch_trials SET state = 'complete' WHERE number = 4",
    "a reason": "UPDATE hpsearch_trials SET reason = 'place 4 of 4' WHERE number = 2",
    "a verdict": "UPDATE hpsearch_trials SET pruned_at = NULL WHERE number = 3",
    "the last bit of a value": "UPDATE hpsearch_trials SET value = value * (1 + 2.3e-16) WHERE number = 1",
    "a best epoch": "UPDATE hpsearch_trials SET best_epoch = 3 WHERE number = 0",
    "the last bit of a curve": "UPDATE hpsearch_curves SET train_cost = train_cost * (1 + 2.3e-16) WHERE epoch = 2",
    "a NaN": "UPDATE hpsearch_curves SET eta = 0, train_loss = NULL WHERE epoch = 2",
    "an epoch too few": "DELETE FROM hpsearch_curves WHERE trial_id = 1 AND epoch = 4",
    "weights that went": "DELETE FROM hpsearch_weights WHERE kind = 'state'",
    "a prediction": (
        f"UPDATE hpsearch_predictions SET correct = x'ffff', correct_checksum = {checksum(OTHER)} WHERE trial_id = 1"
    ),
    "a range": "UPDATE hpsearch_stages SET space = '{}' WHERE position = 0",
    "how a stage ended": "UPDATE hpsearch_stages SET ended = 'time' WHERE position = 0",
    "the data": 'UPDATE hpsearch_studies SET data = \'{"fingerprint": "g"}\'',
    "the model": 'UPDATE hpsearch_studies SET model = \'{"hash": "i"}\'',
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_another_for_any_difference(database, change):
    before = hashed(database)
    with database.transaction() as connection:
        assert connection.exec_driver_sql(CHANGES[change]).rowcount >= 1
    assert hashed(database) != before


def store_weights(connection, content):
    store = "UPDATE hpsearch_weights SET content = ?, content_checksum = ? WHERE trial_id = 3"
    connection.exec_driver_sql(store, (content, checksum(content)))


@pytest.mark.parametrize("bit", [0, 31, 95])
def test_it_is_another_for_any_bit_of_a_weight_but_not_for_how_they_are_packed(database, bit):
    before = hashed(database)
    with database.transaction() as connection:
        content = connection.exec_driver_sql("SELECT content FROM hpsearch_weights WHERE trial_id = 3").scalar()
        array = np.load(io.BytesIO(content))["w"]
        repacked = io.BytesIO()
        with zipfile.ZipFile(repacked, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("w.npy", zipfile.ZipFile(io.BytesIO(content)).read("w.npy"))
        store_weights(connection, repacked.getvalue())
    assert hashed(database) == before
    array.view(np.uint8).reshape(-1)[bit // 8] ^= 1 << bit % 8
    with database.transaction() as connection:
        store_weights(connection, pack(w=array))
    assert hashed(database) != before


def test_it_follows_the_meaning_of_the_file_and_the_ranking(database):
    found = {hashed(database), hashed(database, meaning='{"a": 1}')}
    found |= {hashed(database, ranked={1: ranked}) for ranked in ([1, 2], [2, 1], [1, 2, 4])}
    assert len(found) == 5


def test_a_stage_that_has_not_begun_counts_too(database):
    add(database, study=replace(STUDY, name="two"))
    add(database, [STAGES[0]], replace(STUDY, name="one"))
    assert hashed(database, "two") != hashed(database, "one")


def test_a_whole_study_has_one_digest(tmp_path):
    found = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        launch(workspace(tmp_path / name), options(tmp_path / name))
        with closing(Database(url(tmp_path / name), create=False)) as database:
            found.add(hashed(database, "tiny"))
    assert len(found) == 1
