"""`export`: models and trials for other tools. Imports what it needs late."""

import dataclasses
from typing import Any

import click

from hpsearch.cli.options import data_dir_option, storage_option
from hpsearch.cli.output import json_option, tell


@click.command()
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
def export(name: str, storage: str, as_json: bool, **given: Any) -> None:
    """Hand study NAME to other tools: its best model's weights, an ONNX graph, its trials."""
    from hpsearch.exporting.export import export as write_export
    from hpsearch.reporting import load_frames
    from hpsearch.storage.database import open_to_read

    engine = open_to_read(storage)
    try:
        done = write_export(load_frames(engine, name), **given)
    finally:
        engine.dispose()
    if as_json:
        tell({"study": name, **dataclasses.asdict(done)})
    else:
        click.echo(f"{done.place}: {done.what}{_NEXT.get(done.format, '').format(place=done.place)}")


_NEXT = {
    "mlflow": "; look with `mlflow ui --backend-store-uri {place}`",
    "tensorboard": "; look with `tensorboard --logdir {place}`",
}
