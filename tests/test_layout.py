"""DESIGN.md's table of who may import what, as a test; how light the command line starts; what the wheel holds."""

import ast
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hpsearch"

OURS = {
    "errors": "",
    "nn": "",
    "data": "errors",
    "spec": "errors",
    "storage": "errors spec",
    "trainables": "nn",
    "workers": "hpsearch errors nn data spec trainables",
    "search": "hpsearch errors nn.random data spec storage trainables workers",
    "reporting": "errors data spec storage",
    "exporting": "errors nn data spec storage trainables workers search reporting",
    "api": "errors spec storage search reporting exporting",
    "cli": "hpsearch errors nn data spec storage workers search reporting exporting api",
}
OTHERS = {
    "errors": "",
    "nn": "numpy scipy",
    "data": "numpy scipy sklearn pooch platformdirs PIL",
    "spec": "pydantic pydantic_core",
    "trainables": "numpy",
    "storage": "optuna sqlalchemy",
    "workers": "numpy scipy joblib threadpoolctl dask distributed ray",
    "search": "numpy scipy optuna sqlalchemy joblib threadpoolctl",
    "reporting": "numpy scipy pandas matplotlib sqlalchemy jinja2 markupsafe fpdf",
    "exporting": "numpy pandas sklearn onnx mlflow tensorboardX sqlalchemy",
    "api": "numpy tomli_w rich IPython",
    "cli": "numpy scipy threadpoolctl click rich sqlalchemy optuna optuna_dashboard",
}
"""What each package may import, of ours and of others, beside itself and the standard library."""
_OWN = ("errors.py", "trainables.py")
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name in _OWN)


def imported(path: Path) -> set[str]:
    """The names of all modules that a file imports anywhere in it, absolute."""
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "hpsearch" else {module}
    return found


def rule_of(module: str) -> str | None:
    """What RULES calls a module; None for the standard library."""
    head, *rest = module.split(".")
    if head == "hpsearch":
        if rest[:2] == ["nn", "random"]:
            return "nn.random"
        return "hpsearch" if not rest or rest[0].startswith("__") else rest[0]
    return None if head in sys.stdlib_module_names else head


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_what_the_design_allows(path):
    place = path.relative_to(PACKAGE).with_suffix("").parts[0]
    allowed = {place, *OURS[place].split(), *OTHERS[place].split()}
    allowed |= {"nn.random"} if "nn" in allowed else set()
    assert {rule_of(module) for module in imported(path)} - {None} <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_opens_with_what_it_is_for_and_stays_small(path):
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 300


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


def test_models_are_built_from_the_core_or_are_trainables():
    for path in (ROOT / "models").glob("*.py"):
        modules = {module for module in imported(path) if rule_of(module) is not None}
        others = {module for module in modules if module.split(".")[0] in ("sklearn", "torch")}
        assert modules - others <= {"hpsearch.nn", "hpsearch.trainables", "numpy"}


def test_a_worker_never_opens_the_database():
    program = (
        "import sys, hpsearch.workers.segments.run; "
        "sys.exit(str({'sqlalchemy', 'optuna', 'pandas'} & set(sys.modules)))"
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
