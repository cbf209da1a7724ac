"""`mcp`: the answers as tools of a Model Context Protocol server on standard input and output. May import mcp."""

import contextlib
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hpsearch.cli.mcp.answers import Answers
from hpsearch.errors import HpsearchError
from hpsearch.storage.database import opened_to_read
from hpsearch.version import __version__

Result = TypeVar("Result")

INSTRUCTIONS = """\
hpsearch searches hyperparameters of small networks. Values are of validation samples unless they say otherwise. A lead
is real only where the answer's test says so: `compared_with_the_best` begins with "worse" where a test, corrected for
the number of configurations, distinguishes a configuration from the best, and with "≈ best" where it does not. The best
of many has a selection bias; the report has the corrected value."""


def serve(storage: str, reports: Path, *, allow_launch: bool) -> None:
    """Serve until standard input ends. Raises HpsearchError where the extra or the database is missing."""
    with opened_to_read(storage):
        pass
    made = server(storage, reports, allow_launch=allow_launch)
    sys.stdin, sys.stdout = sys.__stdin__, sys.__stdout__  # the protocol writes bytes
    made.run("stdio")


def server(storage: str, reports: Path, *, allow_launch: bool) -> Any:
    """The server with its tools; those that change something are there only where they are allowed."""
    try:
        from mcp.server import MCPServer
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise HpsearchError("hpsearch mcp needs the package mcp, from 2.0 on: pip install 'hpsearch[mcp]'") from error
    answers = Answers(storage, reports)
    made = MCPServer("hpsearch", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for tool in (answers.studies, answers.best, answers.ranking, answers.compare, answers.report):
        made.tool(annotations=reading)(_in_one_line(tool))
    if allow_launch:
        made.tool(annotations=ToolAnnotations(read_only_hint=False))(_in_one_line(answers.launch))
    return made


def _in_one_line(tool: Callable[..., Result]) -> Callable[..., Result]:
    """A tool whose errors are its own line, and which prints nothing between the messages of the protocol."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(tool)
    def call(*arguments: Any, **named: Any) -> Result:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return tool(*arguments, **named)
        except HpsearchError as error:
            raise ToolError(str(error)) from error

    return call
