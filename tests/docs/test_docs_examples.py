"""The examples of the documentation run: commands in a workspace, study files are valid, Python as it is written.

A block that cannot run says why in the line above it: `<!-- not run: needs a server -->`. Its commands must exist.
"""

import ast
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import click
import pytest

from hpsearch.cli import main
from hpsearch.cli.group import cli
from hpsearch.errors import StudyFileError
from hpsearch.spec import parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(path for path in ROOT.glob("docs/**/*.md") if "decisions" not in path.parts)]
BLOCK = re.compile(
    r"^(?P<not_run><!-- not run: .+ -->\n)?(?P<in>[ ]*)```(?P<kind>\w+)(?P<more>.*)\n(?P<text>(?s:.*?))^(?P=in)```",
    re.M,
)
NUMBER = r"[-+]?[\d.,:]*\d(?:e[-+]?\d+)?"
EXTRAS = {"onnx": "onnx", "mlflow": "mlflow", "tensorboard": "tensorboardX", "torch": "torch"}
"""Arguments and imports of an example that need an optional package."""

OTHER_COMMANDS = {".", "^C", "cd", "dask", "export", "pip", "python3", "ray", "sed"}

BASES = [
    re.findall(r"^```toml\n(.*?)^```", (ROOT / "docs/study-file.md").read_text("utf-8"), re.M | re.S)[0],
    (ROOT / "studies/digits.toml").read_text("utf-8"),
]
"""Study files that a part of a study file is inserted into, to be checked: one of them must be valid with it."""


def blocks(page: Path, kind: str) -> Iterator[re.Match[str]]:
    return (found for found in BLOCK.finditer(page.read_text("utf-8")) if found["kind"] == kind)


def all_blocks(kind: str) -> list:
    return [
        pytest.param(found, id=f"{page.relative_to(ROOT)}-{i}")
        for page in PAGES
        for i, found in enumerate(blocks(page, kind))
    ]


def _marks(page: Path) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] * (page.stem == "tutorial") + [pytest.mark.long] * (
        page.parent.name == "how-to" or page.stem == "data"
    )


def pages_that_run() -> list:
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)), marks=_marks(page))
        for page in PAGES
        if any(not found["not_run"] for kind in ("console", "python") for found in blocks(page, kind))
    ]


