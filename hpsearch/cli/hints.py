"""The next command, as messages suggest it, ready to paste into a shell. May import the names of storage."""

import os
import shlex

from hpsearch.storage import STORAGE_VARIABLE
from hpsearch.storage.masking import shown
from hpsearch.storage.sqlite.workspace import default_url


def command(verb: str, name: str, storage: str) -> str:
    """Return "hpsearch VERB NAME", with `--storage` if the database is not the default.

    >>> command("report", "two words", "sqlite:///studies/hpsearch.db")
    "hpsearch report 'two words'"
    """
    words = ["hpsearch", verb]
    if storage != (os.environ.get(STORAGE_VARIABLE) or default_url()):
        words += ["--storage", shown(storage)]
    return shlex.join([*words, *(["--"] if name.startswith("-") else []), name])
