"""`check`: whether a model file keeps what a study promises. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.options import data_dir_option
from hpsearch.cli.output import json_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "configurations",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of [model] or [training], e.g. hidden=[50].",
)
@click.option(
    "--dataset",
    default="digits",
    show_default=True,
    metavar="NAME|TABLE",
    help="What to train on: a name, or a table as in a study file.",
)
@data_dir_option
@json_option
def check(model: Path, configurations: tuple[str, ...], **given: Any) -> int:
    """Check that the model file MODEL keeps what a study promises: layers or a trainable.

    It is trained for a few epochs, again, elsewhere, cut, restored and in company: all must give the same bits. Exit
    status 1 if anything fails.
    """
    from hpsearch.cli.check.run import check as run

    return run(model, configurations, **given)
