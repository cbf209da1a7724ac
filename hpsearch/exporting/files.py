"""The default paths of exports. May import the file names of reporting."""

from pathlib import Path

from hpsearch.reporting.files import folder_name

FOLDER = Path("exports")
"""The folder of exports without `--to`."""


def default_path(study: str, ending: str) -> Path:
    """Return the default path of a study's export: exports/NAME and the ending."""
    return FOLDER / f"{folder_name(study)}{ending}"
