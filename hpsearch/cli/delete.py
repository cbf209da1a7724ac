"""`delete`: delete a study with all its results. Imports what it needs late."""

import click

from hpsearch.cli.arguments import name_argument
from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option, prompting, tell
from hpsearch.errors import InputError


@click.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@storage_option
@json_option
def delete(name: str, yes: bool, storage: str, as_json: bool) -> None:
    """Delete study NAME with all its results."""
    from hpsearch.search.launch import delete as delete_study

    if as_json and not yes:
        raise InputError("--json does not ask; give --yes with it")
    if not yes:
        _make_sure(name, storage)
    delete_study(name, storage)
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
    with prompting("delete: nobody answered; --yes deletes without asking"):
        sure = click.confirm(f"Delete study {name!r} and all its results from {place_of(storage).shown}?")
    if not sure:
        raise click.Abort
