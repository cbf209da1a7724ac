"""`init`: create a workspace from files that the wheel contains. May import the standard library."""

import shlex
from pathlib import Path

import click

from hpsearch.cli.folders import nearest_existing
from hpsearch.cli.output import json_option, print_json
from hpsearch.errors import InputError
from hpsearch.files import write_file

_PACKAGE = Path(__file__).parents[1]
_WORKSPACE = _PACKAGE / "workspace"
MODELS = ("mlp.py", "softmax.py")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@json_option
def init(directory: Path, as_json: bool) -> None:
    """Create a workspace in DIR, ready to launch. It has a first study, two models and a README."""
    make_workspace(directory, as_json=as_json)


def make_workspace(directory: Path, *, as_json: bool) -> None:
    """Make a folder with a study, models and a README. Raises InputError, with nothing changed, if files differ."""
    _check_folder(directory)
    files = {directory / name: source.read_bytes() for name, source in _sources().items()}
    different = [path for path, content in files.items() if _differs(path, content)]
    if different:
        names = ", ".join(str(path.relative_to(directory)) for path in different)
        raise InputError(f"{directory}: must not have files that a workspace has, has {names}; name another folder")
    made = [write_file(path, content) for path, content in files.items() if not path.exists()]
    then = _next(directory)
    if as_json:
        return print_json({"workspace": directory.absolute(), "made": made, "next": then})
    for path in made:
        click.echo(f"made {path}")
    return click.echo(f"next: {then}")


def _check_folder(directory: Path) -> None:
    there = nearest_existing(directory, str(directory))
    if there == directory and not there.is_dir():
        raise InputError(f"{directory}: must be a folder, or a name for a new one, but is a file")
    if not there.is_dir():
        raise InputError(f"{directory}: cannot be made ({there} is no folder); name another folder")


def _sources() -> dict[str, Path]:
    """Where each file of a workspace comes from; an editable installation uses the models of the repository."""
    models = _WORKSPACE / "models"
    if not models.is_dir():
        models = _PACKAGE.parent / "models"
    return {
        "studies/first.toml": _WORKSPACE / "first.toml",
        **{f"models/{name}": models / name for name in MODELS},
        "README.md": _WORKSPACE / "README.md",
        ".gitignore": _WORKSPACE / "gitignore",
    }


def _differs(path: Path, content: bytes) -> bool:
    """Whether the path exists with other content, or a file stands where its folder should be."""
    try:
        if any(folder.exists() and not folder.is_dir() for folder in path.parents):
            return True
        return path.is_symlink() or (path.exists() and (not path.is_file() or path.read_bytes() != content))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be made ({getattr(error, 'strerror', None) or error})") from error


def _next(directory: Path) -> str:
    launch = "hpsearch launch studies/first.toml"
    return launch if directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(directory))} && {launch}"
