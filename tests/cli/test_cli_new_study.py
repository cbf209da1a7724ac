"""`new study`: the study file that it writes can be launched as it is; a file that exists is not changed."""

import io
import tomllib

import numpy as np
import pytest
from tiny import options
from tiny import rows as rows_of

from hpsearch import spec
from hpsearch.cli import main
from hpsearch.cli.new_study.study_text import DEFAULT_SPACE
from hpsearch.search.launch import launch


def run(capsys, *arguments):
    capsys.readouterr()
    status = main(list(arguments))
    return status, *capsys.readouterr()


def test_new_study_takes_the_defaults(here, capsys):
    assert run(capsys, "new", "study", "--yes") == (
        0,
        "made studies/my-digits.toml\nnext: hpsearch launch studies/my-digits.toml\n",
        "",
    )
    study = spec.read(here / "studies" / "my-digits.toml")
    assert [stage.name for stage in study.stages] == ["coarse", "narrow"]
    again = run(capsys, "new", "study", "--yes")
    assert again == (2, "", "hpsearch: studies/my-digits.toml: exists already; choose another name\n")


ANSWERS = [
    "digit",
    "digits",
    "models/ml.py",
    "",
    "eta, hidden, batchsize",
    "eta,hidden",
    "{ low = 1, high = 0 }",
    "",
    "[[8],",
    "[[8], [16]]",
]
ANSWERS += ["3", "0", "5", "-1", "1.5", "first", "no/name", "second"]


def test_a_question_is_repeated_until_the_answer_is_valid(here, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(ANSWERS) + "\n"))
    status, out, prompts = run(capsys, "new", "study")
    assert (status, out.splitlines()[-1]) == (0, "next: hpsearch launch studies/second.toml")
    assert prompts.count("Error: ") == 9
    assert "did you mean 'batch_size'?" in prompts
    study = spec.read(here / "studies" / "second.toml")
    assert set(study.stages[0].space) == {"eta", "hidden"}
    assert study.stages[0].budget.minutes == 0.75
    assert study.training.epochs == 3


def test_the_end_of_standard_input_costs_one_line(here, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("digits\n"))
    status, out, prompts = run(capsys, "new", "study")
    assert (status, out) == (2, "")
    assert prompts.endswith("hpsearch: new study: the answers ended early; --yes takes the defaults\n")
    assert not list((here / "studies").glob("my*"))


def test_an_answer_without_an_end_costs_one_line(here, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(100_001 * "\0" + "\n"))
    status, out, prompts = run(capsys, "new", "study")
    assert (status, out) == (2, "")
    assert prompts.endswith("hpsearch: standard input: an answer must have at most 100_000 characters\n")


def test_a_small_space_of_choices_is_searched_by_a_grid(here, capsys):
    assert (
        run(capsys, "new", "study", "few.toml", "--yes", "--search", "init", "--search", "hidden=[[8], [16]]")[0] == 0
    )
    (stage,) = spec.read(here / "few.toml").stages
    assert (stage.kind, set(stage.space)) == ("grid", {"init", "hidden"})


def test_a_space_of_choices_has_no_finer_stage_and_the_default_name_is_a_new_one(here, capsys, monkeypatch):
    keys = "hidden=[[8], [16], [32], [64]];batch_size=[10, 20, 50, 100, 200]"
    assert run(capsys, "new", "study", "studies/my-digits.toml", "--yes", "--search", keys)[0] == 0
    (stage,) = spec.read(here / "studies" / "my-digits.toml").stages
    assert (stage.kind, stage.sampler.batch, stage.confirm.best, stage.confirm.replicates) == ("tpe", 4, 2, 3)
    few = ("few.toml", "--yes", "--search", keys, "--trials", "12")  # the first 12 of TPE would be random
    assert run(capsys, "new", "study", *few)[0] == 0
    assert [(stage.kind, stage.confirm) for stage in spec.read(here / "few.toml").stages] == [("random", None)]
    monkeypatch.setattr("sys.stdin", io.StringIO(9 * "\n"))
    assert run(capsys, "new", "study")[1].splitlines()[-1] == "next: hpsearch launch studies/my-digits-2.toml"


def test_every_hyperparameter_with_default_values_can_be_searched(here, capsys):
    keys = ";".join((*DEFAULT_SPACE, 'schedule=[{ kind = "cosine", warmup_epochs = 2 }]', "epochs=[10, 20]"))
    assert run(capsys, "new", "study", "all.toml", "--yes", "--search", keys)[::2] == (0, "")
    assert set(spec.read(here / "all.toml").stages[0].space) == {*DEFAULT_SPACE, "schedule", "epochs"}


