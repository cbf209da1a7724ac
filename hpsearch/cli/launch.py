"""`launch`: check a study file, run it, write its report. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.options import run_options, study_file_argument


@click.command()
@study_file_argument
@click.option("--or-resume", is_flag=True, help="Resume the study if it was launched before.")
@run_options
def launch(study_file: Path, or_resume: bool, **given: Any) -> int:
    """Run the search of STUDY_FILE, and write its report. The file is checked before anything runs."""
    from hpsearch.cli.run_study import run_launch

    return run_launch(study_file, or_resume=or_resume, **given)
