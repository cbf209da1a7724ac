"""`status`, `report`, `delete` and `--quiet`, on a study that is done and on one that was stopped halfway."""

import pytest
from tiny import TINY, StopAfter, options, ranking, url, workspace

from hpsearch.cli import main
from hpsearch.search.launching import launch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workspace with a stopped study, in which the commands are given."""
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    return tmp_path


def run(folder, capsys, *arguments):
    status = main([*arguments, "--storage", url(folder)])
    return status, *capsys.readouterr()


def test_status_lists_studies_and_the_stages_of_one(folder, capsys):
    launch(workspace(folder, TINY.replace('"tiny"', '"done"')), options(folder))
    status, out, complaint = run(folder, capsys, "status")
    assert (status, complaint) == (0, "")
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["tiny", "interrupted", "coarse", "4/5"],
        ["fine", "waiting"],
        ["final", "waiting"],
        ["done", "complete", "coarse", "5/5"],
        ["fine", "3/3", "9/9", "74.00%"],
        ["final", "2/2", "6/6", "80.00%"],
    ] or len(out.splitlines()) == 7
    assert "done" not in run(folder, capsys, "status", "tiny")[1]


def test_an_unknown_study_is_answered_with_the_nearest(folder, capsys):
    for command in (("status", "tyni"), ("resume", "tyni"), ("report", "tyni"), ("delete", "tyni", "--yes")):
        expected = "hpsearch: study 'tyni' does not exist; did you mean 'tiny'?\n"
        assert run(folder, capsys, *command) == (2, "", expected)


def test_a_half_done_study_has_a_report(folder, capsys):
    assert run(folder, capsys, "report", "tiny") == (0, "reports/tiny/index.html\n", "")
    assert (folder / "reports" / "tiny" / "ranking.csv").read_text() == ranking(folder)


def test_a_report_that_cannot_be_written_costs_one_line(folder, capsys):
    status, out, complaint = run(folder, capsys, "report", "tiny", "--reports", "models/mlp.py")
    assert (status, out, complaint.count("\n")) == (2, "", 1)
    assert complaint.startswith("hpsearch: models/mlp.py/tiny: the report cannot be written")


def test_quiet_prints_nothing(folder, capsys):
    assert run(folder, capsys, "resume", "tiny", "--quiet", "--backend", "threading") == (0, "", "")
    arguments = ["launch", "studies/tiny.toml", "--or-resume", "--quiet", "--backend", "threading"]
    assert run(folder, capsys, *arguments) == (0, "", "")


def test_delete_asks_unless_told(folder, capsys, monkeypatch):
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert run(folder, capsys, "delete", "tiny")[0] == 130
    assert run(folder, capsys, "status", "tiny")[0] == 0
    status, out, _ = run(folder, capsys, "delete", "tiny", "--yes")
    assert (status, out) == (0, "study 'tiny' is deleted; its report, if any, is left\n")
    assert run(folder, capsys, "status")[1] == f"no studies in {url(folder)}\n"


@pytest.mark.parametrize("name", ['it\'s \\"quoted\\" & <b>', "☃ 🎉 ä", "a" * 250, "-x", "[red]x[/red]", "50% {x} {0}"])
def test_any_name_that_is_accepted_works_everywhere(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path, TINY.replace('"tiny"', f'"{name}"').replace('"coarse"', '"[b]coarse {0}"'))
    assert run(tmp_path, capsys, "launch", str(path), "--backend", "threading")[0] == 0
    plain = name.replace("\\", "")
    for command in (
        ["status", "--", plain],
        ["report", "--", plain],
        ["resume", "--backend", "threading", "--", plain],
    ):
        status = main([command[0], "--storage", url(tmp_path), *command[1:]])
        assert (status, capsys.readouterr().err) == (0, "")
    assert main(["delete", "--yes", "--storage", url(tmp_path), "--", plain]) == 0
