"""`dashboard`: show the database in optuna-dashboard, in a browser. Imports what it needs late."""

import click

from hpsearch.cli.options import storage_option


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. Whoever can reach it can delete studies.",
)
@storage_option
def dashboard(port: int, host: str, storage: str) -> None:
    """Serve the database to a browser with optuna-dashboard. Its notes link to the reports."""
    from hpsearch.cli.dashboard.serve import serve_dashboard

    serve_dashboard(storage, host, port)
