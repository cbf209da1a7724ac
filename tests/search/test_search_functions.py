"""Functions are studies without data: searched, pruned, stopped, resumed with the same bits, and refused in one line."""

# ruff: noqa: E501  (a row of a table stays on one line)

import importlib
import math
import re
import sys
from pathlib import Path

import pytest
from tiny import StopAfter, digest_of, file_size_limit, options, rows, url, workspace

import hpsearch
from hpsearch import Range
from hpsearch.api import optuna
from hpsearch.cli import main
from hpsearch.errors import HpsearchError
from hpsearch.search.functions.files import function_file, source_of
from hpsearch.search.functions.space import read_space
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.storage import schema

STUDY = """
name = "tiny"

[model]
function = "models/steps.py"

[training]
epochs = 6

[objective]
direction = "minimize"

[[stage]]
name = "search"
sampler = { kind = "tpe", trials = 16, batch = 4 }
pruner = { kind = "halving", keep = 0.5, rungs = [1, 3] }
replicates = 2
space.eta = { low = -5.0, high = 5.0 }
space.batch_size = [1, 2]
"""

STEPS = """
import random

def objective(params, seed):
    noise = random.Random(seed)
    value = 9.0
    for step in range(1, 7):
        value = 0.7 * value + 0.3 * (params["eta"] - 2) ** 2 + noise.gauss(0, 0.01) + params["batch_size"]
        yield value
        if params["eta"] < 2.5 and step == 4:
            return
"""

LINE = {"x": Range(-5.0, 5.0)}
SHIFT = 2.0


def shifted(x):
    return x - SHIFT


def parabola(params, seed):
    return shifted(params["x"]) ** 2


def mapping(params, seed):
    return {"height": params["x"], "width": 1.0}


def steps(params, seed):
    yield from (params["x"] ** 2 / step for step in (1, 2, 3, 4))


def of_trial(trial):
    x = trial.suggest_float("x", -4, 4, step=0.5)
    kind = trial.suggest_categorical("kind", ["plain", "deep", None])
    depth = trial.suggest_int("depth", 1, 9, step=3) if kind == "deep" else 1
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    trial.set_user_attr("note", f"{kind}")
    for step in range(8):
        trial.report(x**2 + depth + rate * (8 - step), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x**2 + depth


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to run in, with a database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPSEARCH_STORAGE", url(tmp_path))
    return tmp_path


@pytest.mark.long
def test_a_study_file_of_a_function_has_one_digest_for_any_workers_and_after_kills(tmp_path, monkeypatch, capsys):
    folders = [tmp_path / name for name in ("one", "two", "killed")]
    for folder, workers in zip(folders, (1, 2, 1), strict=True):
        folder.mkdir()
        path = workspace(folder, STUDY)
        (folder / "models" / "steps.py").write_text(STEPS)
        backend = "sequential" if workers == 1 else "threading"
        launch(
            path, options(folder, workers, backend, **({"watcher": StopAfter(9)} if folder.name == "killed" else {}))
        )
    for epochs in (7, 20, 10**6):
        assert resume("tiny", options(tmp_path / "killed", 2, watcher=StopAfter(epochs))) == (epochs > 20)
    assert len({digest_of(folder) for folder in folders}) == 1
    trials = rows(folders[0])
    assert {trial["state"] for trial in trials} == {"complete", "pruned"}
    assert {trial["reason"] for trial in trials if trial["state"] == "complete" and trial["epochs_done"] < 6} == {
        "the function ended after 4 steps"
    }
    monkeypatch.chdir(folders[2])
    assert main(["verify", "--storage", url(folders[2]), "tiny"]) == 0
    assert "✗" not in capsys.readouterr().out


def test_optimise_finds_a_minimum_goes_on_and_takes_what_a_script_uses_along(here):
    results = hpsearch.optimise(parabola, LINE, trials=20)
    assert results.best.value == pytest.approx((results.best.params["x"] - 2) ** 2)
    assert results.best.value < 0.5
    assert hpsearch.optimise(parabola, LINE, trials=20).name == results.name == "parabola"
    more = hpsearch.optimise(parabola, LINE, trials=24)
    assert (more.name, len(more.trials)) == ("parabola", 24)
    assert hpsearch.optimise(parabola, {"x": Range(0.0, 1.0)}, trials=3).name == "parabola-2"
    few = hpsearch.optimise(parabola, LINE, trials=20, sampler="random", budget={"target": 1e9}, name="few")
    assert len(few.trials) < 20
    (file,) = (here / "models" / "functions").iterdir()
    assert file.read_text() == (
        "SHIFT = 2.0\ndef shifted(x):\n    return x - SHIFT\n"
        'def parabola(params, seed):\n    return shifted(params["x"]) ** 2\nobjective = parabola\n'
    )
    assert not rows(here, schema.predictions)
    assert not rows(here, schema.labels)


def test_a_lambda_runs_in_this_process_alone(here):
    assert hpsearch.optimise(lambda params: params["x"] ** 2, LINE, trials=3).name == "lambda"
    with pytest.raises(HpsearchError, match="is a lambda expression, so that no other process can call it"):
        hpsearch.optimise(lambda params: params["x"], LINE, trials=3, workers=2)


@pytest.mark.slow
def test_two_processes_give_what_this_one_does(here):
    given = {"space": LINE, "trials": 12, "epochs": 4, "pruner": "halving", "sampler": "random"}
    one, two = (hpsearch.optimise(steps, name=f"w{n}", workers=n, **given) for n in (1, 2))
    assert digest_of(here, "w1") == digest_of(here, "w2")
    assert one.best == two.best


def test_several_numbers_are_objectives_or_recorded(here):
    results = hpsearch.optimise(mapping, LINE, trials=4, metric="height", direction="maximise")
    assert results.best.value == max(results.trials["value"])
    assert set(results.trials["validation_width"]) == {1.0}
    front = hpsearch.optimise(mapping, LINE, trials=8, direction={"height": "minimise", "width": "maximise"})
    assert len(front.trials) == 8


def test_few_trials_of_an_optuna_study_are_not_pruned_and_a_trial_must_be_called_so(here):
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(), sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(of_trial, n_trials=3)
    assert [trial.state for trial in study.trials] == ["complete"] * 3
    study.optimize(of_trial, n_trials=9)
    assert [trial.state for trial in study.trials] == ["complete"] * 12
    with pytest.raises(HpsearchError, match="must call what it gets `trial`"):
        study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3)


