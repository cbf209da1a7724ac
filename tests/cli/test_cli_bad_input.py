"""Bad input of any kind costs one line on standard error and exit status 2, and changes nothing."""

# ruff: noqa: E501  (a row of a table stays on one line)

import os
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tiny import TINY, url, workspace

from hpsearch.cli import main
from hpsearch.data.sources.cifar10 import LAYOUTS
from hpsearch.storage.schema import SCHEMA_VERSION

LAMBDA = "{ low = 1e-5, high = 1e-1, log = true }"
PYTHON, BINARY = LAYOUTS["python"], LAYOUTS["binary"]
CIFAR = ('dataset = "digits"', 'dataset = "cifar10"')


def run(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command in this process; return its exit status and its error, with {folder} in place of the folder."""
    status = main(arguments)
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert error.startswith("hpsearch: ")
    return status, error.removeprefix("hpsearch: ").rstrip("\n").replace(str(folder), "{folder}")


def contents(folder: Path) -> dict[str, bytes | None]:
    """All files of a folder, but for SQLite's helper files and the lock."""
    helpers = ("-shm", "-wal", ".lock")
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.name.endswith(helpers)
    }


STUDY_FILES = [
    ("epochs = 3", "epochs = 3\nlamda = 0", "training.lamda is not a key; did you mean 'lambda'?"),
    ("epochs = 3", 'epochs = "3"', "training.epochs must be a whole number, got '3'"),
    ("low = 1e-5", "low = 0.5", "stage[0].space.lambda.low must be below high = 0.1, got 0.5"),
    ("low = 1e-5", "low = 0", "stage[0].space.lambda.low must be above 0 where log = true, got 0"),
    ('around = "coarse"', 'around = "corse"', "stage[1].space.eta.around must name an earlier stage, got 'corse'; did you mean 'coarse'?"),
    ("hidden = [8]", "hiden = [8]", "model.hiden is not a key of models/mlp.py; did you mean 'hidden'?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "rule"), STUDY_FILES)
def test_a_bad_study_file_costs_one_line(tmp_path, capsys, old, new, rule):
    path = workspace(tmp_path, TINY.replace(old, new))
    before = contents(tmp_path)
    assert run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path)) == (
        2,
        f"{{folder}}/studies/tiny.toml: {rule}",
    )
    assert contents(tmp_path) == before


def write_cifar10(folder: Path, batch: bytes) -> None:
    """The python layout with all batches the same and a harmless list of classes."""
    inside = folder / "data" / PYTHON.folder
    inside.mkdir(parents=True)
    for name in PYTHON.batches:
        (inside / name).write_bytes(batch)
    (inside / PYTHON.meta).write_bytes(pickle.dumps({"label_names": ["a"] * 10}))


def write_binary(folder: Path) -> None:
    inside = folder / "data" / BINARY.folder
    inside.mkdir(parents=True)
    for name in BINARY.files:
        (inside / name).write_bytes(b"too short")


class Call:
    """Pickles as a call of os.system."""

    def __reduce__(self):
        return os.system, ("touch called",)


PADDING = bytes(3072 * 10_000)
DATA = [
    (lambda folder: None, CIFAR, "{folder}/data: no such directory; --data-dir and HPSEARCH_DATA must name one that holds cifar10"),
    (lambda folder: (folder / "data").mkdir(), CIFAR, "{folder}/data: no CIFAR-10 here (looked for cifar-10-batches-bin, cifar-10-batches-py, cifar-10-batches-mat); get it with `hpsearch data fetch cifar10`, or name the directory that has it with --data-dir or HPSEARCH_DATA"),
    (lambda folder: (folder / "data" / PYTHON.folder).mkdir(parents=True), CIFAR, "{folder}/data/cifar-10-batches-py/data_batch_1: missing from the python layout of CIFAR-10; `hpsearch data fetch cifar10` gets a complete copy"),
    (write_binary, CIFAR, "{folder}/data/cifar-10-batches-bin/data_batch_1.bin: must have 30,730,000 bytes, has 9; `hpsearch data fetch cifar10 --layout binary` gets a complete copy"),
    (lambda folder: write_cifar10(folder, pickle.dumps({"data": PADDING})[:-10]), CIFAR, "{folder}/data/cifar-10-batches-py/data_batch_1: not a complete pickle: truncated or corrupt; it may hold NumPy arrays, bytes, strings, numbers, lists and dicts and nothing else; `hpsearch data fetch cifar10` gets a complete copy"),
    (lambda folder: write_cifar10(folder, pickle.dumps({"data": PADDING, "labels": Call()})), CIFAR, "{folder}/data/cifar-10-batches-py/data_batch_1: a pickle that calls posix.system is refused; it may hold NumPy arrays, bytes, strings, numbers, lists and dicts and nothing else; `hpsearch data fetch cifar10` gets a complete copy"),
    (lambda folder: None, ("train = 200", "train = 1_400"), "data.train + data.validation must be at most 1,437 for digits, got 1,400 + 100"),
    (lambda folder: None, ('"digits"', f'{{ kind = "csv", path = "{300 * "x"}", label = "y", test = 5 }}'), f"{{folder}}/{300 * 'x'}: no such file"),
    (lambda folder: None, ('"digits"', '"digit"'), "dataset must be one of cifar10, digits, got 'digit'; did you mean 'digits'?"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "change", "expected"), DATA)
