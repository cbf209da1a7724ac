"""The next command, as messages suggest it, ready to paste into a shell. May import the names of storage."""

import os
import shlex

from hpsearch.storage import DEFAULT_URL, STORAGE_VARIABLE
from hpsearch.storage.masking import shown


def command(verb: str, name: str, storage: str) -> str:
    """Return "hpsearch VERB NAME", with `--storage` if the database is not the default.

    >>> command("report", "two words", "sqlite:///studies/hpsearch.db")
    "hpsearch report 'two words'"
    """
    words = ["hpsearch", verb]
    if storage != os.environ.get(STORAGE_VARIABLE, DEFAULT_URL):
        words += ["--storage", shown(storage)]
    return shlex.join([*words, *(["--"] if name.startswith("-") else []), name])
