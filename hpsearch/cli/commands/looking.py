"""Commands that show what came of studies. Each imports what it needs itself."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.commands.arguments import name_argument, study_names
from hpsearch.cli.commands.group import cli
from hpsearch.cli.commands.options import storage_option
from hpsearch.cli.telling import json_option, tell


@cli.command()
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
    from hpsearch.cli.looking import watch_report, write_report

    written = (watch_report if watch else write_report)(name, **given)
    return tell({"study": name, "report": written}) if as_json else click.echo(written)


@cli.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME NAME …", shell_complete=study_names)
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Where the comparison goes.",
)
@storage_option
@json_option
def compare(names: tuple[str, ...], reports: Path, storage: str, as_json: bool) -> None:
    """Write one report about several studies: their best settings, tests between them, curves together."""
    from hpsearch.cli.looking import write_comparison

    written = write_comparison(names, storage, reports)
    return tell({"studies": names, "comparison": written}) if as_json else click.echo(written)


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Whoever can reach it can delete studies.")
@storage_option
def dashboard(port: int, host: str, storage: str) -> None:
    """Look inside with optuna-dashboard, in a browser; its notes lead to the reports."""
    from hpsearch.cli.serving import serve_dashboard

    serve_dashboard(storage, host, port)