def test_a_bad_dataset_costs_one_line(tmp_path, capsys, monkeypatch, write, change, expected):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path, TINY.replace(*change))
    write(tmp_path)
    before = contents(tmp_path)
    data = str(tmp_path / "data")
    given = run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path), "--data-dir", data)
    assert given == (2, expected)
    assert contents(tmp_path) == before


MODEL = "from hpsearch.nn import Dense\ndef build(classes, hidden=()): return "
MODELS = [
    (None, "the model file does not exist; did you mean 'mlp.py'?"),
    ("", "a model file must define one of build(classes, …), make(data, seed, …), train_epoch(state, data, …), module(data, …) and estimator(…), found none"),
    ("build = dict", "build's first parameter must be `classes`, got ()"),
    ("def build(hidden): return []", "build's first parameter must be `classes`, got (hidden)"),
    ("def build(classes, hidden=() return []", "the model file cannot be imported (SyntaxError: invalid syntax"),
    ("raise ImportError('no\\nsuch')", "the model file cannot be imported (ImportError: no such)"),
    ("raise SystemExit(0)", "the model file cannot be imported (SystemExit: 0)"),
    ("import os\nos._exit(0)", "the model file cannot be imported (SystemExit: os._exit(0))"),
    (MODEL + "1 / 0", "build(hidden = [8]) failed: ZeroDivisionError: division by zero"),
    (MODEL + "classes", "build(hidden = [8]) must return a list of layers, got 10"),
    (MODEL + "[Dense(10)] * 2001", "a model must have at most 2,000 layers, got 2,001"),
    (MODEL + "[]", "build(hidden = [8]) must return a list of layers, got []"),
    (MODEL + "[Dense(7)]", "the last layer must have 10 outputs, one a class, has 7"),
    (MODEL + "[Dense(10), Dense]", "build(hidden = [8]) must return a list of layers, got "),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MODELS)
def test_a_bad_model_file_costs_one_line(tmp_path, capsys, monkeypatch, text, expected):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os._exit", print)  # else a model that ends the process ends the tests
    path = workspace(tmp_path, TINY.replace("models/mlp.py", "models/mlp2.py"))
    if text is not None:
        (tmp_path / "models" / "mlp2.py").write_text(text)
    before = contents(tmp_path)
    status, line = run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path))
    assert status == 2
    assert line.startswith(f"{{folder}}/models/mlp2.py: {expected}")
    assert contents(tmp_path) == before


ENDLESS = [
    ('"models/mlp.py"', '"odd.py"', "{folder}/odd.py: the model file cannot be read ("),
    ("[training]", '[objective]\nmetric = { file = "odd.py" }\n\n[training]', "odd.py: the metric's file cannot be read (OSError: "),
    ('kind = "random"', 'kind = "python", path = "odd.py"', "{folder}/studies/tiny.toml: stage[0].sampler.path must be a Python file, or a folder with an __init__.py, got 'odd.py' (OSError: "),
    ('"digits"', '{ kind = "python", path = "odd.py", test = 9 }', "{folder}/odd.py: "),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), ENDLESS)
def test_a_python_file_that_has_no_end_or_a_huge_one_costs_one_line(tmp_path, capsys, monkeypatch, old, new, expected):
    monkeypatch.chdir(tmp_path)
    path, odd = workspace(tmp_path, TINY.replace(old, new)), tmp_path / "odd.py"
    odd.symlink_to(os.devnull)  # of a pipe, a test that fails would wait for ever
    device = run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path))
    odd.unlink()
    odd.touch()
    os.truncate(odd, 10_000_001)
    huge = run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path))
    assert (device[0], huge[0]) == (2, 2)
    assert device[1].startswith(expected)
    assert "is a device, a pipe or a socket" in device[1]
    assert huge[1].startswith(expected)
    assert "must have at most 10_000_000 bytes, has 10_000_001" in huge[1]


