"""`status`, and the progress of a running stage: pruned and failed trials, budgets, tracebacks."""

import json
import re
from dataclasses import replace

import pytest
import sqlalchemy
from tiny import LIST, TINY, StopAfter, options, url, workspace

from hpsearch.api import display
from hpsearch.cli import main
from hpsearch.search.launch import launch
from hpsearch.search.progress import StageProgress, Tally
from hpsearch.storage import schema
from hpsearch.storage.records import TrialRow

HEAD = TINY.split("[[stage]]")[0]
HALVING = 'pruner = { kind = "halving", keep = 0.4, rungs = [1], audit = 0.0 }\nbudget = { target = 0.1 }\nsampler'
BROKEN = (
    "from hpsearch.nn import Dense\n"
    "class Broken(Dense):\n"
    "    def forward(self, *given, **named): raise ValueError('no \\x1b[31m forward')\n"
    "def build(classes, hidden): return [(Dense if hidden == [8] else Broken)(classes)]\n"
)


def run(folder, capsys, *arguments):
    status = main([*arguments, "--storage", url(folder)])
    return status, *capsys.readouterr()


def test_status_counts_pruned_trials_and_says_what_ended_a_stage(tmp_path, capsys):
    text = TINY.replace("sampler", HALVING, 1).replace("trials = 5", "trials = 9, batch = 5")
    launch(workspace(tmp_path, text), options(tmp_path))
    status, out, _ = run(tmp_path, capsys, "status", "tiny")
    lines = [line.split() for line in out.splitlines()]
    assert status == 0
    assert lines[0] == ["study", "state", "stage", "trials", "pruned", "failed", "epochs", "best", "test"]
    assert lines[1][:5] == ["tiny", "complete", "coarse", "5/5", "3"]
    assert re.search(r"^stage coarse: Trial \d reached the target, 10.00%\.$", out, re.MULTILINE)


