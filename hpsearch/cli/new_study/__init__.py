"""`new study`: write a study file from the answers to a few questions. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.group import Group
from hpsearch.cli.output import json_option
from hpsearch.errors import InputError


@click.group(cls=Group)
def new() -> None:
    """Write a study file by answering a few questions, or from a table."""


@new.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dataset", metavar="NAME|PATH", help="digits, cifar10, or a path: .npz, .csv, .parquet, .py, a folder.")
@click.option("--label", metavar="COLUMN", help="The column of the labels, of a table.")
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

    FILE is by default studies/NAME.toml. If it is a table instead (.csv, .tsv, .txt or .parquet), it is inspected: its
    task, the sizes of its sets, columns to leave out. Only the column of the labels is asked for, and the study file
    is studies/NAME.toml, by the table's name. Other data are taken as with --dataset.
    """
    from hpsearch.cli.new_study.questions import new_study, study_of_table
    from hpsearch.cli.new_study.table import is_data, is_table

    if file is None or not is_data(file):
        return new_study(file, **given)
    if given["dataset"] is not None:
        raise InputError(f"{file}: is data, and so is --dataset {given['dataset']}; give one of them")
    if not is_table(file) or given["model"] is not None or given["search"]:
        return new_study(None, **given | {"dataset": str(file)})
    for key in ("dataset", "model", "search"):
        del given[key]
    return study_of_table(file, **given)
