"""The layout: who may import what, no circles, where a command is; a quick start; the contents of the wheel."""

import ast
import functools
import graphlib
import importlib
import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path

import click
import pytest

from hpsearch.cli import _SMALL as SMALL
from hpsearch.cli.group import COMMANDS
from hpsearch.storage.database import Database

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hpsearch"

OURS = {
    "version": "",
    "errors": "",
    "text": "errors",
    "files": "errors",
    "platform": "",
    "nn": "platform",
    "data": "errors text platform",
    "metrics": "errors data",
    "spec": "errors text metrics",
    "storage": "errors text platform spec",
    "trainables": "nn",
    "workers": "version errors platform nn data metrics spec trainables",
    "search": "version errors text files platform nn.random data metrics spec storage trainables workers",
    "reporting": "errors text files data metrics spec storage",
    "exporting": "version errors text files nn data metrics spec storage trainables workers search reporting",
    "api": "errors text files data spec storage search reporting exporting",
    "cli": "version errors text files platform nn data spec storage workers search reporting exporting api",
}
"""The packages from the bottom to the top; each may import those named, all of which are below it."""
OTHERS = {
    "version": "",
    "errors": "",
    "text": "",
    "files": "",
    "platform": "",
    "nn": "numpy scipy",
    "data": "numpy scipy sklearn pooch platformdirs PIL pyarrow",
    "metrics": "numpy sklearn",
    "spec": "pydantic pydantic_core",
    "trainables": "numpy",
    "storage": "optuna sqlalchemy alembic",
    "workers": "numpy scipy sklearn torch joblib threadpoolctl dask distributed ray",
    "search": "numpy scipy optuna sqlalchemy joblib threadpoolctl",
    "reporting": "numpy scipy sklearn pandas matplotlib sqlalchemy jinja2 markupsafe fpdf PIL",
    "exporting": "numpy pandas sklearn joblib threadpoolctl pyarrow onnx skl2onnx torch mlflow tensorboardX sqlalchemy",
    "api": "numpy tomli_w rich IPython",
    "cli": "numpy scipy threadpoolctl click rich sqlalchemy optuna optuna_dashboard mcp",
}
"""The libraries that each package may import, beside the standard library."""
_OWN = ("version.py", "errors.py", "text.py", "files.py", "platform.py", "trainables.py")
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name in _OWN)
ROOM = 15
"""The most modules of a folder, beside its __init__.py."""
SHARED = {"detached", "folders", "group", "hints", "options", "outcome", "output", "run_study", "set_option"}
"""The modules of hpsearch/cli that several commands share."""
MODULES = {"new": "new_study", "repair-mirror": "repair_mirror"}
"""The commands whose module is not named after them alone."""


@functools.cache
def parsed(path: Path) -> tuple[list[ast.Import | ast.ImportFrom], str | None, int]:
    """A file's imports, its docstring, and how many lines it has."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return imports, ast.get_docstring(tree), len(text.splitlines())


def imported(path: Path, modules: Collection[str] = ()) -> set[str]:
    """The names of all modules that a file imports anywhere in it, absolute.

    `from a import b` imports a.b where that is one of `modules`, else a.
    """
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in parsed(path)[0]:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if module == "hpsearch" or name in modules else module for name in names}
    return found


def rule_of(module: str) -> str | None:
    """The name of a module in OURS or OTHERS; None for the standard library."""
    head, *rest = module.split(".")
    if head == "hpsearch":
        if rest[:2] == ["nn", "random"]:
            return "nn.random"
        return "hpsearch" if not rest or rest[0].startswith("__") else rest[0]
    return None if head in sys.stdlib_module_names else head


def test_a_module_imports_what_the_design_allows():
    for path in FILES:
        place = path.relative_to(PACKAGE).with_suffix("").parts[0]
        allowed = {None, place, *OURS[place].split(), *OTHERS[place].split()}
        allowed |= {"nn.random"} if "nn" in allowed else set()
        assert {rule_of(module) for module in imported(path)} <= allowed, path


def test_no_package_imports_one_above_it():
    order = list(OURS)
    for package, below in OURS.items():
        assert all(order.index(name.split(".")[0]) < order.index(package) for name in below.split()), package


def test_no_modules_import_each_other_in_a_circle():
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    graph = {name: imported(path, modules) & modules.keys() for name, path in modules.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_a_folder_of_many_modules_has_rooms():
    commands = {MODULES.get(name, name) for name in COMMANDS}
    for folder in {path.parent for path in FILES}:
        names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
        names -= commands if folder == PACKAGE / "cli" else set()
        assert len(names) <= ROOM, folder


def test_the_module_of_a_command_has_its_name():
    for name in COMMANDS:
        module = importlib.import_module(f"hpsearch.cli.{MODULES.get(name, name)}")
        assert isinstance(getattr(module, name.replace("-", "_")), click.Command)
    there = {path.stem for path in (PACKAGE / "cli").iterdir()} - {"__init__", "__pycache__"}
    assert there == SHARED | {MODULES.get(name, name) for name in COMMANDS}


def test_the_commands_that_do_without_threads_are_commands():
    assert set(COMMANDS) >= SMALL


def test_a_module_opens_with_its_purpose_and_stays_small():
    for path in FILES:
        _, purpose, lines = parsed(path)
        assert purpose, path
        assert lines <= 300, path


@pytest.mark.parametrize("arguments", [["--help"], ["launch", "--help"], ["--version"]])
def test_help_is_quick(arguments):
    program = (
        "import sys; from hpsearch.cli import main; main(sys.argv[1:]); "
        "sys.exit(str(sorted({'numpy', 'pandas', 'optuna', 'sqlalchemy', 'matplotlib', 'joblib'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout
    assert done.stderr == "[]\n"


def test_what_only_reads_the_database_does_without_optuna_and_numpy(tmp_path):
    program = (
        "import sys; from hpsearch.cli import main; main(sys.argv[1:]); "
        "sys.exit(str(sorted({'numpy', 'pandas', 'optuna', 'sqlalchemy.orm', 'matplotlib'} & set(sys.modules))))"
    )
    Database(f"sqlite:///{tmp_path}/study.db", create=True).close()
    command = [sys.executable, "-c", program, "status", "--storage", f"sqlite:///{tmp_path}/study.db"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "no studies" in done.stdout
    assert done.stderr == "[]\n"


def test_models_are_built_from_the_core_or_are_trainables():
    for path in (ROOT / "models").glob("*.py"):
        modules = {module for module in imported(path) if rule_of(module) is not None}
        others = {module for module in modules if module.split(".")[0] in ("sklearn", "torch")}
        assert modules - others <= {"hpsearch.nn", "hpsearch.trainables", "numpy"}


def test_a_worker_never_opens_the_database_and_imports_little():
    program = (
        "import sys, hpsearch.workers.segments.run; "
        "large = {'sqlalchemy', 'optuna', 'pandas', 'sklearn', 'scipy.linalg', 'scipy.special', 'numpy.f2py'}; "
        "sys.exit(str(large & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


@pytest.mark.skipif(not importlib.util.find_spec("hatchling"), reason="hatchling, which builds the wheel, is missing")
@pytest.mark.skipif(not importlib.util.find_spec("build"), reason="build, which calls hatchling, is missing")
def test_the_wheels_only_top_level_name_is_hpsearch(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {top for name in names if not (top := name.split("/")[0]).endswith(".dist-info")} == {"hpsearch"}
    assert {"hpsearch/workspace/first.toml", "hpsearch/workspace/models/mlp.py"} <= set(names)  # what `init` is made of
