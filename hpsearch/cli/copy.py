"""`copy`: a study into another database. Imports what it needs late."""

import click

from hpsearch.cli.arguments import name_argument
from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option, stop_at_once, tell


@click.command()
@name_argument
@click.option("--to", required=True, metavar="URL", help="The database to copy into; a SQLite file is made.")
@storage_option
@json_option
def copy(name: str, to: str, storage: str, as_json: bool) -> None:
    """Copy study NAME with all its results into another database, where it can be resumed."""
    from hpsearch.search.copy import copy as copy_study
    from hpsearch.storage.places import place_of

    stop_at_once()  # what has not been committed is not there
    digest = copy_study(name, storage, to)
    where = place_of(to).shown
    if as_json:
        return tell({"study": name, "to": where, "digest": digest})
    return click.echo(f"study {name!r} is in {where}, with the same digest {digest}")
