"""`launch`: check a study file, run it, write its report. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.arguments import study_file_argument
from hpsearch.cli.options import running_options


@click.command()
@study_file_argument
@click.option("--or-resume", is_flag=True, help="Go on with the study if it was launched before.")
@running_options
def launch(study_file: Path, or_resume: bool, **given: Any) -> int:
    """Check STUDY_FILE, run the search it describes, and write the report."""
    from hpsearch.cli.run_study import run_launch

    return run_launch(study_file, or_resume=or_resume, **given)
