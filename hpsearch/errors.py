"""Every error that a user can cause, as one tree; the command line prints its one line. May import nothing.

HpsearchError                 exit status 1: something failed
├── InputError                exit status 2: what was given is not valid; nothing was changed
│   ├── StudyFileError        a study file: unknown key, wrong type, impossible range
│   ├── DataError             a dataset: missing, cut, wrong-sized, not to be trusted
│   ├── ModelError            a model file: missing, without a model, wrong keys
│   ├── StorageError          a database: unwritable, corrupt, of another version, unknown study
│   └── StudyChangedError     the study file differs from the one that was launched under this name
├── StudyBusyError            another process is running this study
├── CallbackError             a function that was given to `hpsearch.launch` raised something
└── StorageFault              what befell a database that was fine: disk full, locked, moved, deleted
"""

import difflib
from collections.abc import Iterable


class HpsearchError(Exception):
    """Base of all errors that a user can cause; `str(error)` is the one line to show."""

    exit_status = 1


class InputError(HpsearchError):
    """What was given is not valid: place, rule, what was given, and the nearest valid thing."""

    exit_status = 2


class StudyFileError(InputError):
    """A study file breaks a rule."""


class DataError(InputError):
    """A dataset is missing, incomplete, or not what it should be."""


class ModelError(InputError):
    """A model file is missing or does not define a model for these keys."""


class StorageError(InputError):
    """A database cannot be opened or written, or does not hold what was asked for."""


class StudyChangedError(InputError):
    """A study file differs from the one launched under its name."""


class StudyBusyError(HpsearchError):
    """Another process holds the study's lock."""


class CallbackError(HpsearchError):
    """A user's function, told of a trial or a stage, raised something; the study is stopped and can be resumed."""


class StorageFault(HpsearchError):  # noqa: N818 - what happened to a run, not what was wrong with its input
    """Something happened to a database that was fine; what is committed stands, and the study can be resumed."""


def raised(error: BaseException) -> str:
    """Return what somebody else's code raised, on one line: its kind and its words, if it has any.

    >>> raised(RuntimeError("out of\\nmemory")), raised(KeyboardInterrupt())
    ('RuntimeError: out of memory', 'KeyboardInterrupt')
    """
    try:
        words = " ".join(f"{error}".split())
    except Exception:  # its own words fail
        words = ""
    return ": ".join(filter(None, (type(error).__name__, words)))


def nearest(given: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known name nearest to `given`, else a list of what there is.

    >>> nearest("lamda", ["lambda", "eta"])
    "; did you mean 'lambda'?"
    """
    names = sorted(known)
    match = difflib.get_close_matches(given, names, n=1)
    if match:
        return f"; did you mean {match[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
