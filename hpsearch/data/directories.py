"""Where datasets are looked for and where prepared splits are kept. May import platformdirs."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "HPSEARCH_DATA"


def data_directory(option: Path | None = None) -> Path:
    """Return where datasets are: `option` (--data-dir), else $HPSEARCH_DATA, else the user's cache."""
    if option is not None:
        return option.expanduser()
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else default_data_directory()


def default_data_directory() -> Path:
    """Return the folder for datasets in the user's cache; it need not exist yet."""
    return _user_cache() / "data"


def splits_directory(option: Path | None = None) -> Path:
    """Return where prepared splits are kept: `option`, else the user's cache."""
    return option if option is not None else _user_cache() / "splits"


def importance_directory() -> Path:
    """Return the folder of the user's cache where the computed importance of tables' columns is kept."""
    return _user_cache() / "importance"


def _user_cache() -> Path:
    return Path(platformdirs.user_cache_dir("hpsearch", appauthor=False))
