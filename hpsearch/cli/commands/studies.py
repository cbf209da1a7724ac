"""Commands that run a study, say how it stands, check it, delete it. Each imports what it needs itself."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.commands.arguments import name_argument, study_file_argument, study_names
from hpsearch.cli.commands.group import cli
from hpsearch.cli.commands.options import data_dir_option, running_options, storage_option
from hpsearch.cli.telling import answering, json_option, tell
from hpsearch.errors import InputError


@cli.command()
@study_file_argument
@click.option("--or-resume", is_flag=True, help="Go on with the study if it was launched before.")
@running_options
def launch(study_file: Path, or_resume: bool, **given: Any) -> int:
    """Check STUDY_FILE, run the search it describes, and write the report."""
    from hpsearch.cli.running import run_launch

    return run_launch(study_file, or_resume=or_resume, **given)


@cli.command()
@name_argument
@click.option(
    "--accept-changes", is_flag=True, help="Go on although the model file has changed; unfinished trials begin anew."
)
@running_options
def resume(name: str, **given: Any) -> int:
    """Go on with study NAME where it was stopped, and write the report."""
    from hpsearch.cli.running import run_resume

    return run_resume(name, **given)


@cli.command()
@click.argument("name", required=False, shell_complete=study_names)
@click.option("--trial", metavar="STAGE:NUMBER", help="Show this trial of NAME, with its traceback if it failed.")
@click.option("--failures", is_flag=True, help="Show all failed trials of NAME, with their tracebacks.")
@storage_option
@json_option
def status(name: str | None, trial: str | None, failures: bool, storage: str, as_json: bool) -> None:
    """List all studies, or the stages of study NAME and why its trials failed."""
    from hpsearch.cli.standing import show_overview, show_study

    if name is not None:
        show_study(name, storage, trial, failures=failures, as_json=as_json)
    elif trial is not None or failures:
        raise InputError(f"{'--trial' if trial is not None else '--failures'} needs a study: hpsearch status NAME …")
    else:
        show_overview(storage, as_json=as_json)


@cli.command()
@name_argument
@storage_option
@json_option
def digest(name: str, storage: str, as_json: bool) -> None:
    """Print a hash of what study NAME came to: the same for every run of the same study."""
    from hpsearch.cli.verifying import print_digest

    print_digest(name, storage, as_json=as_json)


@cli.command()
@name_argument
@click.option("--trial", metavar="STAGE:NUMBER", help="Retrain this trial, as fine:3 [default: one drawn at random].")
@click.option("--all", "everything", is_flag=True, help="Retrain every trial.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N", help="Which trial is drawn.")
@data_dir_option
@storage_option
@json_option
def verify(name: str, storage: str, **given: Any) -> int:
    """Check that study NAME is what it says: the database, the ranking, the plan, and a trial trained again.

    Changes nothing. Exit status 1 if anything differs.
    """
    from hpsearch.cli.verifying import run_verify

    return run_verify(name, storage, **given)


@cli.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@storage_option
@json_option
def delete(name: str, yes: bool, storage: str, as_json: bool) -> None:
    """Delete study NAME with all its results."""
    from hpsearch.search import launching

    if as_json and not yes:
        raise InputError("--json does not ask; give --yes with it")
    if not yes:
        _make_sure(name, storage)
    launching.delete(name, storage)
    if as_json:
        return tell({"study": name, "deleted": True})
    return click.echo(f"study {name!r} is deleted; its report, if any, is left")


def _make_sure(name: str, storage: str) -> None:
    """Ask whether a study may be deleted, if it is there. Raises Abort if not, InputError if nobody answers."""
    from hpsearch.storage import reading
    from hpsearch.storage.database import opened_to_read
    from hpsearch.storage.places import place_of

    with opened_to_read(storage) as connection:
        reading.get_study(connection, name)
    with answering("delete: nobody answered; --yes deletes without asking"):
        sure = click.confirm(f"Delete study {name!r} and all its results from {place_of(storage).shown}?")
    if not sure:
        raise click.Abort
