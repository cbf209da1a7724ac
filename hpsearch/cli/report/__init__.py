"""`report`: write the report of a study. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.arguments import name_argument
from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option, tell


@click.command()
@name_argument
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Where the report goes.",
)
@click.option(
    "--format",
    "formats",
    default="html,md,csv",
    show_default=True,
    metavar="LIST",
    help="Of html, md, csv, parquet, tex, pdf, png, svg.",
)
@click.option("--trials", metavar="LIST", help="Draw these trials too: 3,7 of the last search, or fine:3,final:0.")
@click.option("--examples", is_flag=True, help="Show test images of the most confused classes.")
@click.option("--watch", is_flag=True, help="Write it again every few seconds while the study runs.")
@storage_option
@json_option
def report(name: str, watch: bool, as_json: bool, **given: Any) -> None:
    """Write the report of study NAME, finished or not."""
    from hpsearch.cli.report.write import watch_report, write_report

    written = (watch_report if watch else write_report)(name, **given)
    return tell({"study": name, "report": written}) if as_json else click.echo(written)