@pytest.mark.parametrize("name", ["error", "loss"])
def test_a_mapping_of_one_number_is_that_number(here, name):
    returned = hpsearch.optimise(lambda params: {name: params["x"] ** 2}, LINE, trials=4, sampler="random")
    plain = hpsearch.optimise(lambda params: params["x"] ** 2, LINE, trials=4, sampler="random")
    assert returned.best.value == plain.best.value
    assert returned.best.metric == "value"


def test_optunas_objective_gives_its_space_and_is_pruned(here):
    space, count = read_space(of_trial, count=True)
    assert (space, count) == (
        {
            "x": {"low": -4.0, "high": 4.0, "log": False, "integer": False, "step": 0.5},
            "kind": {"choices": ["plain", "deep", "none"], "ordered": False},
            "rate": {"low": 1e-4, "high": 1e-1, "log": True, "integer": False},
            "depth": {"low": 1, "high": 7, "log": False, "integer": True, "step": 3},
        },
        8,
    )
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(), sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(of_trial, n_trials=20)
    study.optimize(of_trial, n_trials=4)
    assert len(study.trials) == 24
    assert {trial.state for trial in study.trials} == {"complete", "pruned"}
    best = study.best_params
    assert study.best_value == best["x"] ** 2 + (best["depth"] if best["kind"] == "deep" else 1)
    kinds = {trial.params["kind"] for trial in study.trials}
    assert kinds == {"plain", "deep", None}
    assert all(("depth" in trial.params) == (trial.params["kind"] == "deep") for trial in study.trials)
    assert all(trial.user_attrs == {"note": str(trial.params["kind"])} for trial in study.trials)
    assert (study.best_trial.params, study.best_trial.value) == (best, study.best_value)


def test_a_trial_that_ends_itself_before_a_report_is_pruned_as_optuna_says(here):
    def objective(trial):
        x = trial.suggest_float("x", -4, 4)
        if x < 0:
            raise optuna.TrialPruned
        return x

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=12, n_jobs=1)
    pruned = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.PRUNED])
    complete = study.get_trials(states=(optuna.TrialState.COMPLETE,))
    assert {trial.params["x"] < 0 for trial in pruned} == {True} == {trial.params["x"] >= 0 for trial in complete}
    assert {trial.value for trial in pruned} == {None}
    assert len(pruned) + len(complete) == 12
    assert study.best_value == min(trial.value for trial in complete)


