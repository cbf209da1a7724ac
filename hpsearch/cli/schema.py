"""`schema`: the study file's JSON Schema. Imports what it needs late."""

import json

import click


@click.command()
def schema() -> None:
    """Print the study file's JSON Schema, with which an editor completes and checks one."""
    from hpsearch.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
