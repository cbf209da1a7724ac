"""Names whose bytes are not UTF-8: refused in one line, before anything is trained or written."""

import os

import pytest
from PIL import Image
from tiny import TINY, workspace

from hpsearch.cli import main

ODD = os.fsdecode(b"a\xff")
REFUSED = [
    ("launch", ODD),
    ("launch", "study.toml", "--storage", f"sqlite:///{ODD}.db"),
    ("launch", "study.toml", "--reports", ODD),
    ("resume", ODD),
    ("status", ODD),
    ("export", ODD),
    ("init", ODD),
    ("new", "study", "--dataset", ODD),
    (ODD,),
]


def refused(capsys, *arguments):
    """Run a command that must be refused; return its one line."""
    assert main(arguments) == 2
    line, *more = capsys.readouterr().err.splitlines()
    assert not more
    return line


@pytest.mark.parametrize("arguments", REFUSED, ids=lambda arguments: arguments[0].encode("ascii", "replace").decode())
def test_an_argument_must_be_utf_8(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, *arguments).startswith("hpsearch: an argument must be UTF-8, got '")
    assert not list(tmp_path.iterdir())


def test_the_variable_of_the_database_must_be_utf_8(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HPSEARCH_STORAGE", f"sqlite:///{ODD}.db")
    assert refused(capsys, "status") == r"hpsearch: --storage must be UTF-8, got 'sqlite:///a\xff.db'"


def test_the_workspace_must_have_a_name_in_utf_8(capsys, tmp_path, monkeypatch):
    (tmp_path / ODD).mkdir()
    workspace(tmp_path / ODD)
    monkeypatch.chdir(tmp_path / ODD)
    line = refused(capsys, "launch", "studies/tiny.toml", "--storage", f"sqlite:///{tmp_path}/study.db")
    assert line.startswith("hpsearch: the path of the study file must be UTF-8, got '")
    assert not (tmp_path / "study.db").exists()


def test_a_folder_of_images_must_have_classes_in_utf_8(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", ODD):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (2, 2), number).save(tmp_path / "data" / name / f"{number}.png")
    study = workspace(tmp_path, TINY.replace('"digits"', '{ kind = "folder", path = "data", test = 2 }'))
    line = refused(capsys, "launch", str(study), "--storage", f"sqlite:///{tmp_path}/study.db")
    assert line == rf"hpsearch: {tmp_path}/data: the name of a class must be UTF-8, got 'a\xff'"
    assert not (tmp_path / "study.db").exists()
