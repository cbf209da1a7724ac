"""The command that hands models and trials to other tools. It imports what it needs itself."""

from typing import Any

import click

from hpsearch.cli.commands.group import cli
from hpsearch.cli.commands.options import data_dir_option, storage_option
from hpsearch.cli.telling import json_option


@cli.command()
@click.argument("name")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["npz", "onnx", "mlflow", "tensorboard"]),
    required=True,
    help="npz, onnx: one trial's model; mlflow, tensorboard: all trials.",
)
@click.option(
    "--to", metavar="PATH", help="Where to; for mlflow a tracking URI too [default: exports/NAME…, exports/mlflow.db]."
)
@click.option(
    "--trial", metavar="STAGE:NUMBER", help="This trial, as fine:3 [default: the final's first, else the best]."
)
@data_dir_option
@storage_option
@json_option
def export(name: str, **given: Any) -> None:
    """Hand study NAME to other tools: its best model's weights, an ONNX graph, its trials."""
    from hpsearch.cli.exporting import run_export

    run_export(name, **given)
