"""`init`: the workspace that it creates can be launched as it is; files that exist are not changed."""

import json

import pytest
from tiny import file_size_limit

from hpsearch.cli import main

FILES = {"studies/first.toml", "models/mlp.py", "models/softmax.py", "README.md", ".gitignore"}


def run(capsys, *arguments):
    capsys.readouterr()
    status = main(list(arguments))
    return status, *capsys.readouterr()


@pytest.mark.long
def test_a_new_workspace_can_be_launched_at_once(here, capsys):
    assert {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} == FILES
    path = here / "studies" / "first.toml"
    path.write_text(path.read_text("utf-8").replace("epochs = 20", "epochs = 2"), "utf-8")  # enough for a test
    status, out, errors = run(capsys, "launch", "studies/first.toml", "--backend", "threading")
    assert (status, errors) == (0, "")
    assert out.endswith("study 'first' is complete; its report: reports/first/index.html\n")


def test_init_prints_the_next_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "init", "my work")
    assert (status, out.splitlines()[-1]) == (0, "next: cd 'my work' && hpsearch launch studies/first.toml")
    assert run(capsys, "init", "my work")[1].splitlines() == out.splitlines()[-1:]  # again: everything exists
    assert json.loads(run(capsys, "init", ".", "--json")[1])["next"] == "hpsearch launch studies/first.toml"


@pytest.mark.parametrize("name", ["README.md", "models/mlp.py", "models"])
def test_init_changes_nothing_where_a_file_differs(tmp_path, capsys, name):
    existing = tmp_path / name
    existing.parent.mkdir(exist_ok=True)
    existing.write_text("mine")
    status, out, errors = run(capsys, "init", str(tmp_path))
    assert (status, out, errors.count("\n")) == (2, "", 1)
    assert name in errors
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [existing]


def test_a_workspace_that_cannot_be_created_costs_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below", "/proc/none"):
        status, out, errors = run(capsys, "init", str(tmp_path / name))
        assert (status, out, errors.count("\n")) == (2, "", 1)
    assert "must be a folder" in run(capsys, "init", str(tmp_path / "file"))[2]
    below = f"hpsearch: {tmp_path}/file/a/b: cannot be made ({tmp_path}/file is no folder); name another folder\n"
    assert run(capsys, "init", str(tmp_path / "file" / "a" / "b")) == (2, "", below)
    assert run(capsys, "init", "x" * 300)[2].endswith(": cannot be made (File name too long)\n")


def test_launch_suggests_the_file_of_a_study_that_is_named(here, capsys):
    expected = "hpsearch: first: no such study file; did you mean 'studies/first.toml'?\n"
    assert run(capsys, "launch", "first") == (2, "", expected)


@pytest.mark.parametrize("arguments", [("init", "other"), ("new", "study", "--yes")])
def test_what_a_full_disk_refuses_leaves_no_half_file_and_is_made_the_next_time(here, capsys, arguments):
    before = {path for path in here.rglob("*") if path.is_file()}
    with file_size_limit(200):
        status, _, errors = run(capsys, *arguments)
    assert (status, errors.count("\n")) == (2, 1)
    assert errors.endswith(": cannot be written: File too large\n")
    assert {path for path in here.rglob("*") if path.is_file()} == before
    assert run(capsys, *arguments)[0] == 0