def commands(text: str) -> Iterator[tuple[list[str], str]]:
    """Each command of a console block as a list of arguments, and the output shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        while command.endswith("\\"):
            more, _, shown = shown.partition("\n")
            command = command[:-1] + more
        yield shlex.split(command, comments=True), shown


def whole_studies(part: str) -> Iterator[str]:
    """The study files that the part could belong to."""
    if re.search(r"^name = ", part) and ("[data]" in part or "function = " in part):
        yield part
        return
    if not re.search(r"^\[", part, re.M):  # keys of [data], alternatives of one of them line by line
        rows = part.splitlines() if part.count("dataset =") > 1 else [part]
        if part.startswith(("dataset", "train", "validation")):
            yield from (_with_data(row) for row in rows if row)
            return
        part = "[[stage]]\nname = 'x'\n" + part
    for base in BASES:
        complete = base.partition("[[stage]]")[0]
        for table in re.findall(r"^\[\w+\]$", part, re.M):
            complete = re.sub(rf"^{re.escape(table)}\n(?:(?!\[).*\n)*", "", complete, flags=re.M)
        stage = "" if "[[stage]]" in part else "\n[[stage]]\nname = 'x'\nconfigurations = [ {} ]\n"
        yield complete + part + stage


def _with_data(row: str) -> str:
    rest = {"dataset": 'dataset = "digits"', "train": "train = 800", "validation": "validation = 200"}
    given = "\n".join(line for key, line in rest.items() if not re.search(rf"^{key} =", row, re.M))
    after = BASES[1].partition("[model]")
    return f'name = "x"\n[data]\n{given}\n{row}\n[model]{after[2]}'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, shared_processes: None) -> Path:
    """The workspace after `hpsearch init` and the first launch."""
    folder = tmp_path_factory.mktemp("docs") / "digits"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        assert main(["init", "digits"]) == 0
        patch.chdir(folder)
        _shorten()
        assert main(["launch", "studies/first.toml", "--quiet"]) == 0
    return folder


def _shorten() -> None:
    """Train the first study for fewer epochs than a user does."""
    first = Path("studies/first.toml")
    first.write_text(first.read_text("utf-8").replace("epochs = 20", "epochs = 3"), "utf-8")


@pytest.fixture
def inside(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that workspace, as the working directory."""
    folder = tmp_path / "digits"
    shutil.copytree(workspace, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("HPSEARCH_STORAGE", raising=False)
    return folder


@pytest.mark.parametrize("found", all_blocks("console"))
def test_every_command_shown_exists_with_its_options(found):
    for words, _ in commands(found["text"]):
        if words[0] != "hpsearch":
            assert words[0] in OTHER_COMMANDS
            continue
        arguments = words[1 : words.index(">")] if ">" in words else words[1:]
        with click.Context(cli, info_name="hpsearch") as context:
            command: click.Command = cli
            while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
                _, command, arguments = command.resolve_command(context, arguments)
            command.make_context("hpsearch", list(arguments), parent=context, resilient_parsing="--help" in arguments)


@pytest.mark.parametrize("page", pages_that_run())
def test_the_examples_of_a_page_run_one_after_the_other(page, inside, monkeypatch, capsys):
    text = page.read_text("utf-8")
    if "$ hpsearch init" in text:  # the page makes its own workspace
        (inside.parent / "new").mkdir()
        monkeypatch.chdir(inside.parent / "new")
    names: dict[str, object] = {"__name__": "example"}
    for found in BLOCK.finditer(text):
        example = dedent(found["text"])
        if found["not_run"]:
            continue
        if found["kind"] == "python":
            _skip_without_extra(re.findall(r"^(?:import|from) (\w+)", example, re.M))
        if title := re.search(r'title="((?:studies|models|data)/.+?)"', found["more"]):
            Path(title[1]).parent.mkdir(exist_ok=True)
            Path(title[1]).write_text(example, "utf-8")
        elif found["kind"] == "console":
            for words, shown in commands(example):
                _run(words, shown, monkeypatch, capsys)
        elif found["kind"] == "python":
            exec(compile(example, page.name, "exec"), names)


def _run(words: list[str], shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run one command, and compare its output with what the page shows."""
    if words[0] == "cd":
        monkeypatch.chdir(words[1])
        _shorten()
        return
    if words[0] == "sed":
        subprocess.run(words, check=True)
        return
    assert words[0] == "hpsearch", words
    arguments, target = (words[1:-2], Path(words[-1])) if ">" in words else (words[1:], None)
    _skip_without_extra(arguments)
    capsys.readouterr()
    status = main(arguments)
    printed = capsys.readouterr()
    assert status == 0, (words, printed.err)
    if target is not None:
        target.write_text(printed.out, "utf-8")
    _check_shown(shown, printed.out + printed.err)


def _skip_without_extra(words: list[str]) -> None:
    for word, module in EXTRAS.items():
        if word in words:
            pytest.importorskip(module)


def _check_shown(shown: str, printed: str) -> None:
    """Check that each line that the page shows was printed; numbers may differ, and `…` stands for anything."""
    for line in filter(None, map(str.strip, shown.splitlines())):
        pattern = "".join(map(_pattern, re.split(rf"(…|{NUMBER}|\s+)", line)))
        assert re.search(pattern, printed), (line, printed)


def _pattern(part: str) -> str:
    if part == "…":
        return ".*"
    if re.fullmatch(NUMBER, part):
        return NUMBER
    return re.escape(part) if part.strip() else r"\s*"


@pytest.mark.parametrize("found", all_blocks("toml"))
def test_every_study_file_shown_is_valid(found):
    text = dedent(found["text"])
    if ".taplo" in found["more"] or text.startswith("#:schema"):  # another tool's file; the first lines of one
        assert tomllib.loads(text)
        return
    errors = []
    for study in whole_studies(text):
        try:
            parse(study, "the example")
        except StudyFileError as error:
            errors.append(str(error))
        else:
            return
    pytest.fail("; ".join(errors))


@pytest.mark.parametrize("found", all_blocks("python"))
def test_every_python_shown_compiles(found):
    assert ast.parse(dedent(found["text"])).body
