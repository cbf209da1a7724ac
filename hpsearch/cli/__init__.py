"""The command line: thin commands over the packages below, which are imported only by the command that needs them."""

import io
import sys
from collections.abc import Sequence
from typing import Any

import click

from hpsearch.errors import HpsearchError

_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # before click 8.2, help was no error
"""Raised where a command is missing; its message is the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C."""
    from hpsearch.cli.group import cli

    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")  # for a name that the terminal's encoding does not have
    try:
        status = cli.main(args=arguments, prog_name="hpsearch", standalone_mode=False)
    except HpsearchError as error:
        _print_error(str(error))
        return error.exit_status
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        _print_error(error.format_message())
        return 2
    except (KeyboardInterrupt, click.Abort):
        _print_error("stopped")
        return 130
    except BrokenPipeError:  # `hpsearch status | head`
        sys.stderr.close()
        return 1
    return status if isinstance(status, int) else 0


def _print_error(text: str) -> None:
    """Print one line to standard error; control and bidirectional characters are escaped."""
    line = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in " ".join(text.split())
    )
    print(f"hpsearch: {line}", file=sys.stderr)
