"""Arguments that several commands share, and what a shell completes them with. May import click."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def name_argument(command: Command) -> Command:
    return click.argument("name", shell_complete=study_names)(command)


def study_file_argument(command: Command) -> Command:
    kind = click.Path(path_type=Path)
    return click.argument("study_file", type=kind, shell_complete=_study_files)(command)


def study_names(*given: Any) -> Any:
    """Complete the names of studies; imports the database only when a shell asks."""
    from hpsearch.cli import completion

    return completion.study_names(*given)


def _study_files(*given: Any) -> Any:
    from hpsearch.cli import completion

    return completion.study_files(*given)
