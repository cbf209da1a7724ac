"""Whether a command can make a folder. May import the standard library."""

from pathlib import Path

from hpsearch.errors import InputError


def nearest_existing(path: Path, place: str) -> Path:
    """Return the path, or the nearest of its folders that exists. Raises InputError, beginning with `place`."""
    try:
        return next(each for each in (path, *path.parents) if each.exists())
    except OSError as error:  # a name that is too long, or a folder that may not be read
        raise InputError(f"{place}: cannot be made ({error.strerror})") from error