BAD = [
    (("--dataset", "cifar"), "'cifar' is neither a dataset nor a path; did you mean 'cifar10'?"),
    (("--dataset", "README.md"), "must be a folder or end in .npz, .csv, .tsv, .txt, .parquet, .py, got '.md'"),
    (("--model", "models/nlp.py"), "models/nlp.py: the model file does not exist; did you mean 'mlp.py'?"),
    (("--search", "lamda"), "is not a key of [training] or a parameter of models/mlp.py; did you mean 'lambda'?"),
    (("--search", "classes"), "'classes' is not a key of [training] or a parameter of models/mlp.py"),
    (("--search", "eta=3"), "--search eta=VALUES: the values of eta must be choices such as [20, 50], or a range"),
    (("--search", "clip_norm"), "--search clip_norm=VALUES: the values of clip_norm must be"),
    (("--search", "eta={ low = 2, high = 1 }"), "--search eta=VALUES: eta.low must be below high = 1, got 2"),
    (("--search", "eta=[0.1, 0]"), "--search eta=VALUES: eta must be above 0, got 0"),
    (("studies/a\x7fb.toml",), r"studies/a\x7fb.toml: the name must not contain control characters, got 'a\x7fb'"),
    (("--search", "activation=['abs']"), "activation must be one of"),
    (("--trials", "0"), "0 is not in the range"),
    (("/proc/none/x.toml",), "cannot be written"),
    (("x" * 300,), "no file can have this name"),
    (("--dataset", "x" * 300), "no file can have this name"),
    (("--dataset", "~nobody-of-that-name/x"), "nobody-of-that-name"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), BAD)
def test_a_bad_answer_on_the_command_line_costs_one_line(here, capsys, arguments, expected):
    status, out, errors = run(capsys, "new", "study", "--yes", *arguments)
    assert (status, out, errors.count("\n")) == (2, "", 1)
    assert expected in errors
    assert {path.name for path in here.glob("studies/*")} == {"first.toml"}


def test_new_study_takes_datasets_of_ones_own(here, capsys):
    rng = np.random.default_rng(0)
    np.savez("mine.npz", x_train=rng.integers(0, 9, (120, 8, 8)), y_train=np.arange(120) % 3)
    rows = "\n".join(f"{a},{b},{c}" for a, b, c in zip(range(90), range(90), "xyz" * 30, strict=True))
    (here / "table.csv").write_text(f"a,b,kind\n{rows}\n")
    assert run(capsys, "new", "study", "a.toml", "--yes", "--dataset", "mine.npz", "--test", "20")[0] == 0
    given = ("--dataset", "table.csv", "--label", "kind", "--test", "10")
    assert run(capsys, "new", "study", "b.toml", "--yes", *given)[0] == 0
    assert tomllib.loads((here / "a.toml").read_text())["data"] == {
        "dataset": {"kind": "npz", "path": "mine.npz", "test": 20},
        "train": 80,
        "validation": 20,
    }
    assert tomllib.loads((here / "b.toml").read_text())["data"]["dataset"]["label"] == "kind"


def test_labels_that_look_like_values_make_a_regression_unless_the_task_is_given(here, capsys):
    rows = [f"{i},{(i * i) % 23},{i % 37 * 1.7 + 0.05:.2f}" for i in range(111)]
    (here / "prices.csv").write_text("\n".join(["a,b,price", *rows]) + "\n")
    given = ("--yes", "--dataset", "prices.csv", "--label", "price", "--test", "37", "--trials", "2", "--epochs", "1")
    status, _, errors = run(capsys, "new", "study", "r.toml", *given)
    assert (status, "--task classification takes them for names" in errors) == (0, True)
    study = spec.read(here / "r.toml")
    assert (study.data.task_given, study.objective.metric, study.training.loss) == (
        "regression",
        "rmse",
        "squared_error",
    )
    launch(here / "r.toml", options(here))
    assert rows_of(here)[0]["value"] > 0
    assert run(capsys, "new", "study", "c.toml", *given, "--task", "classification")[0] == 0
    assert spec.read(here / "c.toml").data.task_given == "classification"
    wrong = run(capsys, "new", "study", "w.toml", "--yes", "--task", "regression")
    assert wrong == (2, "", 'hpsearch: data.task = "regression" needs numbers as labels, digits has classes\n')


TRAINABLE = "def train_epoch(state, data, epoch, rng, lambda_, decay=0.9): ...\ndef predict(state, samples): ...\n"


