"""Faults are reported as what they are: a changed, raising or dying model file; changed data; a lost claim."""

import shutil
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from study_parts import FINAL, HEAD, coarse, end, made, random
from tiny import StopAfter, digest_of, finish, options, rows, start, until, url, workspace

from hpsearch.cli import main
from hpsearch.data import cache
from hpsearch.errors import DamagedError, DataError, HpsearchError, ModelError, StorageError, StudyBusyError
from hpsearch.search import preparation
from hpsearch.search.growth import accept
from hpsearch.search.launch import launch
from hpsearch.search.progress import Watcher
from hpsearch.search.resume import resume
from hpsearch.search.stages.plan import OUT_OF_TIME
from hpsearch.storage import reading, schema, writing
from hpsearch.storage.database import Database, open_to_read
from hpsearch.storage.records import Decision
from hpsearch.workers.models.plugin import read_plugin
from hpsearch.workers.segments import run as segments_run

NAMED = HEAD + '[[stage]]\nname = "coarse"\n'
ODD = NAMED + "configurations = [{ hidden = [8] }, { hidden = [9] }, { hidden = [8], eta = 0.2 }]\n"
"""A stage whose second configuration is the odd one; the other two train together."""

MODEL = """\
import os
import sys
import numpy as np
from hpsearch.nn import Dense, ReLU

class Odd(Exception):
    def __init__(self, one, other):
        super().__init__(one + other)

class Broken(Dense):
    def {method}(self, *given, **named):
        {body}

def build(classes, hidden):
    made = Broken(hidden[0]) if {odd} else Dense(hidden[0])
    return [made, ReLU(), Dense(classes)]
"""


def broken(folder, method="forward", body="raise ValueError('no forward')", odd="hidden == [9]", text=ODD):
    """A workspace whose model goes wrong; the path of the study file."""
    path = workspace(folder, text)
    (folder / "models" / "mlp.py").write_text(MODEL.format(method=method, body=body, odd=odd))
    return path


def same(row, other):
    """Do two trials have the same numbers?"""
    keys = ("params", "state", "epochs_done", "best_epoch", "value", "parameters")
    return all(row[key] == other[key] for key in keys)


def curves(folder, number):
    found = [row for row in rows(folder, schema.curves) if row["trial_id"] == number + 1]
    return [{key: value for key, value in row.items() if key != "trial_id"} for row in found]


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """The folder of the same study with a model in which nothing goes wrong."""
    folder = tmp_path_factory.mktemp("intact")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        launch(broken(folder, odd="False"), options(folder))
    return folder


# What a plug-in can do

