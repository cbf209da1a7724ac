"""The default paths of exports, and how their files are written. May import the file names of reporting."""

from pathlib import Path

from hpsearch.errors import InputError
from hpsearch.reporting.files import folder_name, write_atomically

FOLDER = Path("exports")
"""The folder of exports without `--to`."""


def default_path(study: str, ending: str) -> Path:
    """Return the default path of a study's export: exports/NAME and the ending."""
    return FOLDER / f"{folder_name(study)}{ending}"


def require_file(path: Path) -> None:
    """Raise InputError for what is no file: a folder; and /dev/null, whose place a file written by root would take."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device, a pipe or a socket"
        raise InputError(f"{path}: must be a file, or a name for a new one, but is {what}")


def write_file(path: Path, content: bytes) -> Path:
    """Write a file atomically, and make its folder; return its path. Raises InputError where it cannot be written."""
    try:
        require_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return path
