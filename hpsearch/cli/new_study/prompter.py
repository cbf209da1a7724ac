"""A question and its answer, checked at once. May import click."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from hpsearch.cli.output import interactive_prompt
from hpsearch.errors import InputError

T = TypeVar("T")


class Prompter:
    """Takes an answer from the command line, from the defaults with `yes`, or from a prompt on the terminal."""

    def __init__(self, yes: bool) -> None:
        self._yes = yes

    def __call__(self, text: str, default: object, check: Callable[[str], T], given: object = None) -> T:
        """Return what `check` makes of the answer; a question is repeated as long as `check` refuses the answer."""
        if given is not None:
            return check(str(given))
        if self._yes:
            return check(str(default))

        def checked(answer: str) -> T:
            try:
                return check(answer.strip())
            except InputError as error:
                raise click.UsageError(str(error)) from None

        with interactive_prompt("new study: the answers ended early; --yes takes the defaults", err=True):
            return click.prompt(text, default=str(default), value_proc=checked, err=True)


def count(what: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 10**6):
        raise InputError(f"{what} must be a whole number from 1 to 1_000_000, got {text!r}")
    return int(text)


def is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long
        raise InputError(f"{str(path)[:80]}: no file can have this name ({error.strerror})") from error
