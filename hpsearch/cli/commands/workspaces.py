"""Commands that make files to begin with. Each imports what it needs itself."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.commands.group import Group, cli
from hpsearch.cli.telling import json_option


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@json_option
def init(directory: Path, as_json: bool) -> None:
    """Make a workspace in DIR: a first study, two models, a README; ready to launch."""
    from hpsearch.cli.founding import make_workspace

    make_workspace(directory, as_json=as_json)


@cli.group(cls=Group)
def new() -> None:
    """Write a file of your own, by answering questions."""


@new.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dataset", metavar="NAME|PATH", help="digits, cifar10, or a path: .npz, .csv, .py, a folder.")
@click.option("--label", metavar="COLUMN", help="The column of the labels, of a .csv file.")
@click.option("--test", metavar="N|PATH", help="How many images to set aside as test images, or where those are.")
@click.option("--model", metavar="FILE", help="The model file.")
@click.option("--search", multiple=True, metavar="KEY[=VALUES]", help="A key to search, e.g. 'hidden=[[32], [64]]'.")
@click.option("--trials", type=click.IntRange(1), metavar="N", help="How many settings the first stage tries.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="How long each trains.")
@click.option("--minutes", type=click.FloatRange(0), metavar="N", help="How long the search may take; 0: no limit.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the default of whatever is not given.")
@json_option
def study(file: Path | None, **given: Any) -> None:
    """Ask a few questions and write the study file FILE [default: studies/NAME.toml]."""
    from hpsearch.cli.asking import new_study

    new_study(file, **given)