def test_the_report_of_a_function_speaks_of_no_samples(here):
    pruner = {"kind": "halving", "keep": 0.5, "rungs": [1, 2], "audit": 0.5}
    hpsearch.optimise(steps, LINE, trials=8, epochs=4, pruner=pruner, sampler="random", replicates=2)
    assert main(["report", "steps", "--format", "html,md"]) == 0
    page = Path("reports/steps/index.html").read_text()
    page, data = page.split("<h3>The study file</h3>")[0].split("</style>")[1], page.split('id="trials">')[1]
    texts = [Path("reports/steps/report.md").read_text().split("### The study file")[0], page]
    texts.append(data.partition("</script>")[0].replace('"epoch":"step"', ""))
    assert "pruned at step 1" in texts[0]
    assert "The interval of a pruned one is for its value when it was pruned" in texts[0]
    words = ["validation", "sample", "image", "test set", "accurac", "dataset", "learning rate"]
    for word in (*words, "epoch", "network", "train", "cohort"):
        for text in texts:
            assert word not in text.lower().replace("sampled", "").replace("sampler", "").replace("with 95%", ""), word
    for command in ("status", "digest", "compare steps", "top --once"):
        assert main(
            [*command.split(), *([] if command in ("status", "compare steps", "top --once") else ["steps"])]
        ) in (0, 2)


def test_functions_are_compared_by_their_steps_alone(here):
    for name, function in {"a": steps, "b": steps, "c": parabola, "d": parabola}.items():
        epochs = {"epochs": 4} if function is steps else {}
        hpsearch.optimise(function, LINE, trials=3, sampler="random", name=name, **epochs)
    for studies, figures in ((("a", "b"), ["value by step of the best configuration of each study"]), (("c", "d"), [])):
        assert main(["compare", *studies]) == 0
        page = Path(f"reports/compare-{studies[0]}-{studies[1]}/index.html").read_text()
        assert re.findall(r'<svg role="img" aria-label="([^"]*)"', page) == figures
        for word in ("epoch", "loss", "alidation", "samples"):
            assert word not in page.split("</style>")[1].split("<script")[0], word


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "returned nothing"),
        (math.nan, "value was NaN"),
        (math.inf, "value was infinite"),
        (-sys.float_info.max, "must return finite numbers, none beyond 1e+38, value was -1.8e+308"),
        ("good", "returned 'good'"),
        ({}, "an empty mapping"),
        ({"profit": 1.0, "hours": 2.0}, "returned profit, hours; the study must say by which to search"),
        ({"accuracy": 0.9}, "returned 'accuracy', but the study's direction is 'minimize'"),
        (True, "returned True"),
    ],
)
def test_what_a_function_may_not_return_is_said_in_one_line(here, returned, said):
    with pytest.raises(HpsearchError) as caught:
        hpsearch.optimise(lambda params: returned, LINE, trials=2)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def raises(params, seed):
    raise RuntimeError("out of luck")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((raises, LINE), "all 2 trials failed, the first because RuntimeError: out of luck"),
        ((parabola, {}), "space must name at least one parameter"),
        ((parabola, None), "space must be given"),
        ((3, LINE), "objective must be a function, got 3"),
        ((lambda a, b, c: 1.0, LINE), "must take (params, seed), (params) or (trial), got (a, b, c)"),
        ((parabola, {"x": [1, None]}), "space['x'] must not have None among its choices, got [1, None]"),
        ((lambda trial: 1.0,), "must suggest at least one hyperparameter"),
        ((lambda trial: raises({}, 0),), "failed when it was called to read its space"),
    ],
)
def test_an_invalid_call_is_refused_in_one_line(here, given, said):
    with pytest.raises(HpsearchError) as caught:
        hpsearch.optimise(*given, trials=2)
    assert said in str(caught.value)


def test_a_misspelt_direction_names_the_right_one(here):
    with pytest.raises(HpsearchError, match="got 'minimze'; did you mean 'minimise'"):
        hpsearch.optimise(parabola, LINE, direction="minimze")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[model]", "[data]\ndataset = 'digits'\n[model]", "data must not be given; 'models/steps.py' is a function"),
        ('direction = "minimize"', "", "objective.direction is missing"),
        ('direction = "minimize"', 'metric = "accuracy"', "must be a number that the function returns"),
        ("[objective]", "[final]\n[objective]", "final must not be given; a function has no test samples"),
        ("epochs = 6", "epochs = 6\neta = 0.1", "training.eta is not used by models/steps.py"),
    ],
)
def test_keys_that_a_function_has_no_use_for_are_refused(tmp_path, old, new, said):
    path = workspace(tmp_path, STUDY.replace(old, new))
    (tmp_path / "models" / "steps.py").write_text(STEPS)
    with pytest.raises(HpsearchError) as caught:
        launch(path, options(tmp_path))
    assert said in str(caught.value)


