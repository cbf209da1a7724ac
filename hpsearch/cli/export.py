"""`export`: models and trials for other tools. Imports what it needs late."""

import dataclasses
from typing import Any

import click

from hpsearch.cli.options import data_dir_option, storage_option, trust_option
from hpsearch.cli.output import json_option, print_json


@click.command()
@click.argument("name")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["joblib", "npz", "onnx", "mlflow", "tensorboard"]),
    required=True,
    help="joblib, npz, onnx: the model of one trial, with a card; mlflow, tensorboard: all trials.",
)
@click.option(
    "--to", metavar="PATH", help="The file or folder to write; for mlflow also a tracking URI [default: in exports/]."
)
@click.option(
    "--trial",
    metavar="STAGE:NUMBER",
    help="The trial, e.g. fine:3 [default: final:all, else the first of [final], else the best].",
)
@trust_option
@data_dir_option
@storage_option
@json_option
def export(name: str, storage: str, as_json: bool, **given: Any) -> None:
    """Export a model or the trials of study NAME for other tools."""
    from hpsearch.exporting.export import export as write_export
    from hpsearch.reporting import load_frames
    from hpsearch.storage.database import open_to_read

    engine = open_to_read(storage)
    try:
        done = write_export(load_frames(engine, name), **given)
    finally:
        engine.dispose()
    if as_json:
        print_json({"study": name, **dataclasses.asdict(done)})
    else:
        click.echo(f"{done.place}: {done.what}{_NEXT.get(done.format, '').format(place=done.place, card=done.card)}")


_CARD = "; {card} says how good it is and how it is loaded"
_NEXT = {
    "joblib": _CARD + ", which runs code: load only files that you trust",
    "npz": _CARD,
    "onnx": _CARD,
    "mlflow": "; view them with `mlflow ui --backend-store-uri {place}`",
    "tensorboard": "; view them with `tensorboard --logdir {place}`",
}
