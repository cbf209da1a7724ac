"""The group of all commands; each command is in the module of its name. May import click."""

from importlib import import_module
from typing import Any

import click

from hpsearch.cli.options import STORAGES
from hpsearch.errors import InputError, nearest
from hpsearch.version import __version__

COMMANDS = (
    *("init", "new", "launch", "resume", "status", "top", "report", "predict", "compare", "replay", "dashboard", "mcp"),
    *("digest", "verify", "export", "copy", "upgrade", "repair-mirror", "delete"),
    *("check", "gradcheck", "data", "schema", "doctor", "completion"),
)
"""In the order of `hpsearch --help`. `hpsearch X` is the command `X` of `hpsearch.cli.X`."""

_MODULES = {"new": "new_study"}
"""Exceptions to that: `hpsearch new study` is in `new_study`."""


class Group(click.Group):
    """Lists commands in the order they were added; for an unknown one suggests the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        given = bool(args) and not ctx.resilient_parsing  # a shell's completion parses half a line
        if given and not args[0].startswith("-") and args[0] not in (known := self.list_commands(ctx)):
            raise InputError(f"{args[0]!r} is not a command{nearest(args[0], known)}")
        return super().resolve_command(ctx, args)


class _Commands(Group):
    """Imports a command's module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"hpsearch.cli.{_MODULES.get(name, name)}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where damage to its database made it fail, raise DamagedError, which says so."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception:
            if not (storages := ctx.meta.get(STORAGES)):
                raise
            from hpsearch.storage.damage.explained import explained

            with explained(*storages):
                raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hpsearch")
def cli() -> None:
    """Hyperparameter search for small neural networks: write a study file, launch it, read the report."""
