"""Arguments and options that several commands share, with their shell completion. May import click."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hpsearch.cli.output import json_option
from hpsearch.storage import DEFAULT_URL, STORAGE_VARIABLE
from hpsearch.storage.sqlite.workspace import default_reports, default_url

Command = TypeVar("Command", bound=Callable[..., Any])


def study_names(*given: Any) -> Any:
    """Complete the names of studies. The database is imported only when a shell asks for a completion."""
    from hpsearch.cli import completion

    return completion.study_names(*given)


def _study_files(*given: Any) -> Any:
    from hpsearch.cli import completion

    return completion.study_files(*given)


def name_argument(command: Command) -> Command:
    return click.argument("name", shell_complete=study_names)(command)


def study_file_argument(command: Command) -> Command:
    kind = click.Path(path_type=Path)
    return click.argument("study_file", type=kind, shell_complete=_study_files)(command)


STORAGES = "hpsearch.storages"
"""In a context's `meta`: the databases that the command was given."""


def _note_storage(context: click.Context, _: click.Parameter, url: str) -> str:
    context.meta.setdefault(STORAGES, []).append(url)
    return url


def storage_option(command: Command) -> Command:
    return click.option(
        "--storage",
        default=default_url,
        envvar=STORAGE_VARIABLE,
        show_default=DEFAULT_URL,
        metavar="URL",
        callback=_note_storage,
        help=f"The database, a SQLite file or one on a server; or ${STORAGE_VARIABLE}.",
    )(command)


def trust_option(command: Command) -> Command:
    return click.option(
        "--trust-model",
        is_flag=True,
        help="Run the Python files that the database names, though the study was launched in another workspace.",
    )(command)


def data_dir_option(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="The directory of the datasets [default: $HPSEARCH_DATA, or the user's cache].",
    )(command)


def reports_option(command: Command) -> Command:
    return click.option(
        "--reports",
        type=click.Path(path_type=Path),
        default=default_reports,
        show_default="reports in the workspace",
        metavar="DIR",
        help="The directory that reports are written to.",
    )(command)


def run_options(command: Command) -> Command:
    """The options of the commands that run a study."""
    for option in (
        json_option,
        click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
        click.option(
            "--notify",
            metavar="COMMAND|URL",
            help="Run a command, or post to a web hook, when the study ends, fails or is stopped.",
        ),
        reports_option,
        data_dir_option,
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="The scheduler of dask or ray, e.g. tcp://host:8786 [default: ray starts its own on this machine].",
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
            help="How many workers train at once [default: one per core, or all that the scheduler has].",
        ),
    ):
        command = option(command)
    return storage_option(command)
