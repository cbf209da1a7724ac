"""`init` and `new study`: what they make can be launched as it is; what is there already is left alone."""

import io
import json
import tomllib

import numpy as np
import pytest

from hpsearch import spec
from hpsearch.cli import main
from hpsearch.cli.new_study.study_text import USUAL

FILES = {"studies/first.toml", "models/mlp.py", "models/softmax.py", "README.md", ".gitignore"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A new workspace, in which the commands are given."""
    assert main(["init", str(tmp_path / "made")]) == 0
    monkeypatch.chdir(tmp_path / "made")
    monkeypatch.delenv("HPSEARCH_STORAGE", raising=False)
    return tmp_path / "made"


def run(capsys, *arguments):
    capsys.readouterr()
    status = main(list(arguments))
    return status, *capsys.readouterr()


def test_a_new_workspace_runs_at_once(here, capsys):
    assert {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} == FILES
    path = here / "studies" / "first.toml"
    path.write_text(path.read_text("utf-8").replace("epochs = 20", "epochs = 2"), "utf-8")  # enough for a test
    status, out, complaint = run(capsys, "launch", "studies/first.toml", "--backend", "threading")
    assert (status, complaint) == (0, "")
    assert out.endswith("study 'first' is complete; its report: reports/first/index.html\n")


def test_init_says_what_comes_next(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "init", "my work")
    assert (status, out.splitlines()[-1]) == (0, "next: cd 'my work' && hpsearch launch studies/first.toml")
    assert run(capsys, "init", "my work")[1].splitlines() == out.splitlines()[-1:]  # again: nothing to make
    assert json.loads(run(capsys, "init", ".", "--json")[1])["next"] == "hpsearch launch studies/first.toml"


@pytest.mark.parametrize("name", ["README.md", "models/mlp.py", "models"])
def test_init_changes_nothing_where_files_clash(tmp_path, capsys, name):
    clashing = tmp_path / name
    clashing.parent.mkdir(exist_ok=True)
    clashing.write_text("mine")
    status, out, complaint = run(capsys, "init", str(tmp_path))
    assert (status, out, complaint.count("\n")) == (2, "", 1)
    assert name in complaint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [clashing]


def test_init_cannot_make_what_must_not_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below", "/proc/none"):
        status, out, complaint = run(capsys, "init", str(tmp_path / name))
        assert (status, out, complaint.count("\n")) == (2, "", 1)
    assert "must be a folder" in run(capsys, "init", str(tmp_path / "file"))[2]
    below = f"hpsearch: {tmp_path}/file/a/b: cannot be made ({tmp_path}/file is no folder); name another folder\n"
    assert run(capsys, "init", str(tmp_path / "file" / "a" / "b")) == (2, "", below)
    assert run(capsys, "init", "x" * 300)[2].endswith(": cannot be made (File name too long)\n")


def test_a_study_s_name_is_answered_with_its_file(here, capsys):
    expected = "hpsearch: first: no such study file; did you mean 'studies/first.toml'?\n"
    assert run(capsys, "launch", "first") == (2, "", expected)


def test_new_study_takes_the_defaults(here, capsys):
    assert run(capsys, "new", "study", "--yes") == (
        0,
        "made studies/my-digits.toml\nnext: hpsearch launch studies/my-digits.toml\n",
        "",
    )
    study = spec.read(here / "studies" / "my-digits.toml")
    assert [stage.name for stage in study.stages] == ["coarse", "fine"]
    again = run(capsys, "new", "study", "--yes")
    assert again == (2, "", "hpsearch: studies/my-digits.toml: is there already; give it another name\n")


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


def test_new_study_asks_again_until_an_answer_will_do(here, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(ANSWERS) + "\n"))
    status, out, asked = run(capsys, "new", "study")
    assert (status, out.splitlines()[-1]) == (0, "next: hpsearch launch studies/second.toml")
    assert asked.count("Error: ") == 9
    assert "did you mean 'batch_size'?" in asked
    study = spec.read(here / "studies" / "second.toml")
    assert set(study.stages[0].space) == {"eta", "hidden"}
    assert study.stages[0].budget.minutes == 0.75
    assert study.training.epochs == 3


def test_answers_that_end_early_cost_one_line(here, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("digits\n"))
    status, out, asked = run(capsys, "new", "study")
    assert (status, out) == (2, "")
    assert asked.endswith("hpsearch: new study: the answers ended early; --yes takes the defaults\n")
    assert not list((here / "studies").glob("my*"))


def test_a_space_of_few_choices_is_tried_whole(here, capsys):
    assert (
        run(capsys, "new", "study", "few.toml", "--yes", "--search", "init", "--search", "hidden=[[8], [16]]")[0] == 0
    )
    (stage,) = spec.read(here / "few.toml").stages
    assert (stage.kind, set(stage.space)) == ("grid", {"init", "hidden"})


def test_where_there_are_choices_alone_there_is_no_finer_stage_and_a_name_that_is_taken_is_not_proposed(
    here, capsys, monkeypatch
):
    keys = "hidden=[[8], [16], [32], [64]];batch_size=[10, 20, 50, 100, 200]"
    assert run(capsys, "new", "study", "studies/my-digits.toml", "--yes", "--search", keys)[0] == 0
    assert [stage.kind for stage in spec.read(here / "studies" / "my-digits.toml").stages] == ["random"]
    monkeypatch.setattr("sys.stdin", io.StringIO(9 * "\n"))
    assert run(capsys, "new", "study")[1].splitlines()[-1] == "next: hpsearch launch studies/my-digits-2.toml"


def test_every_key_that_has_usual_values_can_be_searched_where_they_are(here, capsys):
    keys = ";".join((*USUAL, 'schedule=[{ kind = "cosine", warmup_epochs = 2 }]', "epochs=[10, 20]"))
    assert run(capsys, "new", "study", "all.toml", "--yes", "--search", keys)[::2] == (0, "")
    assert set(spec.read(here / "all.toml").stages[0].space) == {*USUAL, "schedule", "epochs"}


BAD = [
    (("--dataset", "cifar"), "'cifar' is neither a dataset nor a path; did you mean 'cifar10'?"),
    (("--dataset", "README.md"), "README.md: must be a folder or end in .npz, .csv, .py, got '.md'"),
    (("--model", "models/nlp.py"), "models/nlp.py: the model file does not exist; did you mean 'mlp.py'?"),
    (("--search", "lamda"), "'lamda' is not a key of [training] or of models/mlp.py; did you mean 'lambda'?"),
    (("--search", "classes"), "'classes' is not a key of [training] or of models/mlp.py"),
    (("--search", "eta=3"), "--search eta=VALUES: the values of eta must be choices such as [20, 50], or a range"),
    (("--search", "clip_norm"), "--search clip_norm=VALUES: the values of clip_norm must be"),
    (("--search", "eta={ low = 2, high = 1 }"), "--search eta=VALUES: eta.low must be below high = 1, got 2"),
    (("--search", "eta=[0.1, 0]"), "--search eta=VALUES: eta must be above 0, got 0"),
    (("studies/a\x7fb.toml",), r"studies/a\x7fb.toml: the name must not contain control characters, got 'a\x7fb'"),
    (("--search", "activation=['abs']"), "activation must be one of"),
    (("--trials", "0"), "0 is not in the range"),
    (("/proc/none/x.toml",), "cannot be made"),
    (("x" * 300,), "no file can have this name"),
    (("--dataset", "x" * 300), "no file can have this name"),
    (("--dataset", "~nobody-of-that-name/x"), "nobody-of-that-name"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), BAD)
def test_a_bad_answer_on_the_command_line_costs_one_line(here, capsys, arguments, expected):
    status, out, complaint = run(capsys, "new", "study", "--yes", *arguments)
    assert (status, out, complaint.count("\n")) == (2, "", 1)
    assert expected in complaint
    assert {path.name for path in here.glob("studies/*")} == {"first.toml"}


def test_new_study_is_told_where_ones_own_data_are(here, capsys):
    rng = np.random.default_rng(0)
    table = {"images": rng.integers(0, 9, (120, 8, 8)), "labels": np.arange(120) % 3}
    np.savez("mine.npz", x_train=table["images"], y_train=table["labels"])
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


TRAINABLE = "def train_epoch(state, data, epoch, rng, lambda_, decay=0.9): ...\ndef predict(state, images): ...\n"


def test_a_trainable_is_asked_about_what_it_takes(here, capsys):
    (here / "models" / "mine.py").write_text(TRAINABLE)
    given = ("new", "study", "mine.toml", "--yes", "--model", "models/mine.py")
    assert run(capsys, *given, "--search", "batch_size")[2].startswith("hpsearch: 'batch_size' is not a key")
    assert run(capsys, *given)[0] == 0
    study = spec.read(here / "mine.toml")
    assert (list(study.stages[0].space), study.training.eta, study.training.batch_size) == (["lambda"], None, None)
