"""What a user can type, a module for each kind of command. May import click; all else inside the commands, so that
`hpsearch --help` is quick.
"""

from hpsearch.cli.commands import copying, datasets, exporting, looking, models, schema, studies, terminal, workspaces
from hpsearch.cli.commands.group import cli

__all__ = [
    "cli",
    "copying",
    "datasets",
    "exporting",
    "looking",
    "models",
    "schema",
    "studies",
    "terminal",
    "workspaces",
]
