"""Options that several commands share. May import click."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hpsearch.cli.output import json_option
from hpsearch.storage import DEFAULT_URL, STORAGE_VARIABLE

Command = TypeVar("Command", bound=Callable[..., Any])


def storage_option(command: Command) -> Command:
    return click.option(
        "--storage",
        default=DEFAULT_URL,
        envvar=STORAGE_VARIABLE,
        show_default=True,
        metavar="URL",
        help=f"The database, a SQLite file or one on a server; or ${STORAGE_VARIABLE}.",
    )(command)


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
        json_option,
        click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
        click.option(
            "--notify",
            metavar="COMMAND|URL",
            help="Run a command, or post to a web hook, when the study ends, fails or is stopped.",
        ),
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
            "--scheduler",
            metavar="ADDRESS",
            help="Where dask or ray find their workers, as tcp://host:8786 [default: ray starts its own here].",
        ),
        click.option(
            "--backend",
            type=click.Choice(["loky", "threading", "sequential", "dask", "ray"]),
            default="loky",
            show_default=True,
            help="What runs the workers; threading and sequential are for debugging.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1, 4096),
            metavar="N",
            help="So many segments at once [default: one a core, or all that the scheduler has room for].",
        ),
    ):
        command = option(command)
    return storage_option(command)
