"""The command about the study file's schema. It imports what it needs itself."""

import json

import click

from hpsearch.cli.commands.group import cli


@cli.command()
def schema() -> None:
    """Print the study file's JSON Schema, with which an editor completes and checks one."""
    from hpsearch.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
