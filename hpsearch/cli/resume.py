"""`resume`: continue a study, write its report. Imports what it needs late."""

from typing import Any

import click

from hpsearch.cli.options import name_argument, run_options, trust_option


@click.command()
@name_argument
@click.option(
    "--accept-changes",
    is_flag=True,
    help="Continue although the model file has changed; unfinished trials start again.",
)
@trust_option
@run_options
def resume(name: str, **given: Any) -> int:
    """Continue study NAME where it was stopped. Then write its report."""
    from hpsearch.cli.run_study import run_resume

    return run_resume(name, **given)
