"""`verify`: check a study against its own records. Imports what it needs late."""

from typing import Any

import click

from hpsearch.cli.options import data_dir_option, name_argument, storage_option, trust_option
from hpsearch.cli.output import json_option


@click.command()
@name_argument
@click.option(
    "--trial",
    metavar="STAGE:NUMBER",
    help="Retrain this trial, e.g. fine:3, or final:all, trained on all samples [default: one drawn at random].",
)
@click.option("--all", "everything", is_flag=True, help="Retrain every trial.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N", help="The seed of that draw.")
@trust_option
@data_dir_option
@storage_option
@json_option
def verify(name: str, storage: str, **given: Any) -> int:
    """Check the results of study NAME, and retrain one trial.

    Checks the database, the ranking, the plan, and the retrained trial bit for bit. Changes nothing. Exit status 1 if
    anything differs.
    """
    from hpsearch.cli.verify.run import run_verify

    return run_verify(name, storage, **given)
