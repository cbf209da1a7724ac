"""`resume`: go on with a study, write its report. Imports what it needs late."""

from typing import Any

import click

from hpsearch.cli.arguments import name_argument
from hpsearch.cli.options import running_options


@click.command()
@name_argument
@click.option(
    "--accept-changes", is_flag=True, help="Go on although the model file has changed; unfinished trials begin anew."
)
@running_options
def resume(name: str, **given: Any) -> int:
    """Go on with study NAME where it was stopped, and write the report."""
    from hpsearch.cli.run_study import run_resume

    return run_resume(name, **given)
