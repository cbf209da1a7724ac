"""`hpsearch replay`: what it prints, and its one-line errors."""

import json

import pytest
from tiny import TINY, options, url, workspace

from hpsearch.cli import main
from hpsearch.search.launch import launch


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    launch(workspace(folder, TINY), options(folder))
    return folder


def run(folder, capsys, *arguments):
    status = main(["replay", "tiny", *arguments, "--storage", url(folder)])
    out, errors = capsys.readouterr()
    return status, out, errors


def test_it_prints_a_row_for_each_stage_that_the_options_fit_and_says_what_is_left_out(folder, capsys):
    status, out, errors = run(folder, capsys, "--trials", "4", "--pruner", '{ kind = "halving", audit = 0 }')
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [["coarse", "as", "trained"], ["halving,", "epochs", "1"]]
    assert lines[2].split()[3:5] == ["4", "8"]  # 4 · 1 + 2 · 2 epochs
    assert lines[-1] == (
        "left out: --trials must be at most 3, the configurations of stage 'fine' that trained to their end, got 4"
    )


def test_json_has_the_numbers_of_each_stage(folder, capsys):
    status, out, _ = run(folder, capsys, "--trials", "2", "--json")
    coarse, fine = json.loads(out)["stages"]
    assert (status, coarse["stage"], coarse["configurations"], coarse["all_epochs"]) == (0, "coarse", 5, 15)
    assert coarse["epochs"] == {"mean": 6, "low": 6, "high": 6}
    assert coarse["saved"] == pytest.approx(1 - 6 / 15)
    assert sum(each["share"] for each in fine["chosen"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to replay; give --pruner '{ kind = \"halving\" }', --sampler or --trials"),
        (
            ["--pruner", "halving"],
            "--pruner must be a table as TOML writes it, e.g. '{ kind = \"halving\", keep = 0.5 }', got 'halving'",
        ),
        (["--pruner", '{ kind = "halving", kep = 0.5 }'], "replay: pruner.kep is not a key; did you mean 'keep'?"),
        (
            ["--pruner", '{ kind = "halving", rungs = [3] }'],
            "--pruner: stage[0].pruner.rungs[0] must be below 3, the epochs of the stage's longest training, got 3",
        ),
        (
            ["--pruner", '{ kind = "median" }'],
            "--pruner: startup must be below 5, the configurations of stage 'coarse', got 5",
        ),
        (
            ["--sampler", '{ kind = "nsga2" }'],
            "--sampler: kind must be one of 'random', 'qmc', 'tpe', 'gp'; "
            "others know only configurations of their own, got 'nsga2'",
        ),
        (
            ["--trials", "6"],
            "--trials must be at most 5, the configurations of stage 'coarse' that trained to their end, got 6",
        ),
        (
            ["--trials", "2", "--stage", "corse"],
            "study 'tiny' has no stage 'corse' that has begun; did you mean 'coarse'?",
        ),
    ],
)
def test_bad_input_is_one_line(folder, capsys, arguments, message):
    assert run(folder, capsys, *arguments) == (2, "", f"hpsearch: {message}\n")
