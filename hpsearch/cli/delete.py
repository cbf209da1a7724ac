"""`delete`: delete a study with all its results. Imports what it needs late."""

import click

from hpsearch.cli.options import name_argument, storage_option
from hpsearch.cli.output import interactive_prompt, json_option, print_json
from hpsearch.errors import InputError


@click.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@storage_option
@json_option
def delete(name: str, yes: bool, storage: str, as_json: bool) -> None:
    """Delete study NAME with all its results."""
    from hpsearch.search.delete import delete as delete_study

    if as_json and not yes:
        raise InputError("--json does not ask; give --yes with it")
    if not yes:
        _confirm(name, storage)
    delete_study(name, storage)
    if as_json:
        return print_json({"study": name, "deleted": True})
    return click.echo(f"study {name!r} is deleted; its report, if any, is left")


def _confirm(name: str, storage: str) -> None:
    """Ask whether a study may be deleted, if it exists. Raises Abort if not, InputError if nobody answers."""
    from hpsearch.storage import reading
    from hpsearch.storage.database import opened_to_read
    from hpsearch.storage.places import place_of

    with opened_to_read(storage) as connection:
        reading.get_study(connection, name)
    with interactive_prompt("delete: nobody answered; --yes deletes without asking"):
        confirmed = click.confirm(f"Delete study {name!r} and all its results from {place_of(storage).shown}?")
    if not confirmed:
        raise click.Abort
