"""Each kind of model on real files, as a person runs it: checked, killed in mid-run, resumed to the digest of a run that was
not, reported, and predicted with in another process.
"""

# ruff: noqa: E501  (a row of a table stays on one line)

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from tiny import ROOT, digest_of, rows, url

import hpsearch
from hpsearch.cli import main

CANCER = """
[data]
dataset = { kind = "csv", path = "breast_cancer.csv", label = "target", test = 114 }
train = 300
validation = 155
"""
DIABETES = """
[data]
dataset = { kind = "csv", path = "diabetes.csv", label = "target", test = 90 }
task = "regression"
train = 250
validation = 100
[objective]
metric = "rmse"
"""
DIGITS = '[data]\ndataset = "digits"\ntrain = 900\nvalidation = 300\n'
EPOCHS = "[training]\nepochs = 12\n"
PRUNED = 'pruner = { kind = "halving", keep = 0.5, rungs = [3, 6] }\n'
RATE = "space.learning_rate = { low = 0.01, high = 0.5, log = true }\n"
DEPTH = 'space.max_depth = [2, 4, 8, "none"]\nspace.max_features = { low = 0.1, high = 1.0 }\n'
C = "space.degree = [1, 2]\nspace.logisticregression__C = { low = 1e-3, high = 1e2, log = true }\n"
CNN = f'[model]\nfile = "models/torch_cnn.py"\n{EPOCHS}batch_size = 50\noptimiser = "adam"\n'
ETA = "space.eta = { low = 1e-3, high = 1e-1, log = true }\n"


def named(estimator, *keys):
    return "\n".join([f'[model]\nestimator = "{estimator}"', *keys, ""])


SKLEARN, VERBOSITY = "sklearn.ensemble", ("verbosity = 0", "per_epoch = 2")
KINDS = {  # data, model, space, trials
    "boosting": (CANCER, named(f"{SKLEARN}.HistGradientBoostingClassifier") + EPOCHS, PRUNED + RATE, 10),
    "boosting of values": (DIABETES, named(f"{SKLEARN}.HistGradientBoostingRegressor") + EPOCHS, PRUNED + RATE, 10),
    "forest": (CANCER, named(f"{SKLEARN}.RandomForestClassifier", "per_epoch = 5") + EPOCHS, PRUNED + DEPTH, 10),
    "forest of values": (DIABETES, named(f"{SKLEARN}.RandomForestRegressor") + EPOCHS, PRUNED + DEPTH, 10),
    "pipeline": (CANCER, named("models/pipeline.py"), C, 30),
    "lightgbm": (CANCER, named("lightgbm.LGBMClassifier", "verbosity = -1") + EPOCHS, PRUNED + RATE, 10),
    "lightgbm of values": (DIABETES, named("lightgbm.LGBMRegressor", "verbose = -1") + EPOCHS, PRUNED + RATE, 10),
    "xgboost": (CANCER, named("xgboost.XGBClassifier", *VERBOSITY) + EPOCHS, PRUNED + RATE, 10),
    "xgboost of values": (DIABETES, named("xgboost.XGBRegressor", *VERBOSITY) + EPOCHS, PRUNED + RATE, 10),
    "torch": (DIGITS, CNN, PRUNED + ETA, 8),
}

PIPELINE = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

def estimator(degree: int = 1):
    return make_pipeline(PolynomialFeatures(degree), LogisticRegression(max_iter=100))
"""

OPTUNA = """
import time

from hpsearch import optuna

def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    for step in range(10):
        time.sleep(0.01)
        trial.report((x - 2) ** 2 + 10 - step, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return (x - 2) ** 2

if __name__ == "__main__":
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(), study_name="kind")
    study.optimize(objective, n_trials=30 - len(study.trials))
