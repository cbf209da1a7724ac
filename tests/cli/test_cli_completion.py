"""Shell completion: the scripts, and the completions that the program returns to a shell."""

import os
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete
from tiny import ROOT, TINY, options, url, workspace

from hpsearch.cli import main
from hpsearch.cli.group import cli
from hpsearch.search.launch import launch


def completions(line: str, *, more: bool = False) -> list[str]:
    """The completions of a line; with `more` those of a new word."""
    _, *words = line.split()
    begun = "" if more else words.pop()
    found = BashComplete(cli, {}, "hpsearch", "_HPSEARCH_COMPLETE").get_completions(words, begun)
    return [f"{item.type},{item.value}" for item in found]


def test_a_shell_gets_completions_through_the_environment():
    variables = {"COMP_WORDS": "hpsearch com", "COMP_CWORD": "1", "_HPSEARCH_COMPLETE": "bash_complete"}
    command = [sys.executable, "-m", "hpsearch"]
    environment = os.environ | variables | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["plain,compare", "plain,completion"], "")


def test_commands_and_options_are_completed():
    assert "plain,--json" in completions("hpsearch status --")
    assert completions("hpsearch completion", more=True) == ["plain,bash", "plain,zsh", "plain,fish"]
    assert completions("hpsearch nonsense x") == []


def test_names_of_studies_are_completed(tmp_path, monkeypatch):
    launch(workspace(tmp_path), options(tmp_path))
    launch(workspace(tmp_path, TINY.replace('"tiny"', '"two words"')), options(tmp_path))
    for command in ("status", "resume", "report", "delete --yes", "compare a", "top", "verify --all"):
        assert completions(f"hpsearch {command} --storage {url(tmp_path)} t") == ["plain,tiny"]
    monkeypatch.setenv("HPSEARCH_STORAGE", url(tmp_path))
    assert completions("hpsearch status t") == ["plain,tiny"]
    assert completions("hpsearch status x") == []


def test_a_database_that_cannot_be_read_has_no_names(tmp_path, monkeypatch):
    (tmp_path / "study.db").write_text("nonsense" * 99)
    for storage in (url(tmp_path), url(tmp_path / "none"), "nonsense"):
        monkeypatch.setenv("HPSEARCH_STORAGE", storage)
        assert completions("hpsearch status", more=True) == []


def test_study_files_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace(tmp_path)
    assert completions("hpsearch launch", more=True) == ["plain,studies/tiny.toml"]
    assert completions("hpsearch launch ../o") == ["file,../o"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_read_its_script(capsys, shell):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_HPSEARCH_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_an_unknown_shell_costs_one_line(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
