"""A database that somebody else may have made: whose Python files `resume`, `verify`, `export` and `report` run."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tiny import LIST, TINY, options, url, workspace

import hpsearch
from hpsearch.cli import main
from hpsearch.errors import InputError, ModelError
from hpsearch.metrics import MetricError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.verify import retraining
from hpsearch.spec import is_own
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read

STUDY = (
    TINY.split("[[stage]]")[0]
    + '[objective]\nmetric = { file = "metrics/share.py" }\n'
    + LIST
    + 'sampler = { kind = "python", path = "samplers/mine.py", trials = 1 }\nspace.eta = { low = 0.1, high = 0.2 }\n'
)
METRIC = (
    'direction = "maximize"\n\n\ndef metric(labels, predictions):\n    return float((labels == predictions).mean())\n'
)
SAMPLER = "from optuna.samplers import RandomSampler\n\n\nclass Mine(RandomSampler):\n    pass\n"
TRACE = "\nwith open({!r}, 'a') as trace:\n    trace.write(__file__ + '\\n')\n"


@pytest.fixture(scope="module")
def launched(tmp_path_factory, shared_processes):
    """A workspace with a study that was stopped, each of whose Python files leaves a trace when it runs."""
    folder = tmp_path_factory.mktemp("launched")
    path = workspace(folder, STUDY)
    trace = TRACE.format(str(folder.parent / "trace"))
    for name, text in (("metrics/share.py", METRIC), ("samplers/mine.py", SAMPLER)):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text + trace)
    model = folder / "models" / "mlp.py"
    model.write_text(model.read_text() + trace)
    with pytest.MonkeyPatch.context() as there:
        there.chdir(folder)
        launch(path, options(folder))
    change(folder, "UPDATE hpsearch_studies SET state = 'interrupted'")
    return folder


@pytest.fixture
def trace(launched):
    """The file that names, line by line, what has run since the test began."""
    path = launched.parent / "trace"
    path.write_text("")
    return path


@pytest.fixture
def brought(launched, tmp_path, monkeypatch):
    """The workspace as somebody else gets it, who works in it."""
    folder = shutil.copytree(launched, tmp_path / "brought")
    change(folder, "UPDATE hpsearch_studies SET workspace = '/home/somebody/study', path = '/home/somebody/tiny.toml'")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def own(brought):
    """The same as if the study had been launched there."""
    change(brought, f"UPDATE hpsearch_studies SET workspace = '{brought}'")
    return brought


def change(folder, statement):
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        connection.execute(statement)
        connection.commit()


def ways(folder):
    """Each way in which a stored study's files are run; of `verify`, what loads them."""
    yield lambda **given: resume("tiny", options(folder, **given))
    yield lambda **given: retrainer(folder, **given)
    yield lambda **given: hpsearch.load("tiny", url(folder), **given).classifier()
    yield lambda **given: command(folder, "export", "tiny", "--format", "onnx", "--to", str(folder / "a.onnx"), **given)


def retrainer(folder, *, trust_model=False):
    with opened_to_read(url(folder)) as connection:
        return retraining.Retraining(reading.get_study(connection, "tiny"), None, trusted=trust_model)


def command(folder, *arguments, trust_model=False):
    status = main([*arguments, "--storage", url(folder), *["--trust-model"] * trust_model])
    if status == 2:
        raise InputError("a refusal")
    assert status == 0


def test_files_that_a_database_brings_are_run_only_on_request(brought, trace, capsys):
    for way in ways(brought):
        with pytest.raises(InputError):
            way()
    assert main(["verify", "tiny", "--storage", url(brought)]) == 2
    assert trace.read_text() == ""
    said = "study 'tiny' runs models/mlp.py, metrics/share.py, samplers/mine.py in"
    assert (
        f"{said} {brought}, which this database brings; it says that it was launched in /home/somebody/study"
        in capsys.readouterr().err
    )
    for way in ways(brought):
        way(trust_model=True)


def test_in_its_own_workspace_a_study_goes_on_without_a_question(own, tmp_path, monkeypatch):
    resume("tiny", options(own))
    monkeypatch.chdir(tmp_path)  # from elsewhere too, since the files are this user's
    for way in list(ways(own))[1:]:
        way()


def test_a_study_file_of_the_users_own_is_trusted_with_the_files_that_it_names(own, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    monkeypatch.chdir(own.parent)
    with pytest.raises(InputError, match="--trust-model"):
        resume("tiny", options(own))
    assert launch(own / "studies" / "tiny.toml", options(own), or_resume=True) == ("tiny", True)


@pytest.mark.parametrize("elsewhere", ["/proc/self/cwd", ".", "", "link"])
def test_a_path_that_leads_anywhere_is_not_the_workspace(own, tmp_path, elsewhere):
    link = tmp_path / "link"
    link.symlink_to(own)
    stored = str(link) if elsewhere == "link" else elsewhere
    assert not is_own(stored, Path(stored), ["models/mlp.py"])


def test_outside_the_working_directory_the_files_must_be_this_users_and_inside(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside.py").write_text("")
    assert is_own(str(own), own, ["models/mlp.py", "models/missing.py"])
    assert not is_own(str(own), own, ["models/mlp.py", "../outside.py"])
    assert not is_own(str(own), own, [str(tmp_path / "outside.py")])
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    assert not is_own(str(own), own, ["models/mlp.py"])


@pytest.mark.parametrize(
    ("file", "error"),
    [("models/mlp.py", ModelError), ("metrics/share.py", MetricError), ("samplers/mine.py", InputError)],
)
def test_a_file_that_has_changed_is_refused_before_it_runs(own, trace, file, error):
    path = own / file
    path.write_text(path.read_text() + "# changed\n")
    with pytest.raises(error, match="changed"):
        resume("tiny", options(own))
    assert str(path) not in trace.read_text().splitlines()
    assert main(["verify", "tiny", "--storage", url(own)]) == 2
    assert str(path) not in trace.read_text().splitlines()


def test_a_report_runs_no_file_that_a_database_brings(brought, trace, tmp_path):
    assert main(["report", "tiny", "--storage", url(brought), "--reports", str(tmp_path / "reports")]) == 0
    assert trace.read_text() == ""
