"""Samplers of others, from a Python file of the workspace: exact, refused in one line, and held to their file."""

import json
import re

import pytest
from sampler_runs import outcome, seen
from tiny import TINY, StopAfter, digest_of, options, rows, url, workspace

from hpsearch.cli import main
from hpsearch.errors import HpsearchError, InputError
from hpsearch.search.launch import launch
from hpsearch.search.resume import resume
from hpsearch.search.samplers.factory import check_sampler, sampler_of
from hpsearch.search.samplers.points import Point
from hpsearch.search.samplers.sampler_files import sampler_classes
from hpsearch.spec import parse
from hpsearch.storage.records import RUNNING

WALK = """\
import numpy as np
import optuna

class RandomWalk(optuna.samplers.BaseSampler):
    def __init__(self, width=0.2, seed=None):
        self.rng, self.width, self.told = np.random.RandomState(seed), width, []
    def infer_relative_search_space(self, study, trial):
        return optuna.search_space.intersection_search_space(study.get_trials(deepcopy=False))
    def sample_relative(self, study, trial, search_space):
        if not self.told:
            return {}
        best = max(self.told, key=lambda each: each[0])[1]
        found = {}
        for key, span in search_space.items():
            if key != "batch_size":
                value = np.log(best[key]) + self.width * self.rng.randn() * np.log(span.high / span.low)
                found[key] = float(np.clip(np.exp(value), span.low, span.high))
        return found
    def sample_independent(self, study, trial, param_name, param_distribution):
        if isinstance(param_distribution, optuna.distributions.IntDistribution):
            return self.rng.randint(param_distribution.low, param_distribution.high + 1)
        return self.rng.uniform(param_distribution.low, param_distribution.high)
    def after_trial(self, study, trial, state, values):
        if values:
            self.told.append((values[0], trial.params))
"""
"""One that keeps a state in itself, learns by after_trial, and samples both relatively and independently."""

TEXT = TINY.replace(
    'sampler = { kind = "random", trials = 5 }',
    'sampler = { kind = "python", path = "samplers/mine.py", trials = 14, batch = 3 }',
)


def in_workspace(folder, code=WALK, text=TEXT, path="samplers/mine.py"):
    study = workspace(folder, text)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(code, "utf-8")
    return study


def checked(folder, code=WALK, text=TEXT, **given):
    """What is said of the sampler before the launch."""
    in_workspace(folder, code, text, **given)
    study = parse(text, "a.toml")
    return check_sampler(study.stages[0], "a.toml", 0, 0, sampler_classes(study, folder))


def asked(folder, window, cuts=()):
    """All configurations of the stage with artificial outcomes; the run is killed before those in `cuts`."""
    study = parse(TEXT.replace("batch = 3", window), "a.toml")
    stage, classes = study.stages[0], sampler_classes(study, folder)
    found, told, sampler = [], 0, sampler_of(stage, stage.space, 0, classes=classes)
    for number in range(sampler.points):
        if number in cuts:
            told, sampler = 0, sampler_of(stage, stage.space, 0, classes=classes)
            for i, each in enumerate(found):
                sampler.recall(Point(i, each[0], RUNNING, None, (), json.loads(json.dumps(each[1]))))
        for i in range(told, seen(stage, number)):
            sampler.tell(outcome(i, *found[i]))
        told = seen(stage, number)
        found.append(sampler.ask(number))
    return [params for params, _ in found]


@pytest.mark.parametrize("window", ["batch = 3", "window = 4"])
def test_a_sampler_with_a_state_of_its_own_samples_the_same_after_kills(tmp_path, window):
    in_workspace(tmp_path)
    whole = asked(tmp_path, window)
    assert whole == asked(tmp_path, window, cuts=(1, 5, 6, 13))
    assert len({str(each) for each in whole}) == 14


@pytest.mark.long
def test_a_study_has_the_same_digest_for_two_workers_and_after_stops_and_is_verified(tmp_path, monkeypatch, capsys):
    calm, folder = tmp_path / "calm", tmp_path / "stopped"
    paths = {each: in_workspace(each) for each in (calm, folder)}
    monkeypatch.chdir(calm)
    launch(paths[calm], options(calm))
    monkeypatch.chdir(folder)
    assert launch(paths[folder], options(folder, 2, watcher=StopAfter(4))) == ("tiny", False)
    while not resume("tiny", options(folder, watcher=StopAfter(20))):
        pass
    assert digest_of(folder) == digest_of(calm)
    assert main(["verify", "tiny", "--storage", url(folder)]) == 0
    (folder / "samplers/mine.py").write_text(WALK + "# changed\n", "utf-8")
    assert main(["verify", "tiny", "--storage", url(folder)]) == 2
    assert "samplers/mine.py: the sampler's file has changed since study 'tiny' was launched" in capsys.readouterr().err


def test_a_changed_file_is_not_resumed(tmp_path, monkeypatch):
    path = in_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert launch(path, options(tmp_path, watcher=StopAfter(3))) == ("tiny", False)
    (tmp_path / "samplers/mine.py").write_text(WALK.replace("0.2", "0.3"), "utf-8")
    with pytest.raises(InputError, match=r"^samplers/mine\.py: the sampler's file has changed .* under a new name$"):
        resume("tiny", options(tmp_path))
    assert {row["state"] for row in rows(tmp_path)} != {"complete"}


