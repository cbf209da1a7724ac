"""`compare`: one report that compares several studies. Imports what it needs late."""

from pathlib import Path

import click

from hpsearch.cli.options import reports_option, storage_option, study_names
from hpsearch.cli.output import json_option, print_json


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME NAME …", shell_complete=study_names)
@reports_option
@storage_option
@json_option
def compare(names: tuple[str, ...], reports: Path, storage: str, as_json: bool) -> None:
    """Compare several studies in one report.

    It has their best configurations, statistical tests between these, and learning curves.
    """
    from hpsearch.reporting import compare_studies
    from hpsearch.storage import reading
    from hpsearch.storage.database import open_to_read

    engine = open_to_read(storage)
    with engine.connect() as connection:
        for name in names:
            reading.get_study(connection, name)
    written = compare_studies(engine, names, reports)
    return print_json({"studies": names, "comparison": written}) if as_json else click.echo(written)
