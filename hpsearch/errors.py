"""All errors that a user can cause, as one tree; the command line prints their one line. May import nothing.

HpsearchError                 exit status 1: something failed
├── InputError                exit status 2: an input is not valid; nothing was changed
│   ├── StudyFileError        a study file: unknown key, wrong type, impossible range
│   ├── DataError             a dataset: missing, truncated, of another size, unsafe to read
│   ├── ModelError            a model file: missing, without a model, wrong keys
│   ├── StorageError          a database: unwritable, corrupt, of another version, unknown study
│   │   └── DamagedError      what it holds is not what was written
│   └── StudyChangedError     the study file differs from the one that was launched under this name
├── StudyBusyError            another process is running this study
├── CallbackError             a callback of `hpsearch.launch` raised an exception
└── StorageFault              a valid database failed during the run: disk full, locked, moved, deleted
"""

import difflib
from collections.abc import Iterable

_LONGEST = 2000
"""Characters of a message: it may quote a cell, a key or a list of names of any length."""


class HpsearchError(Exception):
    """Base of all errors that a user can cause; `str(error)` is the one line to show."""

    exit_status = 1

    def __str__(self) -> str:
        line = " ".join(super().__str__().split())  # what it quotes of a library may be several lines
        if len(line) > _LONGEST:
            return f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"  # a hint is last
        return line


class InputError(HpsearchError):
    """An input is not valid. The message has its place, the rule, the given value, and the nearest valid one."""

    exit_status = 2


class StudyFileError(InputError):
    """A study file breaks a rule."""


class DataError(InputError):
    """A dataset is missing, incomplete, or not what it should be."""


class ModelError(InputError):
    """A model file is missing or does not define a model for these keys."""


class StorageError(InputError):
    """A database cannot be opened or written, or does not hold what was asked for."""


class DamagedError(StorageError):
    """A database holds something that hpsearch did not write: a flipped bit, a deleted row, another program's."""


class StudyChangedError(InputError):
    """A study file differs from the one launched under its name."""


class StudyBusyError(HpsearchError):
    """Another process holds the study's lock."""


class CallbackError(HpsearchError):
    """A callback raised an exception; the study is stopped and can be resumed."""


class StorageFault(HpsearchError):  # noqa: N818 - the fault of the system, not of an input
    """A valid database failed during the run; what is committed is kept, and the study can be resumed."""


def raised(error: BaseException) -> str:
    """Return an exception from code that is not ours as one line: its type and its message, if it has one.

    >>> raised(RuntimeError("out of\\nmemory")), raised(KeyboardInterrupt())
    ('RuntimeError: out of memory', 'KeyboardInterrupt')
    """
    try:
        message = " ".join(f"{error}".split())
    except Exception:  # its __str__ fails
        message = ""
    return ": ".join(filter(None, (type(error).__name__, message)))


def nearest(given: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known name nearest to `given`, else the list of known names.

    >>> nearest("lamda", ["lambda", "eta"])
    "; did you mean 'lambda'?"
    """
    names = sorted(known)
    match = difflib.get_close_matches(given, names, n=1)
    if match:
        return f"; did you mean {match[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
