"""The command line: thin commands over the packages below, which are imported only by the command that needs them."""

import atexit
import contextlib
import errno
import gc
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from hpsearch.api.streams import LenientStream, safe_streams
from hpsearch.errors import HpsearchError, raised
from hpsearch.platform import address_space, exits_raise
from hpsearch.text import require_utf8, visible_line

_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # before click 8.2, help was no error
"""Raised where a command is missing; its message is the help."""


_SMALL = {"launch", "resume", "report"}
"""Commands whose own matrix products are small: threads take longer, 0.1 s of a report, and cores from workers."""

_ADDRESSES = 800_000 * 1024
"""So many bytes the libraries take of a process's addresses while they are imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C.

    A command that only prints fails if its output is lost; the status of others, such as `launch`, is what became of
    their work.
    """
    if arguments is None:
        _spare_collector()
        if {*sys.argv[1:2]} <= _SMALL:
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        with contextlib.suppress(OSError, ValueError):  # it is closed
            sys.stdout.reconfigure(errors="backslashreplace")  # for a name that the terminal's encoding does not have
    with exits_raise(), safe_streams() as (output, _):
        status = _status(arguments)
        sys.stdout.flush()
        if output.lost is not None:
            _print_lost(output)
            status = 1 if status is None else status
    return status or 0


def _spare_collector() -> None:
    """Let the garbage collector of this process, which is a command's own, not go through what imports leave for good.

    It would do so every few modules, and several times at the end: together a quarter of the time of a report.
    """
    gc.set_threshold(20_000)
    atexit.register(gc.freeze)


def _status(arguments: Sequence[str] | None) -> int | None:
    """Run one command; return its exit status, None for one that has done nothing but print."""
    warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")  # what needs it says so itself
    try:
        from hpsearch.cli.group import cli  # a Ctrl-C may come while it is imported

        _require_addresses()
        for argument in sys.argv[1:] if arguments is None else arguments:
            require_utf8("an argument", argument)
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
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):  # no file was made of it
            _print_error(f"{error.filename}: {error.strerror}")
            return 2
        if not _is_shortage(error):
            raise
        _print_error(f"the system refuses what this needs: {raised(error)}; see `ulimit -a`, and the control group")
        return 1
    except (EOFError, ValueError) as error:
        if (path := _incomplete_import(error)) is None:
            raise
        _print_error(f"{path}: incomplete, as Python leaves it on a full disk; delete it, and repeat the command")
        return 1
    return status if isinstance(status, int) else None


def _require_addresses() -> None:
    """Raise HpsearchError where `ulimit -v` is so low that OpenBLAS asks without end for what it does not get."""
    there = address_space()
    if there is not None and there < _ADDRESSES:
        rule = f"at least {_ADDRESSES // 1024:,} kB of addresses, got {there // 1024:,}"
        raise HpsearchError(f"the system refuses what this needs: {rule}; see `ulimit -v`")


def _incomplete_import(error: Exception) -> str | None:
    """The compiled file that an import could not read, if that is why it failed (CPython before 3.12.8, gh-126606)."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return None if last is None else last.tb_frame.f_locals.get("bytecode_path")


def _is_shortage(error: Exception) -> bool:
    """Whether the system refuses memory, a thread, a process or a file descriptor."""
    if isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
        return True
    text = str(error).lower()
    said = ("can't start new thread", "cannot allocate memory", "failed to map segment", "too many open files")
    return isinstance(error, MemoryError) or any(each in text for each in said)


def _print_lost(output: LenientStream) -> None:
    """Say why standard output cannot be written, unless its reader has enough, as in `hpsearch status | head`."""
    if not isinstance(output.lost, BrokenPipeError):
        reason = getattr(output.lost, "strerror", None) or output.lost
        _print_error(f"standard output cannot be written: {reason}")


def _print_error(text: str) -> None:
    """Print one line to standard error."""
    print(f"hpsearch: {visible_line(' '.join(text.split()))}", file=sys.stderr)
