"""`digest`: one hash of what a study came to. Imports what it needs late."""

import sys

import click

from hpsearch.cli.arguments import name_argument
from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option, stop_at_once, tell


@click.command()
@name_argument
@storage_option
@json_option
def digest(name: str, storage: str, as_json: bool) -> None:
    """Print a hash of what study NAME came to: the same for every run of the same study."""
    from hpsearch.search.verify.checks import study_digest
    from hpsearch.storage import reading
    from hpsearch.storage.database import opened_to_read
    from hpsearch.storage.records import COMPLETE

    stop_at_once()
    with opened_to_read(storage) as connection:
        row = reading.get_study(connection, name)
        found = study_digest(connection, row)
    if as_json:
        return tell({"study": name, "digest": found, "complete": row.state == COMPLETE})
    if row.state != COMPLETE:
        print(f"hpsearch: study {name!r} is not finished: this is the hash of what there is so far", file=sys.stderr)
    return click.echo(found)
