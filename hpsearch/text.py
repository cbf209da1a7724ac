r"""Text of others, as it is shown: characters that would act on a terminal or a page are written out.

May import `hpsearch.errors`.

A database, a dataset or a model file may contain escape sequences, control characters and marks that change the
direction of text. Each output passes its text through `visible` in one place: standard output and error
(`api/streams.py`, `api/console.py`), pages (`reporting/formats/page.py`, from which Markdown, LaTeX and PDF are made),
CSV and Markdown tables (`reporting/formatting.py`), notes in the dashboard (`storage/mirror/notes.py`).
"""

import re

from hpsearch.errors import InputError

_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_INVISIBLE = "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_NO_TEXT = "\ud800-\udfff"  # bytes that were no UTF-8
_SURROGATE = re.compile(f"[{_NO_TEXT}]")
_ACTIVE = re.compile(f"[{_CONTROL}{_INVISIBLE}{_NO_TEXT}]")
_ACTIVE_OR_BREAK = re.compile(f"[\t\n{_CONTROL}{_INVISIBLE}{_NO_TEXT}]")


def visible(text: str) -> str:
    r"""Write out control characters, marks of direction and invisible characters; line breaks and tabs stay.

    Joiners, which emoji and several scripts need, stay too.

    >>> print(visible("a\x1b[31m b\u202ec"))
    a\x1b[31m b[U+202E]c
    """
    return _ACTIVE.sub(_written, text)


def visible_line(text: str) -> str:
    r"""Write out line breaks and tabs as well, for a text that must stay on its line.

    >>> print(visible_line("a\nb"))
    a\nb
    """
    return _ACTIVE_OR_BREAK.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    character = found[0]
    if character < "\u00a0" or "\ud800" <= character <= "\udfff":
        return character.encode("unicode_escape", "backslashreplace").decode()
    return f"[U+{ord(character):04X}]"


def is_utf8(text: str) -> bool:
    r"""Whether a text can be stored and shown, and is not a name of bytes that are not UTF-8.

    >>> is_utf8("é"), is_utf8(b"a\xff".decode("utf-8", "surrogateescape"))
    (True, False)
    """
    return _SURROGATE.search(text) is None


def require_utf8(what: str, text: str) -> None:
    r"""Raise InputError for a name of bytes that are not UTF-8: databases and reports could not have it.

    >>> require_utf8("the file's name", b"a\xff".decode("utf-8", "surrogateescape"))
    Traceback (most recent call last):
    hpsearch.errors.InputError: the file's name must be UTF-8, got 'a\xff'
    """
    if not is_utf8(text):
        shown = re.sub(r"\\udc([89a-f].)", r"\\x\1", repr(text))  # as Python decodes file names
        raise InputError(f"{what} must be UTF-8, got {shown}")
