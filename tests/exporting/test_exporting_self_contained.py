"""`--format joblib`: one file that is enough; and the card that each exported model has beside it."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from tiny import LIST, TINY, options, url, workspace

import hpsearch
from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.exporting.export import export
from hpsearch.search.launch import launch
from hpsearch.workers.models import plugin

ALONE = "import sys, joblib, numpy; print(joblib.load(sys.argv[1]).predict(numpy.load(sys.argv[2])).tolist())"


def alone(place, samples, tmp_path):
    """What a fresh process predicts, with this file alone."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    np.save(folder / "x.npy", samples)
    command = [sys.executable, "-c", ALONE, place, "x.npy"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout.strip()


def without_files(monkeypatch):
    """From here on no model file and no prepared split can be read."""

    def gone(path):
        raise AssertionError(path)

    monkeypatch.setattr(plugin, "_text", gone)
    monkeypatch.setattr("hpsearch.data.open_split", gone)
    plugin._import.cache_clear()


def test_a_network_needs_no_model_file(results, tmp_path, monkeypatch):
    done, samples = export(results.frames, "joblib", str(tmp_path / "m.joblib")), load_digits().data
    expected = results.classifier().predict_proba(samples)
    without_files(monkeypatch)
    assert np.array_equal(joblib.load(done.place).predict_proba(samples), expected)
    assert str(Path.cwd()).encode() not in Path(done.place).read_bytes()


def test_an_estimator_is_carried_as_it_was_fitted(iris, tmp_path, monkeypatch):
    results, frame, _ = iris
    done, samples = export(results.frames, "joblib", str(tmp_path / "m.joblib")), frame.drop(columns="y")
    expected = results.classifier().predict_proba(samples)
    without_files(monkeypatch)
    loaded = joblib.load(done.place)
    assert np.array_equal(loaded.predict_proba(samples[["e", "c", "d", "a b"]]), expected)
    assert loaded.model.carried.fitted.trainable.data.samples.shape == (0, 4)  # not the samples that it was fitted on
    assert Path(done.place).stat().st_size < 10_000


def test_a_trainable_is_carried_with_its_samples(tmp_path, monkeypatch):
    stage = LIST.replace("coarse", "one") + "configurations = [{ prototypes = 2 }]\n"
    text = TINY.split("[training]")[0].replace("mlp.py", "lvq.py").replace("hidden = [8]\n", "")
    launch(workspace(tmp_path, text + "[training]\nepochs = 1\neta = 0.1\n" + stage), options(tmp_path))
    results = hpsearch.load("tiny", url(tmp_path))
    expected, samples = results.classifier().predict(load_digits().data), load_digits().data
    done = export(results.frames, "joblib", str(tmp_path / "m.joblib"))
    without_files(monkeypatch)
    assert np.array_equal(joblib.load(done.place).predict(samples), expected)


@pytest.mark.slow
def test_a_fresh_process_elsewhere_predicts_with_the_file_alone(results, iris, tmp_path):
    for study, samples in ((results, load_digits().data), (iris[0], iris[1].drop(columns="y").to_numpy())):
        (tmp_path / study.name).mkdir()
        place = tmp_path / study.name / "m.joblib"
        export(study.frames, "joblib", str(place))
        assert alone(place, samples, tmp_path / study.name) == str(study.classifier().predict(samples).tolist())


def test_what_cannot_be_pickled_is_refused_in_one_line(iris, tmp_path, monkeypatch):
    from hpsearch.exporting import self_contained

    carried = self_contained.self_contained
    monkeypatch.setattr(self_contained, "self_contained", lambda model: replace(carried(model), study=lambda: None))
    with pytest.raises(InputError, match=r"cannot be written for joblib \(.*\); --format npz has its arrays$"):
        export(iris[0].frames, "joblib", str(tmp_path / "m.joblib"))


@pytest.mark.parametrize("format_name", ["joblib", "npz"])
def test_a_card_says_what_the_model_is_and_how_good_it_is(iris, tmp_path, capsys, format_name):
    results, _, folder = iris
    place = tmp_path / f"m.{format_name}"
    assert main(["export", "iris", "--format", format_name, "--to", str(place), "--storage", url(folder)]) == 0
    assert f"{place}: trial final:0; {place}.md says how good it is" in capsys.readouterr().out
    card = Path(f"{place}.md").read_text("utf-8")
    row = next(row for row in results.frames.rows if row["stage"] == "final")
    assert re.search(rf"Test accuracy: {row['test_accuracy']:.1%}.* \(95% interval [\d.]+–[\d.]+\) on 30 samples", card)
    for expected in ("90 to train on, 30 to choose by, 30 to test on", "`-1`, `1`, `3` (whole numbers)", "`a b`, `c`"):
        assert expected in card
    assert ("runs code" in card, "has it fitted" in card) == (format_name == "joblib", format_name == "npz")
    assert str(folder) not in card


def test_a_card_says_that_a_study_was_extended_once_the_test_set_had_been_used(iris, tmp_path):
    frames = iris[0].frames
    told = [Path(export(frames, "npz", str(tmp_path / "m.npz")).card).read_text("utf-8")]
    stages = frames.stages.assign(finished_at="2999-01-01T00:00:00+00:00")  # long after the final began
    told.append(Path(export(replace(frames, stages=stages), "npz", str(tmp_path / "m.npz")).card).read_text("utf-8"))
    assert ["used for nothing else" in card for card in told] == [True, False]
    assert "The study was extended after the test set had been used, so" in told[1]


def test_a_harmful_text_does_nothing_in_a_card(iris, tmp_path):
    frames, harm = iris[0].frames, "\x1b[31m\u202e<img src=x onerror=alert(1)> [a](javascript:b)\n# c"
    data, environment = {**frames.study["data"], "dataset": harm}, {"python": harm, "machine": harm}
    study = {**frames.study, "data": data, "environment": environment}
    card = Path(export(replace(frames, study=study), "npz", str(tmp_path / "m.npz")).card).read_text("utf-8")
    assert card.count("31m") == 3
    assert not [part for part in ("\x1b", "\u202e", "<img", "[a]", "\n# c") if part in card]


@pytest.mark.parametrize("format_name", ["joblib", "onnx"])
def test_the_python_in_a_card_runs(results, study, tmp_path, format_name):
    pytest.importorskip("onnxruntime")
    done = export(results.frames, format_name, str(tmp_path / f"m.{format_name}"))
    program = re.search("```python\n(.*?)```", Path(done.card).read_text("utf-8"), re.DOTALL)[1]
    program = program.replace(f'"m.{format_name}"', repr(done.place)).replace("model.predict", "labels = model.predict")
    found = {"X": load_digits().data}
    exec(program, found)
    assert np.mean(found["labels"] == results.classifier().predict(found["X"])) > 0.99