FAILURES = {
    "raises": ("forward", "raise ValueError('no forward')", "ValueError: no forward"),
    "raises over lines": ("forward", r"raise ValueError('one\ntwo')", "ValueError: one two"),
    "raises in backward": ("backward", "raise KeyError('w')", "KeyError: 'w'"),
    "raises its own": ("forward", "raise Odd('a', 'b')", "Odd: ab"),
    "runs out of memory": ("forward", "raise MemoryError", "MemoryError"),
    "recurses": ("forward", "return self.forward(*given, **named)", "RecursionError: "),
    "leaves": ("forward", "sys.exit('enough')", "SystemExit: enough"),
    "interrupts": ("forward", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    "returns nothing": (
        "forward",
        "return None",
        "Broken.forward must return an array of numbers (trials, 50, 9), returned None",
    ),
    "returns a string": (
        "forward",
        "return 'scores'",
        "forward must return an array of numbers (trials, 50, 9), returned 'scores'",
    ),
    "returns strings": ("forward", "return np.full((1, 50, 9), 'x')", "returned an array <U1 (1, 50, 9)"),
    "returns no trials": (
        "forward",
        "return super().forward(*given, **named)[0]",
        "must return an array of numbers (trials, 50, 9), returned an array float32 (50, 9)",
    ),
    "returns a wrong shape": (
        "forward",
        "return np.zeros((1, 3, 2), np.float32)",
        "returned an array float32 (1, 3, 2)",
    ),
    "returns NaN": ("forward", "return super().forward(*given, **named) * np.nan", "cost became NaN in epoch 1"),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", FAILURES)
def test_a_plug_in_that_goes_wrong_fails_its_trials_alone_and_says_why(tmp_path, monkeypatch, intact, kind):
    monkeypatch.chdir(tmp_path)
    method, body, said = FAILURES[kind]
    assert launch(broken(tmp_path, method, body), options(tmp_path)) == ("tiny", True)
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["complete", "failed", "complete"]
    assert said in found[1]["reason"]
    assert "\n" not in found[1]["reason"]
    for number in (0, 2):
        assert same(found[number], rows(intact)[number])
        assert curves(tmp_path, number) == curves(intact, number)
    if kind != "returns NaN":
        assert said.split(": ")[0] in traceback(tmp_path)[1]
    end(tmp_path)


def traceback(folder):
    with closing(open_to_read(options(folder).storage).connect()) as connection:
        return reading.tracebacks(connection, 1)


@pytest.mark.slow
def test_from_a_worker_process_the_reason_and_the_traceback_come_whole(tmp_path, monkeypatch, intact):
    monkeypatch.chdir(tmp_path)
    launch(broken(tmp_path, body="raise Odd('a', 'b')"), options(tmp_path, 2, "loky"))
    found = rows(tmp_path)
    assert found[1]["reason"].endswith("models/mlp.py: Broken.forward raised Odd: ab")
    assert "mlp.py" in traceback(tmp_path)[1]
    assert "in forward" in traceback(tmp_path)[1]
    assert all(same(found[number], rows(intact)[number]) for number in (0, 2))


WHERE_LARGE = """\
z = super().forward(*given, **named)
        if np.any(np.abs(z) > 1e6):
            {}
        return z
"""
MATES = ODD.replace("{ hidden = [9] }", "{ eta = 0.3, hidden = [8] }")


def test_a_cohort_that_raises_for_one_of_its_trials_is_split_into_single_trials(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "intact").mkdir()
    launch(workspace(tmp_path / "intact", MATES), options(tmp_path / "intact"))
    body = WHERE_LARGE.format("raise ValueError('too large')")
    text = MATES.replace("eta = 0.3,", "eta = 1e9,")
    launch(broken(tmp_path, body=body, odd="True", text=text), options(tmp_path))
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["complete", "failed", "complete"]
    assert found[1]["reason"].endswith("models/mlp.py: Broken.forward raised ValueError: too large")
    assert all(same(found[n], rows(tmp_path / "intact")[n]) for n in (0, 2))


def test_a_configuration_in_the_midst_of_a_range_that_the_model_cannot_be_built_with_fails_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = 'sampler.kind = "grid"\nspace.units = { low = 8, high = 10, points = 3 }\n'
    path = workspace(tmp_path, NAMED.replace("hidden = [8]\n", "") + stage)
    (tmp_path / "models" / "mlp.py").write_text(
        "from hpsearch.nn import Dense, ReLU\n\ndef build(classes, units):\n"
        "    assert units != 9, 'nine'\n    return [Dense(units), ReLU(), Dense(classes)]\n"
    )
    assert launch(path, options(tmp_path)) == ("tiny", True)
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["complete", "failed", "complete"]
    assert "AssertionError: nine" in found[1]["reason"]
    end(tmp_path)


DYING = """\
configurations = [
  { hidden = [8] }, { hidden = [8], eta = 0.3 }, { hidden = [8], eta = 1e9 }, { hidden = [8], eta = 0.2 },
]
"""


@pytest.mark.slow
def test_a_trial_whose_worker_dies_each_time_fails_alone_after_three_deaths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = NAMED + DYING
    (tmp_path / "intact").mkdir()
    launch(workspace(tmp_path / "intact", text.replace("1e9", "0.05")), options(tmp_path / "intact"))
    body = WHERE_LARGE.format("os._exit(9)")
    said = []
    watcher = StopAfter(10**6)
    monkeypatch.setattr(watcher, "message", said.append)
    launch(broken(tmp_path, body=body, odd="True", text=text), options(tmp_path, 2, "loky", watcher=watcher))
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["complete", "complete", "failed", "complete"]
    assert found[2]["reason"] == "its worker died 3 times (it ended itself, exit status 9)"
    assert sum("a worker died" in text for text in said) >= 2  # and the third time it failed
    assert all(same(found[number], rows(tmp_path / "intact")[number]) for number in (0, 1, 3))


def test_a_sampler_never_learns_from_trials_that_failed_and_the_study_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sampler = 'kind = "tpe", trials = 12, batch = 4, n_startup_trials = 4'
    pruner = 'pruner = { kind = "halving", keep = 0.5 }'
    text = made(coarse(sampler, pruner, "replicates = 2", "space.hidden = [[8], [9]]"))
    launch(broken(tmp_path, text=text), options(tmp_path))
    for row in rows(tmp_path):
        assert (row["state"] == "failed") == (row["params"]["hidden"] == [9])
    end(tmp_path)


# What changed since the launch


def change_model(folder):
    """Another model, with other numbers."""
    path = folder / "models" / "mlp.py"
    path.write_text(path.read_text().replace("return [*layers,", "return [*layers, Dense(12, init),"))


class Once(Watcher):
    """Does something once, when the first results of a stage are committed."""

    def __init__(self, action):
        self.action, self.told = action, []

    def stage(self, progress):
        if progress.epochs_done and self.action:
            action, self.action = self.action, None
            action()

    def message(self, text):
        self.told.append(text)


def new_workers(monkeypatch):
    """Have each segment opened by a worker that has not seen the data before."""
    monkeypatch.setattr(segments_run, "_open", segments_run._open.__wrapped__)


@pytest.mark.parametrize("damage", [shutil.rmtree, lambda path: (path / "train_x.npy").write_bytes(b"")])
def test_data_that_vanish_from_the_cache_during_a_study_are_prepared_again(tmp_path, monkeypatch, damage):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    new_workers(monkeypatch)
    path = workspace(tmp_path, made(coarse('kind = "random", trials = 3')))
    watcher = Once(lambda: [damage(split) for split in (tmp_path / "cache").rglob("*.split")])
    assert launch(path, options(tmp_path, watcher=watcher, backend="sequential"))[1]
    assert "stage coarse: the prepared data are gone; they are prepared again" in watcher.told
    (tmp_path / "new").mkdir()
    launch(workspace(tmp_path / "new", made(coarse('kind = "random", trials = 3'))), options(tmp_path / "new"))
    assert digest_of(tmp_path) == digest_of(tmp_path / "new")


@pytest.mark.parametrize("then", ["installed", "read"])
def test_a_cache_that_is_deleted_while_the_data_are_prepared_is_prepared_again(tmp_path, monkeypatch, then):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    where, name = {"installed": (cache, "install"), "read": (preparation, "check_measures")}[then]
    once, real = iter([True]), getattr(where, name)

    def without_cache(*given):
        if next(once, False):
            shutil.rmtree(tmp_path / "cache")
        return real(*given)

    monkeypatch.setattr(where, name, without_cache)
    path = workspace(tmp_path, made(coarse('kind = "random", trials = 2')))
    assert launch(path, options(tmp_path, backend="sequential"))[1]
    assert next(once, None) is None


def test_damage_that_is_found_after_the_study_was_stored_is_a_failure_with_status_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def damaged(*_):
        raise DamagedError("study.db: not a database")

    monkeypatch.setattr("hpsearch.search.launch.Coordinator", damaged)
    path = workspace(tmp_path, made(coarse('kind = "random", trials = 2')))
    with pytest.raises(HpsearchError, match=r"^study\.db: not a database$") as failure:
        launch(path, options(tmp_path, backend="sequential"))
    assert failure.value.exit_status == 1
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert resume("tiny", options(tmp_path, backend="sequential"))


@pytest.mark.parametrize("command", ["launch", "resume"])
def test_rows_that_are_deleted_during_a_study_are_named_with_status_1(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path, made(coarse('kind = "random", trials = 3')))
    given = ["--storage", url(tmp_path), "--quiet", "--backend", "sequential"]
    if command == "resume":
        assert not launch(path, options(tmp_path, watcher=StopAfter(1), backend="sequential"))[1]

    def deleted(*_):
        with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
            connection.execute("DELETE FROM hpsearch_stages")
            connection.commit()
        raise IndexError("so an algorithm notices it")

    monkeypatch.setattr("hpsearch.search.run.Runner.run", deleted)
    assert main([command, str(path) if command == "launch" else "tiny", *given]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "belongs to no row of hpsearch_stages" in said or "its stages are none" in said


@pytest.mark.parametrize("what", ["current_report", "write_report"])
def test_a_database_that_is_lost_after_the_last_trial_is_a_failure_with_status_1(tmp_path, monkeypatch, capsys, what):
    def lost(*_):
        raise StorageError("postgresql://h/d: the server cannot be reached")

    monkeypatch.setattr(f"hpsearch.cli.run_study.{what}", lost)
    path = workspace(tmp_path, made(coarse('kind = "random", trials = 2')))
    given = ["--storage", url(tmp_path), "--reports", str(tmp_path / "reports"), "--quiet", "--backend", "sequential"]
    assert main(["launch", str(path), *given]) == 1
    said = "hpsearch: study 'tiny' is complete, but postgresql://h/d: the server cannot be reached\n"
    assert capsys.readouterr().err == said


def test_a_model_file_that_changes_during_a_study_is_a_failure_with_status_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path, made(coarse('kind = "random", trials = 3')))
    watcher = Once(lambda: change_model(tmp_path))
    with pytest.raises(HpsearchError, match="has changed since the study was launched") as failure:
        launch(path, options(tmp_path, watcher=watcher, backend="sequential"))
    assert failure.value.exit_status == 1


def test_a_changed_model_file_is_refused_until_its_changes_are_accepted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = made(coarse('kind = "random", trials = 12'), FINAL)
    launch(workspace(tmp_path, text), options(tmp_path, watcher=StopAfter(14)))
    before = rows(tmp_path)
    change_model(tmp_path)
    with pytest.raises(ModelError, match=r"restore it, launch under a new name, or begin .* with --accept-changes$"):
        resume("tiny", options(tmp_path))
    assert rows(tmp_path) == before
    assert resume("tiny", options(tmp_path, accept_changes=True))
    (tmp_path / "new").mkdir()
    path = workspace(tmp_path / "new", text)
    change_model(tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    launch(path, options(tmp_path / "new"))
    for row, new in zip(before, rows(tmp_path / "new"), strict=False):
        now = rows(tmp_path)[row["number"]]
        assert now == row if row["state"] == "complete" else same(now, new)
    model = rows(tmp_path, schema.studies)[0]["model"]
    assert len(model["former"]) == 1
    assert "Dense(12" in model["text"]
    end(tmp_path)


def test_what_time_had_stopped_does_not_count_as_trained_with_the_former_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path, made(coarse('kind = "random", trials = 6'))), options(tmp_path, watcher=StopAfter(5)))
    change_model(tmp_path)
    plugin = read_plugin(tmp_path / "models" / "mlp.py")
    with closing(Database(url(tmp_path), create=False)) as database, database.transaction() as connection:
        trials = reading.trials(connection, 1)
        stopped = next(trial for trial in trials if trial.state != "complete")
        writing.decide(connection, [Decision(stopped, None, OUT_OF_TIME)])
        accept(connection, reading.get_study(connection, "tiny"), plugin)
        anew = reading.trials(connection, 1)[stopped.number]
        model = reading.get_study(connection, "tiny").model
    assert (anew.state, anew.epochs_done) == ("pruned", 0)
    assert model["kept"] == {"coarse": [trial.number for trial in trials if trial.state == "complete"]}


@pytest.mark.parametrize(
    "sampler",
    [
        '"random"',
        pytest.param('"tpe", batch = 4, n_startup_trials = 4', marks=pytest.mark.slow),
        pytest.param('"cmaes", batch = 4', marks=pytest.mark.slow),
    ],
)
def test_changes_are_accepted_in_the_midst_of_pruning_and_learning(tmp_path, monkeypatch, sampler):
    if "cmaes" in sampler:
        pytest.importorskip("cmaes")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hpsearch.search.stages.cohorts.SEGMENT_SECONDS", 1e-9)
    pruner = 'pruner = { kind = "halving", keep = 0.5, min_epochs = 2 }'
    text = made(coarse(f"kind = {sampler}, trials = 12", pruner, "replicates = 2"), FINAL).replace("= 3", "= 8")
    launch(workspace(tmp_path, text), options(tmp_path, watcher=StopAfter(50)))
    change_model(tmp_path)
    assert resume("tiny", options(tmp_path, accept_changes=True))
    end(tmp_path)


def test_data_that_changed_since_the_launch_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    arrays = {"x_train": generator.random((80, 12)), "y_train": np.arange(80) % 4}
    arrays |= {"x_test": generator.random((20, 12)), "y_test": np.arange(20) % 4}
    np.savez(tmp_path / "own.npz", **arrays)
    text = made(random(3)).replace('dataset = "digits"', 'dataset = { kind = "npz", path = "own.npz" }')
    text = text.replace("train = 200", "train = 50").replace("validation = 100", "validation = 30")
    launch(workspace(tmp_path, text), options(tmp_path, watcher=StopAfter(2)))
    before = rows(tmp_path)
    np.savez(tmp_path / "own.npz", **arrays | {"y_train": np.arange(80)[::-1] % 4})
    with pytest.raises(DataError, match=r"own\.npz: the samples are not those that study 'tiny' was launched with"):
        resume("tiny", options(tmp_path, accept_changes=True))
    assert rows(tmp_path) == before
    np.savez(tmp_path / "own.npz", **arrays)
    assert resume("tiny", options(tmp_path))


# Two coordinators


def claim(folder, **values):
    """Change the claim on the study, or make one, as another host's coordinator does."""
    row = {"study_id": 1, "host": "elsewhere", "pid": 4711, "token": "theirs", "renewed_at": ago(0)} | values
    with closing(sqlite3.connect(folder / "study.db", timeout=60)) as connection, connection:
        connection.execute("DELETE FROM hpsearch_claims")
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO hpsearch_claims ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def ago(seconds):
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def test_a_study_that_another_host_runs_is_refused_with_host_and_process_until_its_lease_is_over(tmp_path, capsys):
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    before = rows(tmp_path)
    claim(tmp_path)
    assert main(["resume", "tiny", "--backend", "threading", "--storage", options(tmp_path).storage]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "study 'tiny' is being run by another process (process 4711 on elsewhere, heard of " in said
    assert rows(tmp_path) == before
    claim(tmp_path, renewed_at=ago(61))
    assert resume("tiny", options(tmp_path))
    assert rows(tmp_path, schema.claims) == []


def test_a_coordinator_whose_study_was_taken_over_stops_and_changes_nothing_more(tmp_path, monkeypatch):
    monkeypatch.setattr("hpsearch.search.stages.cohorts.SEGMENT_SECONDS", 1e-9)

    class Thief(StopAfter):
        def stage(self, progress):
            if progress.epochs_done >= 3 and not hasattr(self, "before"):
                claim(tmp_path)
                self.before = rows(tmp_path)

    thief = Thief(0)
    del thief.before
    with pytest.raises(StudyBusyError, match="'tiny' was taken over by process 4711 on elsewhere while this process"):
        launch(workspace(tmp_path), options(tmp_path, watcher=thief))
    assert rows(tmp_path) == thief.before
    assert rows(tmp_path, schema.claims)[0]["token"] == "theirs"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="as in the tests of signals")
def test_who_was_taken_over_ends_with_one_line_and_status_1(tmp_path):
    process = start(tmp_path, "launch", str(workspace(tmp_path, made(random(200)).replace("= 3", "= 300"))), "--quiet")
    until(lambda: (tmp_path / "study.db").exists() and _begun(tmp_path))
    claim(tmp_path, host=socket.gethostname())
    status, out, complaint = finish(process)
    assert (status, out, complaint.count("\n")) == (1, "", 1), complaint
    assert complaint.startswith(f"hpsearch: study 'tiny' was taken over by process 4711 on {socket.gethostname()}")


def _begun(folder):
    try:
        return any(row["epochs_done"] for row in rows(folder))
    except Exception:  # not all tables are there yet
        return False
