"""`digest`: one hash of all results of a study. Imports what it needs late."""

import sys

import click

from hpsearch.cli.options import name_argument, storage_option
from hpsearch.cli.output import exit_on_signal, json_option, print_json


@click.command()
@name_argument
@storage_option
@json_option
def digest(name: str, storage: str, as_json: bool) -> None:
    """Print a hash of all results of study NAME. Two runs of the same study have the same hash."""
    from hpsearch.search.verify.checks import study_digest
    from hpsearch.storage import reading
    from hpsearch.storage.database import opened_to_read
    from hpsearch.storage.records import COMPLETE

    exit_on_signal()
    with opened_to_read(storage) as connection:
        row = reading.get_study(connection, name)
        found = study_digest(connection, row)
    if as_json:
        return print_json({"study": name, "digest": found, "complete": row.state == COMPLETE})
    if row.state != COMPLETE:
        print(f"hpsearch: study {name!r} is not finished: this is the hash of its results so far", file=sys.stderr)
    return click.echo(found)
