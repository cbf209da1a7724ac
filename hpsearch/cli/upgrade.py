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
    """Upgrade an earlier hpsearch's database, after a backup.

    A SQLite file is copied to FILE.vN-backup first; make a dump of a database on a server yourself. No study of it may
    be running. An upgrade that was interrupted can be run again; nothing is lost.
    """
    from hpsearch.storage.upgrade import upgrade as upgrade_database

    done = upgrade_database(storage, backup=not no_backup)
    if as_json:
        return print_json(dataclasses.asdict(done))
    if done.before == done.now:
        return click.echo(f"{done.database}: version {done.now} of its tables is this hpsearch's; nothing to upgrade")
    copy = f"; a copy from before: {done.backup}" if done.backup else ""
    return click.echo(f"{done.database}: upgraded from version {done.before} of its tables to {done.now}{copy}")