"""


def files(folder):
    """The data as CSV, and the model files, in a folder of their own."""
    (folder / "studies").mkdir(parents=True)
    (folder / "models").mkdir()
    shutil.copy(ROOT / "models" / "torch_cnn.py", folder / "models")
    (folder / "models" / "pipeline.py").write_text(PIPELINE)
    (folder / "optuna_script.py").write_text(OPTUNA)
    cancer, diabetes = load_breast_cancer(as_frame=True), load_diabetes(as_frame=True)
    labels = cancer.target_names[cancer.target]
    table = cancer.frame.drop(columns="target").rename(columns=lambda name: name.replace(" ", "_"))
    table.assign(target=labels).to_csv(folder / "breast_cancer.csv", index=False)
    diabetes.frame.to_csv(folder / "diabetes.csv", index=False)
    pd.DataFrame(load_digits().data).to_csv(folder / "digits.csv", index=False)
    return folder


def started(folder, *command):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    environment["HPSEARCH_STORAGE"] = url(folder)
    given = {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *command], **given)


def done(folder, *command):
    """What a command prints; it must succeed."""
    running = started(folder, *command)
    out, error = running.communicate()
    assert running.returncode == 0, out + error
    return out


def hpsearch_in(folder, *arguments):
    return done(folder, "-m", "hpsearch", *arguments)


def kill_in_mid_run(folder, running):
    """SIGKILL, once some epochs are stored; the run must not have ended by then."""
    for _ in range(1200):
        time.sleep(0.05)
        try:
            trials = rows(folder) if (folder / "study.db").exists() else []
        except Exception:  # the tables are being made
            continue
        if sum(trial["epochs_done"] for trial in trials) > 5:
            break
    assert running.poll() is None, running.communicate()
    running.kill()
    running.communicate()


def checked(folder, monkeypatch, model, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HPSEARCH_STORAGE", url(folder))
    assert main(["check", model]) == 0
    assert "all checks pass" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_checked_killed_resumed_reported_and_predicted_with(tmp_path, monkeypatch, capsys, kind):
    data, model, space, trials = KINDS[kind]
    if (package := kind.split()[0]) in ("lightgbm", "xgboost", "torch"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    stage = f'[[stage]]\nname = "search"\nsampler = {{ kind = "random", trials = {trials} }}\n{space}\n[final]\nreplicates = 2\n'
    whole, killed = (files(tmp_path / name) for name in ("whole", "killed"))
    for folder in (whole, killed):
        (folder / "studies" / "kind.toml").write_text(f'name = "kind"\nseed = 1\n{data}{model}{stage}')
    checked(whole, monkeypatch, "studies/kind.toml", capsys)
    hpsearch_in(whole, "launch", "studies/kind.toml", "--quiet")
    kill_in_mid_run(killed, started(killed, "-m", "hpsearch", "launch", "studies/kind.toml", "--quiet"))
    hpsearch_in(killed, "resume", "kind", "--quiet")
    assert digest_of(killed, "kind") == digest_of(whole, "kind")
    hpsearch_in(killed, "report", "kind")
    assert "kind" in (killed / "reports" / "kind" / "index.html").read_text("utf-8")
    table = {CANCER: "breast_cancer.csv", DIABETES: "diabetes.csv", DIGITS: "digits.csv"}[data]
    hpsearch_in(killed, "predict", "kind", table, "--out", "found.csv")
    found = hpsearch.load("kind", url(whole), trust_model=True)
    predicted = (found.regressor() if data == DIABETES else found.classifier()).predict(samples_of(whole / table))
    assert np.array_equal(pd.read_csv(killed / "found.csv").prediction.to_numpy(), predicted)


def samples_of(path):
    table = pd.read_csv(path)
    return table.to_numpy() if path.name == "digits.csv" else table.drop(columns="target")


@pytest.mark.slow
def test_an_optuna_script_is_killed_and_run_again_to_the_same_digest(tmp_path, monkeypatch, capsys):
    whole, killed = (files(tmp_path / name) for name in ("whole", "killed"))
    done(whole, "optuna_script.py")
    kill_in_mid_run(killed, started(killed, "optuna_script.py"))
    hpsearch_in(killed, "resume", "kind", "--quiet")
    assert digest_of(killed, "kind") == digest_of(whole, "kind")
    checked(killed, monkeypatch, "kind", capsys)
    hpsearch_in(killed, "report", "kind")
    best = "import hpsearch; print(hpsearch.load('kind').best.params)"
    assert done(killed, "-c", best) == done(whole, "-c", best)
    assert {trial["state"] for trial in rows(killed)} == {"complete", "pruned"}
