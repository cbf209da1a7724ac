"""`copy`: copy a study into another database. Imports what it needs late."""

import click

from hpsearch.cli.options import name_argument, storage_option
from hpsearch.cli.output import exit_on_signal, json_option, print_json

MOST = 10
"""So many problems of a study are named."""


@click.command()
@name_argument
@click.option("--to", required=True, metavar="URL", help="The database to copy into; a SQLite file is created.")
@storage_option
@json_option
def copy(name: str, to: str, storage: str, as_json: bool) -> None:
    """Copy study NAME with all its results into another database. It can be resumed there."""
    from hpsearch.search.copy import copy as copy_study
    from hpsearch.storage.places import place_of

    exit_on_signal()  # rows that are not committed are discarded
    digest, problems = copy_study(name, storage, to)
    where = place_of(to).shown
    if as_json:
        return print_json({"study": name, "to": where, "digest": digest, "problems": problems})
    for problem in problems[:MOST]:
        click.echo(f"copied as it is: {problem}", err=True)
    if len(problems) > MOST:
        click.echo(f"copied as it is: {len(problems) - MOST:,} more, which `hpsearch verify` names", err=True)
    return click.echo(f"study {name!r} is in {where}, with the same digest {digest}")