def test_a_name_from_elsewhere_keeps_a_function_in_this_process(monkeypatch):
    monkeypatch.setitem(parabola.__globals__, "shifted", abs)
    assert "def shifted" in source_of(parabola)  # its file counts, and not what has been put in its place
    assert sys.modules[__name__].SHIFT == 2.0


def test_a_full_disk_leaves_no_half_file_of_a_function(tmp_path):
    with file_size_limit(20), pytest.raises(HpsearchError, match="cannot be written: File too large"):
        function_file(parabola, tmp_path)
    name, here = function_file(parabola, tmp_path)
    assert here is None
    assert (tmp_path / name).read_text("utf-8") == source_of(parabola)


SCRIPT = """
from hpsearch.search.functions.files import source_of

scale = 2
def reported(trial):
    x = trial.suggest_float("x", 0, 1)
    for s in (0, 10):
        trial.report(scale * x + s, s)
    return x

for s in (1, 2):
    print("searched")
"""


def test_a_functions_own_variables_take_no_statement_of_the_script_along(tmp_path, monkeypatch):
    (tmp_path / "own_names.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("own_names")
    text = source_of(module.reported)
    assert "searched" not in text
    assert text.startswith("scale = 2\ndef reported")


def test_a_function_that_uses_what_a_search_made_stays_in_its_process(tmp_path, monkeypatch):
    (tmp_path / "uses_search.py").write_text(
        "def create_study():\n    return 3\n\nfound = create_study()\n\ndef f(params):\n    return found\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Exception, match="uses found, which a search at the top level of its file makes"):
        source_of(importlib.import_module("uses_search").f)


def test_what_changes_a_value_that_a_function_uses_is_taken_along_or_keeps_it_here(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    text = "CONFIG = {}\nCONFIG['offset'] = 100.0\n\ndef f(params):\n    return CONFIG['offset']\n"
    (tmp_path / "items.py").write_text(text)
    assert "CONFIG['offset'] = 100.0" in source_of(importlib.import_module("items").f)
    late = "N = 0\n\ndef f(params):\n    return N\n\nif __name__ == '__main__':\n    N = 1000\n"
    (tmp_path / "late.py").write_text(late)
    module = importlib.import_module("late")
    monkeypatch.setattr(module.f, "__module__", "__main__")
    with monkeypatch.context() as context:
        context.setitem(sys.modules, "__main__", module)
        with pytest.raises(Exception, match="uses N, which is assigned under"):
            source_of(module.f)


def test_a_generator_must_say_how_many_steps_it_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def steps(params):
        yield params["x"]

    with pytest.raises(HpsearchError, match="epochs must say how many steps"):
        hpsearch.optimise(steps, {"x": Range(0, 1)}, trials=2)
    path = workspace(tmp_path, STUDY.replace("epochs = 6", "").replace("\npruner = {", "\n# {"))
    (tmp_path / "models" / "steps.py").write_text(STEPS)
    with pytest.raises(HpsearchError, match=r"training\.epochs is missing; the function yields a number for each"):
        launch(path, options(tmp_path))


def test_what_a_function_notes_of_its_trials_may_be_any_number(here):
    def noting(trial):
        for name, number in (("large", 1e305), ("whole", 10**400), ("small", 2.5)):
            trial.set_user_attr(name, number)
        return trial.suggest_float("x", 0, 1)

    study = optuna.create_study()
    study.optimize(noting, n_trials=2)
    assert [each.user_attrs for each in study.trials] == 2 * [{"large": 1e305, "whole": 10**400, "small": 2.5}]
    assert {row["metric"] for row in rows(here, schema.measurements)} == {"value", "small"}


def test_several_directions_of_optunas_are_refused_with_what_has_them():
    with pytest.raises(HpsearchError, match=r'hpsearch.optimise\(objective, space, direction=\{"loss": "minimise"'):
        optuna.create_study(directions=["minimize", "maximize"])
    assert optuna.create_study(directions=["maximize"])._direction == "maximize"