def test_a_package_with_files_of_its_own_is_taken_with_all_of_them(tmp_path):
    text = TEXT.replace("samplers/mine.py", "samplers/walk").replace("batch = 3", "batch = 3, width = 0.4")
    (tmp_path / "samplers/walk").mkdir(parents=True)
    (tmp_path / "samplers/walk/sampler.py").write_text(WALK, "utf-8")
    code = "from .sampler import RandomWalk\n__all__ = ['RandomWalk']\n"
    assert checked(tmp_path, code, text, path="samplers/walk/__init__.py") == []
    (one,) = sampler_classes(parse(text, "a.toml"), tmp_path).values()
    (tmp_path / "samplers/walk/sampler.py").write_text(WALK + "\n", "utf-8")
    (other,) = sampler_classes(parse(text, "a.toml"), tmp_path).values()
    assert (one.name, one.arguments) == ("RandomWalk of samplers/walk", {"width": 0.4})
    assert one.hash != other.hash


def test_one_of_optunas_may_be_named_and_draws_what_optuna_draws(tmp_path):
    code = "from optuna.samplers import TPESampler\n"
    with pytest.raises(InputError, match=r"defines none; it imports TPESampler: name one with class$"):
        checked(tmp_path, code)
    text = TEXT.replace("batch = 3", 'batch = 3, class = "TPESampler", n_startup_trials = 4')
    assert checked(tmp_path, code, text) == []


GLOBAL = WALK.replace(", seed=None", "").replace("np.random.RandomState(seed)", "np.random")


def test_a_sampler_without_a_seed_draws_from_numpys_generator_which_is_seeded_for_it(tmp_path):
    says = "stage coarse: RandomWalk of samplers/mine.py: its constructor takes no seed, so NumPy's and Python's global"
    assert checked(tmp_path, GLOBAL) == [says + " generators are seeded for it"]
    assert asked(tmp_path, "batch = 3") == asked(tmp_path, "batch = 3", cuts=(7,))


RAISES = WALK.replace("        if not self.told:", "        if self.told: raise KeyError('oh\\nno')\n        if True:")
WRONG = [
    ("x = 1\n", "", r"path must define a sampler, a class derived from .*; samplers/mine\.py defines none$"),
    ("def\n", "", r"path cannot be imported: samplers/mine\.py raised SyntaxError: .*"),
    (WALK + "class Other(RandomWalk): pass\n", "", r" must be named by class = 'RandomWalk'; .* 2 samplers, "),
    (WALK, ', class = "RandomWalks"', r"\.class must be the name .*, got 'RandomWalks'; did you mean 'RandomW"),
    (WALK, ", widht = 1", r"widht is not an argument of RandomWalk; did you mean 'width'\?$"),
    (WALK, ", seed = 1", r"seed must not be given: the study's seed decides it$"),
    (WALK.replace("=0.2", ""), "", r"width is missing; RandomWalk needs it$"),
    (
        WALK.replace("self.rng,", "1 / 0; self.rng,"),
        "",
        r"arguments that RandomWalk of .* refuses: ZeroDivisionError: ",
    ),
    (RAISES, "", r" failed: RandomWalk of samplers/mine\.py, configuration 1: KeyError: 'oh.*no'$"),
    (
        WALK.replace("return {}", "return {'etta': 1}"),
        "",
        r"values of lambda, eta, batch_size alone, returned one of 'e",
    ),
    (
        WALK.replace("return {}", "return None"),
        "",
        r"configuration 0: sample_relative must return a dict, returned None$",
    ),
    (
        WALK.replace("return self.rng.uni", "return -self.rng.uni"),
        "",
        r"a number from 1e-05 to 0.1 for 'lambda', ret.* -0",
    ),
    (
        WALK.replace("RandomState(seed)", "RandomState()"),
        "",
        r"must give the same .*gave configuration 0 as .* then as",
    ),
]


@pytest.mark.parametrize(("code", "more", "says"), WRONG)
def test_a_bad_sampler_is_refused_in_one_line(tmp_path, code, more, says):
    with pytest.raises(InputError, match=rf"^a\.toml: stage\[0\]\.sampler.*{says}") as caught:
        checked(tmp_path, code, TEXT.replace("batch = 3", "batch = 3" + more))
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_nearest(tmp_path):
    in_workspace(tmp_path)
    with pytest.raises(
        InputError, match=r"path must be a Python file, .* got 'samplers/main\.py'; did you mean 'sampl"
    ):
        sampler_classes(parse(TEXT.replace("mine.py", "main.py"), "a.toml"), tmp_path)


def test_a_sampler_that_fails_in_the_search_ends_it_in_one_line(tmp_path, monkeypatch):
    late = "if len(self.told) > 12: raise ValueError('full')\n        if not self.told:"
    path = in_workspace(tmp_path, WALK.replace("if not self.told:", late), TEXT.replace("trials = 14", "trials = 20"))
    monkeypatch.chdir(tmp_path)
    says = "stage 'coarse': RandomWalk of samplers/mine.py failed at configuration 15: full"
    with pytest.raises(HpsearchError, match=re.escape(says)):
        launch(path, options(tmp_path))


def test_what_optuna_has_deprecated_is_named_at_the_launch(tmp_path):
    text = TINY.replace('kind = "random", trials = 5', 'kind = "tpe", trials = 5, prior_weight = 2')
    (line,) = check_sampler(parse(text, "a.toml").stages[0], "a.toml", 0)
    assert line.startswith("stage coarse: option 'prior_weight' of Optuna's TPESampler: ")
    assert "deprecated in v4.9.0" in line
    plain = TINY.replace('kind = "random", trials = 5', 'kind = "tpe", trials = 5, n_startup_trials = 2')
    assert check_sampler(parse(plain, "a.toml").stages[0], "a.toml", 0) == []