def test_only_keys_that_a_trainable_takes_can_be_searched(here, capsys):
    (here / "models" / "mine.py").write_text(TRAINABLE)
    given = ("new", "study", "mine.toml", "--yes", "--model", "models/mine.py")
    assert run(capsys, *given, "--search", "batch_size")[2].startswith("hpsearch: 'batch_size' is not a key")
    assert run(capsys, *given)[0] == 0
    study = spec.read(here / "mine.toml")
    assert (list(study.stages[0].space), study.training.eta, study.training.batch_size) == (["lambda"], None, None)


def table_of(here, name="towns.csv", rows=400, encoding="utf-8", **columns):
    """Write a table with two columns of numbers, further ones, and the label `outcome`; one class has nine tenths."""
    rng = np.random.default_rng(0)
    found = {"a": rng.normal(size=rows).round(3), "b": rng.normal(size=rows).round(3), **columns}
    found.setdefault("outcome", np.where(np.arange(rows) % 10 == 3, "ill", "well"))
    lines = [",".join(map(str, row)) for row in zip(*found.values(), strict=True)]
    (here / name).write_text("\n".join([",".join(found), *lines]) + "\n", encoding)


def test_a_table_is_inspected_and_the_checks_of_a_launch_pass(here, capsys):
    ids, names = np.arange(400), [f"n{i}" for i in range(400)]
    gaps = ["" if i % 9 == 0 else i % 7 for i in range(400)]
    table_of(
        here, Id=ids, person=names, gone=[""] * 400, c=gaps, town=np.tile(["Ålborg", "Rome"], 200), encoding="cp1252"
    )
    status, out, said = run(capsys, "new", "study", "towns.csv", "--yes", "--trials", "2", "--epochs", "1")
    assert (status, out) == (0, "made studies/towns.toml\nnext: hpsearch launch studies/towns.toml\n")
    assert said.splitlines() == [
        "towns.csv: 400 samples, 4 columns; 2 classes, 'well' 90% … 'ill' 10%",
        "towns.csv is not in UTF-8, and read as cp1252",
        "left out: column 'gone' has no value in any line",
        "left out: column 'Id' only counts up, from 0 to 399, row by row",
        "left out: column 'person' has another text in each row, as an identifier has",
        "towns.csv: categories in town (2)",
        "towns.csv: missing values in c are kept",
    ]
    study = spec.read(here / "studies" / "towns.toml")
    assert study.data.dataset == {
        "kind": "csv",
        "path": "towns.csv",
        "label": "outcome",
        "missing": "keep",
        "encoding": "cp1252",
        "drop": ("gone", "Id", "person"),
        "test": 80,
    }
    assert (study.data.train, study.data.folds, study.objective.metric) == (256, 5, "balanced_accuracy")
    assert study.stages[0].default is not None


def test_the_column_of_the_labels_is_asked_for_and_listed_when_it_is_wrong(here, capsys, monkeypatch):
    table_of(here)
    wrong = run(capsys, "new", "study", "towns.csv", "--label", "outcom")
    rule = "the label must be a column of towns.csv, got 'outcom'; did you mean 'outcome'?; its columns: a, b, outcome"
    assert wrong == (2, "", f"hpsearch: {rule}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("income\n\n"))
    status, _, said = run(capsys, "new", "study", "towns.csv")
    assert (status, said.count("its columns: a, b, outcome")) == (0, 1)
    assert run(capsys, "new", "study", "town.csv", "--yes")[2].endswith(
        "no such file; did you mean '" + str(here / "towns.csv") + "'?\n"
    )


@pytest.mark.long
def test_a_table_of_values_becomes_a_regression_and_a_large_one_has_a_fixed_validation_set(here, capsys):
    table_of(
        here,
        "prices.tsv",
        4000,
        price=np.random.default_rng(1).normal(9, 3, 4000).round(4),
        outcome=np.arange(4000) % 5,
    )
    (here / "prices.tsv").write_text((here / "prices.tsv").read_text().replace(",", "\t"))
    assert run(capsys, "new", "study", "prices.tsv", "--label", "price")[0] == 0
    study = spec.read(here / "studies" / "prices.toml")
    assert (study.data.task_given, study.objective.metric, study.model.name) == (
        *("regression", "rmse", "sklearn.ensemble.HistGradientBoostingRegressor"),
    )
    assert (study.data.dataset["test"], study.data.train, study.data.validation_samples) == (800, 2560, 640)


def test_a_table_with_too_few_samples_of_a_class_costs_one_line(here, capsys):
    table_of(here, outcome=["rare", "rare", *["x", "y"] * 199])
    status, _, said = run(capsys, "new", "study", "towns.csv", "--yes")
    rule = "must have at least 3 samples of each class, to train, to validate and to test on, but class 'rare' has 2"
    assert (status, said) == (2, f"hpsearch: towns.csv: {rule}; remove the class, or give it to another\n")
