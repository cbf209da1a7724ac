"""`dashboard`: show the studies in a browser, while they run too. Imports what it needs late."""

from pathlib import Path

import click

from hpsearch.cli.options import reports_option, storage_option


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
    help="Permit to stop and resume studies, to change notes and trials, and to delete studies in Optuna's tables, "
    "to who opens the printed address.",
)
@click.option("--token", is_flag=True, help="Show the studies only to who opens the printed address.")
@reports_option
@storage_option
def dashboard(port: int, host: str, storage: str, *, reports: Path, allow_changes: bool, token: bool) -> None:
    """Show all studies in a browser, read-only: progress, the best so far, curves, reports, and optuna-dashboard."""
    from hpsearch.cli.dashboard.serve import serve_dashboard

    serve_dashboard(storage, host, port, allow_changes=allow_changes, token=token, reports=reports)
