"""`schema`: the study file's JSON Schema. Imports what it needs late."""

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of the study file, for editors."""
    from hpsearch.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
