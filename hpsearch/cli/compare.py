"""`compare`: one report about several studies. Imports what it needs late."""

from pathlib import Path

import click

from hpsearch.cli.arguments import study_names
from hpsearch.cli.options import storage_option
from hpsearch.cli.output import json_option, tell


@click.command()
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
    """Write one report about several studies: their best configurations, tests between them, curves together."""
    from hpsearch.reporting import compare_studies
    from hpsearch.storage import reading
    from hpsearch.storage.database import open_to_read

    engine = open_to_read(storage)
    with engine.connect() as connection:
        for name in names:
            reading.get_study(connection, name)
    written = compare_studies(engine, names, reports)
    return tell({"studies": names, "comparison": written}) if as_json else click.echo(written)
