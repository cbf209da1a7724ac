"""`new study`: write a study file by prompting questions. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.group import Group
from hpsearch.cli.output import json_option


@click.group(cls=Group)
def new() -> None:
    """Write a file of your own, by prompting questions."""


@new.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dataset", metavar="NAME|PATH", help="digits, cifar10, or a path: .npz, .csv, .py, a folder.")
@click.option("--label", metavar="COLUMN", help="The column of the labels, of a .csv file.")
@click.option("--test", metavar="N|PATH", help="How many images to set aside as test images, or where those are.")
@click.option("--model", metavar="FILE", help="The model file.")
@click.option("--search", multiple=True, metavar="KEY[=VALUES]", help="A key to search, e.g. 'hidden=[[32], [64]]'.")
@click.option("--trials", type=click.IntRange(1), metavar="N", help="How many configurations the first stage tries.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="How long each trains.")
@click.option("--minutes", type=click.FloatRange(0), metavar="N", help="How long the search may take; 0: no limit.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the default of whatever is not given.")
@json_option
def study(file: Path | None, **given: Any) -> None:
    """Ask a few questions and write the study file FILE [default: studies/NAME.toml]."""
    from hpsearch.cli.new_study.questions import new_study

    new_study(file, **given)
