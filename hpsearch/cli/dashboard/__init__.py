"""`dashboard`: show the database in optuna-dashboard, in a browser. Imports what it needs late."""

import click

from hpsearch.cli.options import storage_option


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; one that others can reach needs --token.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Permit changes of notes and trials, and that studies are deleted, to who opens the printed address.",
)
@click.option("--token", is_flag=True, help="Show the studies only to who opens the printed address.")
@storage_option
def dashboard(port: int, host: str, storage: str, *, allow_changes: bool, token: bool) -> None:
    """Serve the database to a browser with optuna-dashboard, read-only. Its notes link to the reports."""
    from hpsearch.cli.dashboard.serve import serve_dashboard

    serve_dashboard(storage, host, port, allow_changes=allow_changes, token=token)
