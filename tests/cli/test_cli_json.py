"""`--json`: every command that prints has it, and prints one document, with nothing beside it."""

import json

import click
import numpy as np
import pytest
from tiny import TINY, finish, options, start, url, workspace

from hpsearch.cli import main
from hpsearch.cli.group import cli
from hpsearch.cli.output import json_value
from hpsearch.search.launch import launch

WITHOUT = {"completion", "dashboard", "mcp", "schema"}
"""Commands that print a script, run a server, or always print JSON."""


def commands(group: click.Group, *path: str):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join([*path, name]), command


@pytest.mark.parametrize(("name", "command"), list(commands(cli)))
def test_every_command_that_prints_can_print_json(name, command):
    options = {option for parameter in command.params for option in parameter.opts}
    assert ("--json" in options) == (name not in WITHOUT)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workspace with two complete studies."""
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path), options(tmp_path))
    launch(workspace(tmp_path, TINY.replace('"tiny"', '"other"')), options(tmp_path))
    return tmp_path


def run(folder, capsys, *arguments):
    capsys.readouterr()
    status = main([*arguments, "--json", "--storage", url(folder)])
    out, errors = capsys.readouterr()
    assert errors == ""
    return status, json.loads(out)


def test_status_prints_studies_with_their_stages(folder, capsys):
    status, found = run(folder, capsys, "status")
    assert (status, [study["study"] for study in found["studies"]]) == (0, ["tiny", "other"])
    _, one = run(folder, capsys, "status", "tiny")
    assert one == found["studies"][0] | {"failures": []}
    assert [stage["stage"] for stage in one["stages"]] == ["coarse", "fine", "final"]
    assert one["stages"][0]["done"] == one["stages"][0]["trials"] == 5
    assert 0 < one["stages"][2]["test"] < 1


def test_status_prints_a_trial(folder, capsys):
    _, found = run(folder, capsys, "status", "tiny", "--trial", "coarse:3")
    assert (found["trial"], found["state"], found["epochs_done"], found["traceback"]) == (
        "coarse:3",
        "complete",
        3,
        None,
    )
    assert set(found["params"]) == {"lambda", "eta", "batch_size"}


def test_digest_and_verify_print_their_results(folder, capsys):
    digests = [run(folder, capsys, "digest", name)[1] for name in ("tiny", "other")]
    assert digests[0] == {"study": "tiny", "digest": digests[1]["digest"], "complete": True}
    status, found = run(folder, capsys, "verify", "tiny", "--trial", "fine:0")
    assert (status, found["ok"], {check["ok"] for check in found["checks"]}) == (0, True, {True})


def test_report_compare_and_delete_print_what_they_did(folder, capsys):
    assert run(folder, capsys, "report", "tiny", "--format", "csv") == (
        0,
        {"study": "tiny", "report": "reports/tiny/ranking.csv"},
    )
    _, found = run(folder, capsys, "compare", "tiny", "other")
    assert found == {"studies": ["tiny", "other"], "comparison": "reports/compare-tiny-other/index.html"}
    assert run(folder, capsys, "delete", "tiny", "--yes") == (0, {"study": "tiny", "deleted": True})
    assert [study["study"] for study in run(folder, capsys, "status")[1]["studies"]] == ["other"]


def test_an_error_is_one_line_on_standard_error(tmp_path, capsys):
    for arguments in (["status"], ["delete", "tiny"]):
        assert main([*arguments, "--json", "--storage", url(tmp_path)]) == 2
        out, errors = capsys.readouterr()
        assert (out, errors.count("\n")) == ("", 1)


@pytest.mark.slow
def test_characters_that_the_encoding_lacks_are_escaped(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    launch(workspace(tmp_path, TINY.replace('"tiny"', '"größer"')), options(tmp_path))
    for arguments, words in ((["status"], "gr\\xf6\\xdfer"), (["verify", "größer"], "ok    stage coarse")):
        process = start(tmp_path, *arguments)
        status, out, errors = finish(process)
        assert (status, errors) == (0, "")
        assert words in out


def test_the_output_of_a_model_file_goes_to_standard_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    build = "def build(classes):\n    print('made')\n    return [Dense(classes)]"
    (tmp_path / "mine.py").write_text(f"from hpsearch.nn import Dense\nprint('hello')\n\n{build}")
    assert main(["gradcheck", "mine.py", "--json"]) == 0
    out, errors = capsys.readouterr()
    assert json.loads(out)["ok"]
    assert errors.splitlines() == ["hello", "made"]


def test_values_that_json_does_not_have_are_converted():
    given = {"a": np.float32(0.5), "b": float("inf"), "c": {2, 1}, "d": np.arange(2), "e": (None, True)}
    assert json_value(given) == {"a": 0.5, "b": None, "c": [1, 2], "d": [0, 1], "e": [None, True]}
