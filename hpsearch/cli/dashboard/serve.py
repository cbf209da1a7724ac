"""`dashboard`: serve optuna-dashboard over the database, and the report of each study, written on request.

May import storage, reporting and optuna_dashboard.
"""

import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from hpsearch import reporting
from hpsearch.errors import HpsearchError
from hpsearch.storage import REPORTS_PATH
from hpsearch.storage.database import Database, open_to_read
from hpsearch.storage.places import place_of

Respond = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], Respond], Iterable[bytes]]


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers other requests while a report is written."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Does not print a line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


class WithReports:
    """The dashboard's application, with the reports of its studies under `REPORTS_PATH`."""

    def __init__(self, dashboard: Application, storage: str) -> None:
        self._dashboard, self._storage = dashboard, storage
        self._lock = threading.Lock()  # matplotlib is not thread-safe

    def __call__(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        """Answer a request."""
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(REPORTS_PATH):
            return self._dashboard(environ, respond)
        name = path.removeprefix(REPORTS_PATH).encode("latin-1").decode("utf-8", "replace")  # as WSGI has it
        try:
            status, kind, body = "200 OK", "text/html", self._report(name)
        except HpsearchError as error:
            status, kind, body = "404 Not Found", "text/plain", str(error).encode()
        respond(status, [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]

    def _report(self, name: str) -> bytes:
        engine = open_to_read(self._storage)
        try:
            with self._lock, tempfile.TemporaryDirectory() as folder:
                return reporting.write_report(engine, name, Path(folder), ["html"]).read_bytes()
        finally:
            engine.dispose()


def serve_dashboard(storage: str, host: str, port: int) -> None:
    """Serve until Ctrl-C. Raises HpsearchError if the port is taken, StorageError if there is no database."""
    Database(storage, create=False).close()  # runs the checks of a writer, which raise one line
    from optuna_dashboard import wsgi

    dashboard: Any = wsgi(place_of(storage).dashboard_storage())
    try:
        server = make_server(host, port, WithReports(dashboard, storage), _Server, _QuietHandler)
    except OSError as error:
        reason = error.strerror or error
        raise HpsearchError(f"{host}:{port} cannot be listened on ({reason}); choose another --port") from error
    except OverflowError as error:
        raise HpsearchError(f"{host}:{port} cannot be listened on ({error}); choose another --port") from error
    click.echo(f"optuna-dashboard is on http://{host}:{server.server_port}/ until Ctrl-C")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo(err=True)  # the line on which the terminal wrote ^C
