"""The group that all commands belong to. May import click."""

import click

from hpsearch import __version__
from hpsearch.errors import InputError, nearest

ORDER = (
    *("init", "new", "launch", "resume", "status", "top", "report", "compare", "dashboard"),
    *("digest", "verify", "export", "copy", "delete"),
    *("check", "gradcheck", "data", "schema", "doctor", "completion"),
)
"""Commands as a user meets them."""


class Group(click.Group):
    """Commands in their order; an unknown one is answered with the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        known = [name for name in ORDER if name in self.commands]
        return known + [name for name in self.commands if name not in ORDER]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        given = bool(args) and not ctx.resilient_parsing  # a shell that completes asks about half a line
        if given and not args[0].startswith("-") and args[0] not in self.commands:
            raise InputError(f"{args[0]!r} is not a command{nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hpsearch")
def cli() -> None:
    """Search hyperparameters of small networks: write a study file, launch it, read the report."""
