"""The name of a study's folder, and paths in the texts of failures. May import pandas."""

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd  # not needed where only a folder's name is wanted


def folder_name(name: str) -> str:
    """Return a folder name for a study: its name where that is safe, else the safe characters of it and a hash.

    >>> folder_name("coarse-to-fine"), folder_name("../up"), folder_name("")
    ('coarse-to-fine', 'up-8c722b8a', 'study')
    """
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80].rstrip(".-_")
    while len(safe.encode()) > 200:
        safe = safe[:-1]
    if safe == name:
        return safe or "study"
    return f"{safe or 'study'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


_BEGIN = r"(?<![^\s'\"(\[=`:])"
"""A path begins after a space, a quote, an opening bracket and the like: not inside https://… or (3/4)/(2/2)."""

_INSTALLED = re.compile(_BEGIN + r"/(?:[^\s/:'\",]+/)*site-packages/")
_QUOTED = re.compile(r"(?<=(['\"]))/(?:(?!\1)[^/\n])+/(?:(?:(?!\1)[^/\n])+/)*(?=(?:(?!\1)[^/\n])+\1)")
_FOLDERS = re.compile(_BEGIN + r"/(?![\s/])(?:[^\s/:'\",()]+/)+(?=[^\s/:'\",])")


def without_folders(text: str) -> str:
    """Leave out the folders of absolute paths, which say where a report was made and not what is wrong; … marks them.

    >>> without_folders('File "/home/me/study/mlp.py", line 3: 1/2 and models/mlp.py')
    'File "…/mlp.py", line 3: 1/2 and models/mlp.py'
    >>> without_folders("no /data/sets/one.csv nor '/my data/x y.csv'; see https://example.org/a/b, (3/4)/(2/2)")
    "no …/one.csv nor '…/x y.csv'; see https://example.org/a/b, (3/4)/(2/2)"
    >>> without_folders('File "/usr/lib/python3/site-packages/numpy/linalg/_linalg.py", line 3')
    'File "numpy/linalg/_linalg.py", line 3'
    """
    return _FOLDERS.sub("…/", _QUOTED.sub("…/", _INSTALLED.sub("", text)))


def relative_to(workspace: str, trials: "pd.DataFrame") -> "pd.DataFrame":
    """Return trials whose reasons and tracebacks name the files of the workspace by their paths inside it."""
    inside = f"{workspace.rstrip('/')}/"
    if inside == "/":
        return trials
    within = re.compile(rf"(?<![\w./-]){re.escape(inside)}")  # and not a longer path that ends so
    for column in ("reason", "traceback"):
        texts = [within.sub("", text) if isinstance(text, str) else text for text in trials[column]]
        trials[column] = type(trials[column])(texts, index=trials.index, dtype="object")
    return trials
