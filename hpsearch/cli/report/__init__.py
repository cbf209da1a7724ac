"""`report`: write the report of a study. Imports what it needs late."""

from typing import Any

import click

from hpsearch.cli.options import name_argument, reports_option, storage_option
from hpsearch.cli.output import json_option, print_json


@click.command()
@name_argument
@reports_option
@click.option(
    "--format",
    "formats",
    default=("html,md,csv",),
    show_default=True,
    multiple=True,
    callback=lambda _context, _option, given: ",".join(given),
    metavar="LIST",
    help="The formats: html, md, csv, parquet, tex, pdf, png, svg.",
)
@click.option("--trials", metavar="LIST", help="Draw the learning curves of these trials too, e.g. fine:3,final:0.")
@click.option("--examples", is_flag=True, help="Show example images of the most confused classes.")
@click.option("--watch", is_flag=True, help="Write it again every few seconds while the study runs.")
@storage_option
@json_option
def report(name: str, watch: bool, as_json: bool, **given: Any) -> None:
    """Write the report of study NAME, finished or not."""
    from hpsearch.cli.report.write import default_facts, watch_report, write_report

    written = (watch_report if watch else write_report)(name, **given)
    if as_json:
        return print_json({"study": name, "report": written} | default_facts(name, given["storage"]))
    return click.echo(written)