def test_a_samplers_path_outside_the_workspace_that_is_not_there_costs_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    given = TINY.replace('kind = "random"', f'kind = "python", path = "{tmp_path / "min.py"}"')
    status, line = run(tmp_path, capsys, "launch", str(workspace(tmp_path / "here", given)), "--storage", url(tmp_path))
    assert (status, line.split("; ")[-1]) == (2, "known: ../mine.py")


def test_layers_that_do_not_fit_cost_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path)
    (tmp_path / "models" / "mlp.py").write_text(
        "from hpsearch.nn import Dense, Layer\n"
        "class Picky(Dense):\n"
        "    def bind(self, sizes): raise ValueError('wants another number of inputs')\n"
        "def build(classes, hidden): return [Dense(5), Picky(classes)]\n"
    )
    expected = "{folder}/models/mlp.py: the layers do not fit: wants another number of inputs"
    assert run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path)) == (2, expected)


def write_database(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        connection.executescript(statement)


STORAGE = [
    ("oracle://me:secret@host/db", "--storage must begin with 'sqlite:///', 'postgresql://', 'mysql://' or 'mariadb://', got 'oracle://me:***@host/db'"),
    ("study.db", "--storage must begin with 'sqlite:///', 'postgresql://', 'mysql://' or 'mariadb://', got 'study.db'; did you mean 'sqlite:///study.db'?"),
    ("sqlite:///", "--storage must name a file after 'sqlite:///', got 'sqlite:///'"),
    ("sqlite:///studies", "studies: the database is a directory, not a file; name another with --storage"),
    ("sqlite:////dev/null", "/dev/null: the database is a device, a pipe or a socket, not a file; name another with --storage"),
    ("sqlite:///pipe.db", "pipe.db: the database is a device, a pipe or a socket, not a file; name another with --storage"),
    ("sqlite:///circle.db", "circle.db: the database is a link to circle.db, where no file is; name another with --storage"),
    ("sqlite:///nowhere.db", "nowhere.db: the database is a link to missing/x.db, where no file is; name another with --storage"),
    ("sqlite:///models/mlp.py/x.db", "models/mlp.py: no such directory; make it, or name another with --storage"),
    ("sqlite:///models/mlp.py/x/x.db", "models/mlp.py/x: no such directory; make it, or name another with --storage"),
    ("sqlite:///models/mlp.py", "models/mlp.py: not a database, or a damaged one (file is not a database); restore a copy or name another"),
    ("sqlite:////proc/x/x.db", "/proc/x: no such directory; make it, or name another with --storage"),
    ("sqlite:////proc/x.db", "/proc/x.db.lock: cannot be written (No such file or directory); check the permissions"),
    ("sqlite:///~nobody-of-that-name/x.db", "--storage must name a file that can be made, got 'sqlite:///~nobody-of-that-name/x.db' (Could not determine home directory.)"),
    ("sqlite:///" + 300 * "x", f"--storage must name a file that can be made, got 'sqlite:///{70 * 'x'}' (File name too long)"),
]  # fmt: skip


@pytest.mark.parametrize(("storage", "expected"), STORAGE)
def test_a_storage_that_cannot_be_one_costs_one_line(tmp_path, capsys, monkeypatch, storage, expected):
    monkeypatch.chdir(tmp_path)
    path = workspace(tmp_path)
    os.mkfifo("pipe.db")
    os.symlink("circle.db", "circle.db")
    os.symlink("missing/x.db", "nowhere.db")
    before = contents(tmp_path)
    assert run(tmp_path, capsys, "launch", str(path), "--storage", storage) == (2, expected)
    assert contents(tmp_path) == before


NEWER = "CREATE TABLE hpsearch_version (version INTEGER PRIMARY KEY); INSERT INTO hpsearch_version VALUES (99)"
DATABASES = [
    (NEWER, f"sqlite:///{{folder}}/study.db: the database was written by a newer hpsearch (version 99 of its tables, this one has {SCHEMA_VERSION}); use that hpsearch or another --storage"),
    ("CREATE TABLE places (url TEXT)", "sqlite:///{folder}/study.db: the database holds no hpsearch studies"),
]  # fmt: skip
COMMANDS = [("resume", "tiny"), ("status",), ("report", "tiny"), ("delete", "tiny", "--yes"), ("dashboard",)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(("statement", "expected"), DATABASES, ids=["newer", "foreign"])
def test_a_database_that_is_not_ours_is_not_changed(tmp_path, capsys, monkeypatch, command, statement, expected):
    monkeypatch.chdir(tmp_path)
    write_database(tmp_path, statement)
    before = contents(tmp_path)
    assert run(tmp_path, capsys, *command, "--storage", url(tmp_path)) == (2, expected)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_missing_or_corrupt_database_costs_one_line(tmp_path, capsys, command):
    missing = "{folder}/study.db: the database does not exist; `hpsearch launch` makes one, --storage names another"
    assert run(tmp_path, capsys, *command, "--storage", url(tmp_path)) == (2, missing)
    assert contents(tmp_path) == {}
    (tmp_path / "study.db").write_bytes(b"no database" * 1000)
    before = contents(tmp_path)
    corrupt = "not a database, or a damaged one (file is not a database); restore a copy or name another"
    assert run(tmp_path, capsys, *command, "--storage", url(tmp_path)) == (2, f"{{folder}}/study.db: {corrupt}")
    assert contents(tmp_path) == before


def test_a_launch_into_a_newer_database_is_refused(tmp_path, capsys):
    path = workspace(tmp_path)
    write_database(tmp_path, NEWER)
    before = contents(tmp_path)
    assert run(tmp_path, capsys, "launch", str(path), "--storage", url(tmp_path)) == (2, DATABASES[0][1])
    assert contents(tmp_path) == before


ARGUMENTS = [
    (("lanch",), "'lanch' is not a command; did you mean 'launch'?"),
    (("data", "fech"), "'fech' is not a command; did you mean 'fetch'?"),
    (("launch",), "Missing argument 'STUDY_FILE'."),
    (("resume", "x", "--worker", "2"), "No such option"),
    (("resume", "x", "--workers", "0"), "Invalid value for '--workers': 0 is not in the range 1<=x<=4096."),
    (("resume", "x", "--workers", "two"), "Invalid value for '--workers': 'two' is not a valid integer range."),
    (
        ("resume", "x", "--backend", "spark"),
        "Invalid value for '--backend': 'spark' is not one of 'loky', 'threading', 'sequential', 'dask', 'ray'.",
    ),
    (("dashboard", "--port", "0"), "Invalid value for '--port': 0 is not in the range 1<=x<=65535."),
    (("launch", "studies/tinny.toml"), "studies/tinny.toml: no such study file; did you mean 'tiny.toml'?"),
    (("launch", "study/tiny.toml"), "study/tiny.toml: no such study file; there is no directory 'study'"),
    (("launch", "studies"), "studies: must be a file"),
    (("launch", "studies/tiny.toml", "--reports", "studies/tiny.toml"), "--reports studies/tiny.toml: must be a folder, or a name for a new one; studies/tiny.toml is a file"),
    (("launch", "studies/tiny.toml", "--reports", 300 * "x"), f"--reports {300 * 'x'}: cannot be made (File name too long)"),
    (("data", "fetch", "cifar10", "--data-dir", 300 * "x"), 300 * "x"),
    (("copy", "x", "--to", "there.db"), "--to must begin with 'sqlite:///', 'postgresql://'"),
    (("copy", "x", "--to", "mysql://me:***@host/db"), "--to: *** stands for the password in what hpsearch shows"),
    (("data", "fetch", "cifar"), "dataset must be one of cifar10, digits, got 'cifar'; did you mean 'cifar10'?"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), ARGUMENTS)
def test_a_bad_command_line_costs_one_line(tmp_path, capsys, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    workspace(tmp_path)
    before = contents(tmp_path)
    status, line = run(tmp_path, capsys, *arguments)
    assert status == 2
    assert line.startswith(expected)  # click's own lines differ from version to version
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", ["key", "model file", "column"])
def test_a_line_stays_short_whatever_it_quotes_and_keeps_its_place_and_its_end(tmp_path, capsys, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    long = 100_000 * "k"
    table = '{ kind = "csv", path = "table.csv", label = "y", test = 10 }'
    text, end = {
        "key": (f"{long} = 1\n{TINY}", "`hpsearch schema` have all keys"),
        "model file": (TINY.replace("models/mlp.py", f"models/{long}.py"), ".py')"),
        "column": (TINY.replace('"digits"', table), f"{long[:100]}, x"),
    }[place]
    (tmp_path / "table.csv").write_text(f"x,{long}\n1,2\n")
    workspace(tmp_path, text)
    status, line = run(tmp_path, capsys, "launch", "studies/tiny.toml")
    assert (status, len(line) < 2100) == (2, True)
    assert " … " in line
    assert line.rstrip().endswith(end), line
