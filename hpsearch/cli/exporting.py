"""`export`: write a study's models and trials for other tools. May import exporting and reporting."""

import dataclasses
from typing import Any

import click

from hpsearch.cli.telling import tell
from hpsearch.exporting.exports import export
from hpsearch.reporting import load_frames
from hpsearch.storage.database import open_to_read


def run_export(name: str, *, storage: str, as_json: bool, **given: Any) -> None:
    """Write the export and say where it is."""
    engine = open_to_read(storage)
    try:
        done = export(load_frames(engine, name), **given)
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