def test_a_function_is_counted_in_steps_wherever_a_study_is_shown(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "steps.py").write_text("def objective(params, seed):\n    yield params['x']\n    yield 0.5\n")
    stage = '[[stage]]\nname = "coarse"\nconfigurations = [{ x = 1.0 }, { x = 2.0 }]\n'
    given = 'name = "f"\n[model]\nfunction = "steps.py"\n[training]\nepochs = 2\n[objective]\ndirection = "minimize"\n'
    given += stage
    path = workspace(tmp_path, given, "f.toml")
    _, out, _ = run(tmp_path, capsys, "launch", str(path), "--backend", "sequential")
    assert out.splitlines()[:2] == ["this process works alone", "stage 1/1 coarse:   0% of 4 steps, 0/2 trials"]
    assert "the best is coarse:0, x = 1: value 0.50000" in out
    assert run(tmp_path, capsys, "status")[1].split()[5] == "steps"
    assert "2 of 2 steps, best value 0.5 in step 2\n" in run(tmp_path, capsys, "status", "f", "--trial", "coarse:0")[1]
    launch(workspace(tmp_path, TINY), options(tmp_path))
    both = [line.split() for line in run(tmp_path, capsys, "status")[1].splitlines()]
    assert (both[0][5], both[1][4:6], both[2][4]) == ("epochs", ["4/4", "steps"], "15/15")


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A study in which all but the first of 13 trials fail inside the model file."""
    monkeypatch.chdir(tmp_path)
    configurations = ", ".join(f"{{ hidden = [{size}] }}" for size in range(8, 21))
    path = workspace(tmp_path, HEAD + LIST + f"configurations = [ {configurations} ]\n")
    (tmp_path / "models" / "mlp.py").write_text(BROKEN)
    launch(path, options(tmp_path))
    return tmp_path


def test_status_lists_failed_trials_and_can_show_their_tracebacks(broken, capsys):
    _, out, _ = run(broken, capsys, "status", "tiny")
    lines = out.splitlines()
    place = f"{broken}/models/mlp.py: Broken.forward"
    assert lines[2] == "stage coarse: best coarse:0, 51.00%; hidden = [8]"
    assert lines[3] == f"coarse:1 failed: {place} raised ValueError: no \\x1b[31m forward; hidden = [9]"
    assert lines[-2] == "stage coarse: 2 more failed trials; --failures shows all"
    assert lines[-1] == "tracebacks: --failures, or --trial STAGE:NUMBER for one"
    _, out, _ = run(broken, capsys, "status", "tiny", "--failures")
    assert out.count("    Traceback") == 24  # the exception and its cause
    _, out, _ = run(broken, capsys, "status", "tiny", "--trial", "coarse:3")
    assert out.splitlines()[:2] == [
        f"coarse:3 is failed: {place} raised ValueError: no \\x1b[31m forward",
        "configuration 3, replicate 0: hidden = [11]",
    ]
    assert "mlp.py" in out
    assert "Traceback" not in run(broken, capsys, "status", "tiny", "--trial", "coarse:0")[1]


BAD = [
    (("tiny", "--trial", "f:0"), "--trial must be STAGE:NUMBER with a stage of the study, got 'f:0'; known: coarse"),
    (("tiny", "--trial", "coarse:13"), "--trial coarse:13: stage 'coarse' has trials 0 to 12, got '13'"),
    (("tiny", "--trial", "coarse:x"), "--trial coarse:x: stage 'coarse' has trials 0 to 12, got 'x'"),
    (("--failures",), "--failures needs a study: hpsearch status NAME …"),
]  # fmt: skip


def test_an_unknown_trial_costs_one_line(broken, capsys):
    for arguments, expected in BAD:
        assert run(broken, capsys, "status", *arguments) == (2, "", f"hpsearch: {expected}\n")


def test_the_overview_has_no_empty_column_for_pruned_trials(tmp_path, capsys):
    launch(workspace(tmp_path), options(tmp_path, watcher=StopAfter(2)))
    assert "pruned" not in run(tmp_path, capsys, "status")[1]


GROWTH = TINY.replace("replicates = 2", "replicates = 1").replace(
    "[[stage]]", "[[stage]]\nbudget = { minutes = 30, patience = 9 }", 1
)


def test_resume_prints_how_a_study_grows(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launch(workspace(tmp_path, GROWTH), options(tmp_path, watcher=StopAfter(2)))
    more = GROWTH.replace("trials = 5", "trials = 7").replace("minutes = 30, patience = 9", "minutes = 60")
    stage = '[[stage]]\nname = "finer"\nsampler = { kind = "random", trials = 2 }\nspace.eta = [0.1, 0.2]\n\n[final]'
    workspace(tmp_path, more.replace("[final]", stage))
    status, out, errors = run(tmp_path, capsys, "resume", "tiny", "--backend", "threading")
    assert (status, errors) == (0, "")
    grows = "stage coarse 5 → 7 trials, budget.minutes 30 → 60, budget.patience 9 → none; new stage finer"
    assert f"study 'tiny' grows: {grows}\n" in out


def progress(**given) -> StageProgress:
    known = {"name": "coarse", "position": 0, "stages": 2, "trials": 32, "trials_done": 9, "trials_failed": 0}
    return StageProgress(**(known | {"trials_pruned": 0, "epochs": 100, "epochs_done": 25, "best": 0.5} | given))


def test_a_line_of_progress_has_pruned_trials_and_the_time_left(capsys):
    lines = display.Lines()
    lines.stage(progress(trials_pruned=4, trials_failed=1, seconds_left=754.0))
    lines.stage(progress(epochs_done=26))  # too soon after the first for another line
    lines.stage(progress(trials_done=32, seconds_left=7.0))
    assert capsys.readouterr().out.splitlines() == [
        "stage 1/2 coarse:  25% of 100 epochs, 9/32 trials, 4 pruned, 1 failed, best 50.00%, 13 min of its budget left",
        "stage 1/2 coarse:  25% of 100 epochs, 32/32 trials, best 50.00%",
    ]


def trial(number: int, state: str, epochs_done: int) -> TrialRow:
    rest = {
        "replicate": 0,
        "optuna_trial_id": None,
        "params": {},
        "configuration": {"model": {}, "training": {}},
        "epochs": 9,
        "point": number,
    }
    return TrialRow(
        number, number, state=state, epochs_done=epochs_done, best_epoch=None, value=None, loss=None, **rest
    )


def test_expected_epochs_shrink_as_trials_are_pruned():
    tally = Tally("study", "coarse", 0, 1, planned=6)
    for number in range(4):
        tally.note(trial(number, "running", 1))
    assert (tally.progress().epochs, tally.progress().epochs_done) == (54, 4)
    tally.note(trial(0, "pruned", 1))
    tally.note(trial(1, "pruned", 1))
    assert (tally.progress().epochs, tally.progress().epochs_done) == (22, 4)  # 1 + 1 + 9 + 9 + 2 like those ended
    assert tally.progress(over=True).epochs == 20


def test_the_best_accuracy_is_a_mean_over_replicates_of_which_none_failed_or_was_pruned():
    tally, best = Tally("study", "final", 0, 1, planned=4, replicates=2), []
    for number, point, replicate, value, state in [
        (0, 0, 0, 0.9, "complete"),
        (1, 0, 1, 0.7, "running"),
        (2, 1, 0, 0.75, "running"),
        (1, 0, 1, 0.5, "complete"),
        (2, 1, 0, 0.75, "pruned"),
        (0, 0, 0, 0.9, "failed"),
    ]:
        tally.note(replace(trial(number, state, 1), point=point, replicate=replicate, value=value))
        best.append(tally.progress().best and round(tally.progress().best, 6))
    assert best == [0.9, 0.8, 0.8, 0.7, 0.7, None]


def test_the_best_does_not_drop_to_a_trial_that_ended_before_better_ones():
    tally, best = Tally("study", "coarse", 0, 1, planned=3), []
    for number, replicate, value, state in [
        (0, 0, 0.8, "running"),
        (1, 0, 0.6, "complete"),  # an audited one, which waits for no rung
        (0, 0, 0.85, "complete"),
        (1, 1, 0.3, "running"),  # it is confirmed
        (1, 1, 0.7, "complete"),  # confirmed ones come first
    ]:
        tally.note(replace(trial(10 * replicate + number, state, 1), point=number, replicate=replicate, value=value))
        best.append(round(tally.progress().best, 6))
    assert best == [0.8, 0.8, 0.85, 0.85, 0.65]


def test_status_and_top_name_no_audited_trial_that_ended_before_better_ones(tmp_path, capsys):
    launch(workspace(tmp_path, TINY), options(tmp_path))
    engine = sqlalchemy.create_engine(url(tmp_path))
    with engine.begin() as connection:
        table, stages = schema.trials, schema.stages
        coarse = connection.execute(sqlalchemy.select(stages.c.id).where(stages.c.position == 0)).scalar_one()
        mine = table.c.stage_id == coarse
        connection.execute(table.update().where(mine).values(state="running", value=0.8))
        audited = {"state": "complete", "value": 0.6, "pruned_at": 1}
        connection.execute(table.update().where(mine, table.c.number == 0).values(audited))
        connection.execute(table.update().where(mine, table.c.number == 1).values(value=0.9))
    engine.dispose()
    assert main(["status", "tiny", "--json", "--storage", url(tmp_path)]) == 0
    stage = json.loads(capsys.readouterr().out)["stages"][0]
    assert (stage["best_trial"], stage["best"]) == ("coarse:1", 0.9)


def test_the_total_of_a_bar_shrinks_as_trials_are_pruned():
    with display.Bars() as bars:
        bars.stage(progress(epochs=100))
        bars.stage(progress(epochs=60, seconds_left=3.0))
        (task,) = bars._progress.tasks
        assert (task.total, task.completed) == (60, 25)


def test_status_prints_the_next_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HPSEARCH_STORAGE", url(tmp_path))
    launch(workspace(tmp_path, TINY.replace('"tiny"', '"-two words"')), options(tmp_path, watcher=StopAfter(2)))
    assert main(["status", "--", "-two words"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: hpsearch resume -- '-two words'"
    assert main(["status", "--storage", url(tmp_path), "--", "-two words"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: hpsearch resume -- '-two words'"
