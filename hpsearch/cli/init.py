"""`init`: a new workspace, made from files that the wheel carries. May import the standard library."""

import shlex
from pathlib import Path

import click

import hpsearch
from hpsearch.cli.folders import nearest_there
from hpsearch.cli.output import json_option, tell
from hpsearch.errors import InputError

_PACKAGE = Path(hpsearch.__file__).parent
_CARRIED = _PACKAGE / "workspace"
MODELS = ("mlp.py", "softmax.py")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@json_option
def init(directory: Path, as_json: bool) -> None:
    """Make a workspace in DIR: a first study, two models, a README; ready to launch."""
    make_workspace(directory, as_json=as_json)


def make_workspace(directory: Path, *, as_json: bool) -> None:
    """Make a folder with a study, models and a README. Raises InputError, with nothing changed, if files clash."""
    _refuse_no_folder(directory)
    files = {directory / name: source.read_bytes() for name, source in _sources().items()}
    clashing = [path for path, content in files.items() if _differs(path, content)]
    if clashing:
        names = ", ".join(str(path.relative_to(directory)) for path in clashing)
        raise InputError(f"{directory}: must not have files that a workspace has, has {names}; name another folder")
    made = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(content)
                made.append(path)
    except OSError as error:
        raise InputError(f"{error.filename or directory}: cannot be made ({error.strerror or error})") from error
    then = _next(directory)
    if as_json:
        return tell({"workspace": directory.absolute(), "made": made, "next": then})
    for path in made:
        click.echo(f"made {path}")
    return click.echo(f"next: {then}")


def _refuse_no_folder(directory: Path) -> None:
    there = nearest_there(directory, str(directory))
    if there == directory and not there.is_dir():
        raise InputError(f"{directory}: must be a folder, or a name for a new one, but is a file")
    if not there.is_dir():
        raise InputError(f"{directory}: cannot be made ({there} is no folder); name another folder")


def _sources() -> dict[str, Path]:
    """Where each file of a workspace comes from; an installation for development has the repository's own models."""
    models = _CARRIED / "models"
    if not models.is_dir():
        models = _PACKAGE.parent / "models"
    return {
        "studies/first.toml": _CARRIED / "first.toml",
        **{f"models/{name}": models / name for name in MODELS},
        "README.md": _CARRIED / "README.md",
        ".gitignore": _CARRIED / "gitignore",
    }


def _differs(path: Path, content: bytes) -> bool:
    """Whether something else is at the place of a file, or a file at that of its folder."""
    try:
        if any(folder.exists() and not folder.is_dir() for folder in path.parents):
            return True
        return path.is_symlink() or (path.exists() and (not path.is_file() or path.read_bytes() != content))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be made ({getattr(error, 'strerror', None) or error})") from error


def _next(directory: Path) -> str:
    launch = "hpsearch launch studies/first.toml"
    there = directory.resolve() == Path.cwd()
    return launch if there else f"cd {shlex.quote(str(directory))} && {launch}"
