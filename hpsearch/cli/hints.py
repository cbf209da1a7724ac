"""The command that comes next, as messages name it: to be pasted into a shell. May import storage's names."""

import os
import shlex

from hpsearch.storage import DEFAULT_URL, STORAGE_VARIABLE
from hpsearch.storage.masking import shown


def command(verb: str, name: str, storage: str) -> str:
    """Return "hpsearch VERB NAME", with the database if it is not the one that would be taken anyway.

    >>> command("report", "two words", "sqlite:///studies/hpsearch.db")
    "hpsearch report 'two words'"
    """
    words = ["hpsearch", verb]
    if storage != os.environ.get(STORAGE_VARIABLE, DEFAULT_URL):
        words += ["--storage", shown(storage)]
    return shlex.join([*words, *(["--"] if name.startswith("-") else []), name])
