"""`check`: whether a model file is reproducible and can be resumed. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.options import data_dir_option, storage_option, trust_option
from hpsearch.cli.output import json_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of [model] or [training], e.g. hidden=[50].",
)
@click.option(
    "--dataset",
    show_default="digits, or the study's",
    metavar="NAME|TABLE",
    help="The data to train on: a name, or a table as in a study file.",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="What the labels are: classes if not given; a regression needs a --dataset with numbers as labels.",
)
@trust_option
@data_dir_option
@storage_option
@json_option
def check(model: Path, assignments: tuple[str, ...], **given: Any) -> int:
    """Check that a model is reproducible and can be resumed.

    MODEL is a file that defines layers, a PyTorch module, a trainable or an estimator, or the name of an installed
    class, such as sklearn.linear_model.LogisticRegression; or a study, its file (.toml) or its name, whose model is
    checked on the study's data with one configuration of its first stage. A function is checked by its study.

    It is trained for a few epochs; then again, in another process, interrupted and restored, and in a cohort with
    other trials. All must give the same results, bit for bit. Exit status 1 if a check fails.
    """
    from hpsearch.cli.check.run import check as run

    return run(model, assignments, **given)
