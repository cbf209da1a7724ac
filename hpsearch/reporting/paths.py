"""Paths in the texts of failures: relative to the workspace, else without folders. May import pandas."""

import re

import pandas as pd

_INSTALLED = re.compile(r"(?<![\w.])/(?:[^\s/:'\",]+/)*site-packages/")
_FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/:'\",]+/)+(?=[^\s/:'\",])")


def without_folders(text: str) -> str:
    """Leave out the folders of absolute paths, which say where a report was made and not what is wrong.

    >>> without_folders('File "/home/me/study/mlp.py", line 3: 1/2 and models/mlp.py')
    'File "mlp.py", line 3: 1/2 and models/mlp.py'
    >>> without_folders('File "/usr/lib/python3/site-packages/numpy/linalg/_linalg.py", line 3')
    'File "numpy/linalg/_linalg.py", line 3'
    """
    return _FOLDERS.sub("", _INSTALLED.sub("", text))


def relative_to(workspace: str, trials: pd.DataFrame) -> pd.DataFrame:
    """Return trials whose reasons and tracebacks name the files of the workspace by their paths inside it."""
    inside = f"{workspace.rstrip('/')}/"
    if inside == "/":
        return trials
    for column in ("reason", "traceback"):
        texts = [text.replace(inside, "") if isinstance(text, str) else text for text in trials[column]]
        trials[column] = pd.Series(texts, index=trials.index, dtype="object")
    return trials
