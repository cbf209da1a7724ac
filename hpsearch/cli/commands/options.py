"""Options that several commands share. May import click."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hpsearch.storage import DEFAULT_URL

Command = TypeVar("Command", bound=Callable[..., Any])


def storage_option(command: Command) -> Command:
    return click.option("--storage", default=DEFAULT_URL, show_default=True, metavar="URL", help="The database.")(
        command
    )


def data_dir_option(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where datasets are [default: $HPSEARCH_DATA, or the user's cache].",
    )(command)


def running_options(command: Command) -> Command:
    """The options of the commands that run a study."""
    for option in (
        click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
        click.option(
            "--reports",
            type=click.Path(path_type=Path),
            default=Path("reports"),
            show_default=True,
            metavar="DIR",
            help="Where the report goes.",
        ),
        data_dir_option,
        click.option(
            "--backend",
            type=click.Choice(["loky", "threading"]),
            default="loky",
            show_default=True,
            help="What runs the workers; threading is for debugging.",
        ),
        click.option(
            "--workers", type=click.IntRange(1, 1024), metavar="N", help="Worker processes [default: one a core]."
        ),
    ):
        command = option(command)
    return storage_option(command)
