"""`dashboard`: serve optuna-dashboard over the database, and the report of each study, written on request.

May import storage, reporting and optuna_dashboard.
"""

import contextlib
import secrets
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from hpsearch import reporting
from hpsearch.cli.dashboard.guard import Application, Guard, Respond, is_loopback
from hpsearch.errors import HpsearchError, InputError
from hpsearch.storage import REPORTS_PATH
from hpsearch.storage.database import Database, open_to_read
from hpsearch.storage.places import place_of


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers other requests while a report is written."""

    daemon_threads = True


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


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


@contextlib.contextmanager
def dashboard_server(
    storage: str, host: str, port: int, *, changes: bool = False, private: bool = False
) -> Iterator[tuple[WSGIServer, str]]:
    """A server that listens, and the address of its first page. Raises HpsearchError if the port is taken.

    Raises InputError where others could reach it and read without a token, StorageError if there is no database.
    """
    if not is_loopback(host) and not private:
        rule = "needs --token, since whoever reaches that address could read all studies"
        raise InputError(f"--host {host or repr(host)} {rule}; give it, or keep 127.0.0.1 and use ssh -L")
    Database(storage, create=False).close()  # runs the checks of a writer, which raise one line
    from optuna_dashboard import wsgi

    shown: Any = wsgi(place_of(storage).dashboard_storage())
    kind = _ServerOfIPv6 if ":" in host else _Server
    try:
        server = make_server(host, port, shown, kind, _QuietHandler)
    except OSError as error:
        reason = error.strerror or error
        raise HpsearchError(f"{host}:{port} cannot be listened on ({reason}); choose another --port") from error
    except OverflowError as error:
        raise HpsearchError(f"{host}:{port} cannot be listened on ({error}); choose another --port") from error
    guard = Guard(
        WithReports(shown, storage),
        host,
        server.server_port,
        secrets.token_urlsafe(24),
        changes=changes,
        private=private,
    )
    server.set_app(guard)
    token = f"?token={guard.token}" if changes or private else ""
    with server:
        yield server, f"http://{guard.authority}/{token}"


def serve_dashboard(storage: str, host: str, port: int, *, allow_changes: bool, token: bool) -> None:
    """Serve until Ctrl-C."""
    with dashboard_server(storage, host, port, changes=allow_changes, private=token) as (server, address):
        click.echo(f"optuna-dashboard is on {address} until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo(err=True)  # the line on which the terminal wrote ^C
