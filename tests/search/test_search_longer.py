"""A study whose trainings become longer goes on from where they ended, and ends like one that was launched so."""

import pytest
from study_parts import FINAL, FINE, end, made, random
from tiny import StopAfter, options, rows, workspace

from hpsearch.cli import main
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.stages import longer
from hpsearch.storage import schema


def grown(text, epochs=5):
    return text.replace("epochs = 3", f"epochs = {epochs}")


def whole(folder, text):
    (folder / "whole").mkdir()
    launch(workspace(folder / "whole", text), options(folder / "whole"))
    return end(folder / "whole")


MOMENTUM = 'training.optimiser = "momentum"'
STEP = 'training.schedule = { kind = "step", factor = 0.5, every_epochs = 2 }'
STOP = "training.stop = { patience = 1 }"
KINDS = {
    "final": made(random(4, MOMENTUM, "replicates = 2"), FINAL),
    "tested": made(random(4, STEP, "test = true")),
    "last": made(random(3, 'training.keep = "last"'), FINE),
    "stopped early": made(random(12, STOP)),
    "more than ten": made(random(13, MOMENTUM)),
    "cyclical": made(
        random(3).replace("space.eta", "space.schedule.eta_max"), FINAL.replace("replicates = 2", "replicates = 1")
    ).replace(
        "epochs = 3\neta = 0.1",
        "cycles = 1\nschedule = { kind = 'cyclical', eta_min = 1e-3, eta_max = 0.1, half_cycle_epochs = 1 }",
    ),
}
SLOWER = {"tested", "stopped early", "last", "cyclical"}


@pytest.mark.long
@pytest.mark.parametrize("kind", [pytest.param(k, marks=[pytest.mark.slow] * (k in SLOWER)) for k in KINDS])
def test_a_study_grown_to_longer_trainings_ends_like_one_launched_so(tmp_path, kind):
    before = KINDS[kind]
    after = grown(before).replace("cycles = 1", "cycles = 2")
    path = workspace(tmp_path, before)
    assert launch(path, options(tmp_path)) == ("tiny", True)
    before_it = {row["id"]: row["seconds"] for row in rows(tmp_path)}
    path.write_text(after)
    assert resume("tiny", options(tmp_path, 2))
    assert end(tmp_path) == whole(tmp_path, after)
    assert before_it.keys() <= {row["id"] for row in rows(tmp_path)}  # none was begun anew as another trial
    if kind == "tested":
        assert main(["verify", "tiny", "--storage", options(tmp_path).storage]) == 0


def test_what_was_trained_is_not_trained_again_but_where_there_was_no_room_for_its_state(tmp_path, monkeypatch):
    text = made(random(4))
    path = workspace(tmp_path, text)
    monkeypatch.setattr(longer, "ROOM", 10_000)  # 64 * 8 + 8 + 8 * 10 + 10 numbers of 4 bytes, and the .npz's own
    launch(path, options(tmp_path))
    kept = {row["trial_id"] for row in rows(tmp_path, schema.weights) if row["kind"] == "end"}
    assert 1 < len(kept) < 4
    path.write_text(grown(text))
    assert not resume("tiny", options(tmp_path, watcher=StopAfter(1)))
    running = {row["id"]: row for row in rows(tmp_path)}
    assert all(running[trial_id]["epochs_done"] >= 3 for trial_id in kept)
    assert resume("tiny", options(tmp_path))
    assert end(tmp_path) == whole(tmp_path, grown(text))


@pytest.mark.long
def test_stopped_again_and_again_while_it_trains_longer_it_ends_the_same(tmp_path):
    text = made(random(5, MOMENTUM), FINE, FINAL)
    path = workspace(tmp_path, text)
    assert not launch(path, options(tmp_path, watcher=StopAfter(6)))[1]
    path.write_text(grown(text))
    for epochs in (1, 2, 3):
        assert not resume("tiny", options(tmp_path, watcher=StopAfter(epochs)))
    assert resume("tiny", options(tmp_path))
    assert end(tmp_path) == whole(tmp_path, grown(text))


def test_evaluations_on_the_test_set_that_a_longer_training_replaces_are_still_counted(tmp_path):
    text = made(random(2, "test = true"))
    path = workspace(tmp_path, text)
    launch(path, options(tmp_path))
    path.write_text(grown(text))
    resume("tiny", options(tmp_path))
    assert rows(tmp_path, schema.stages)[0]["test_evaluations"] == 2
