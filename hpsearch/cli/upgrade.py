"""`upgrade`: bring the database of an earlier version to this one. Imports what it needs late."""

import dataclasses

import click

from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option, print_json


@click.command()
@click.option("--no-backup", is_flag=True, help="Make no copy of a SQLite file first; for want of room.")
@storage_option
@json_option
def upgrade(no_backup: bool, storage: str, as_json: bool) -> None:
    """Upgrade the database of an earlier hpsearch in place; of a SQLite file a copy is made first.

    No study of it may be running. Ended at any moment, it can be run again, and nothing is lost. Of a database on a
    server make a dump first.
    """
    from hpsearch.storage.upgrade import upgrade as upgrade_database

    done = upgrade_database(storage, backup=not no_backup)
    if as_json:
        return print_json(dataclasses.asdict(done))
    if done.before == done.now:
        return click.echo(f"{done.database}: version {done.now} of its tables is this hpsearch's; nothing to upgrade")
    copy = f"; a copy from before: {done.backup}" if done.backup else ""
    return click.echo(f"{done.database}: upgraded from version {done.before} of its tables to {done.now}{copy}")
