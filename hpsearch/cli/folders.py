"""Whether there is, or could be, a folder where a command is to write. May import the standard library."""

from pathlib import Path

from hpsearch.errors import InputError


def nearest_there(path: Path, place: str) -> Path:
    """Return the path, or the nearest of its folders that exists. Raises InputError, beginning with `place`."""
    try:
        return next(each for each in (path, *path.parents) if each.exists())
    except OSError as error:  # too long a name, or one that may not be looked at
        raise InputError(f"{place}: cannot be made ({error.strerror})") from error
