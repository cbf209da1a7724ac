"""`new study`: write a study file from the answers to a few questions. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.group import Group
from hpsearch.cli.output import json_option


@click.group(cls=Group)
def new() -> None:
    """Write a study file by answering a few questions."""


@new.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dataset", metavar="NAME|PATH", help="digits, cifar10, or a path: .npz, .csv, .py, a folder.")
@click.option("--label", metavar="COLUMN", help="The column of the labels, of a .csv file.")
@click.option("--test", metavar="N|PATH", help="How many samples to hold out as the test set, or where that is.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="What the labels are; if not given, a regression where they look like values.",
)
@click.option("--model", metavar="FILE", help="The model file.")
@click.option(
    "--search", multiple=True, metavar="NAME[=VALUES]", help="A hyperparameter to search, e.g. 'hidden=[[32], [64]]'."
)
@click.option("--trials", type=click.IntRange(1), metavar="N", help="How many configurations the first stage tries.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="How many epochs each trial trains.")
@click.option("--minutes", type=click.FloatRange(0), metavar="N", help="The time limit of the search; 0: no limit.")
@click.option("--yes", is_flag=True, help="Ask nothing: use the default of whatever is not given.")
@json_option
def study(file: Path | None, **given: Any) -> None:
    """Write the study file FILE from the answers to a few questions.

    FILE is by default studies/NAME.toml.
    """
    from hpsearch.cli.new_study.questions import new_study

    new_study(file, **given)
