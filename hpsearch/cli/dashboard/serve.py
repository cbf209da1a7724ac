"""`dashboard`: serve our pages, and optuna-dashboard behind them. May import storage and optuna_dashboard."""

import contextlib
import logging
import secrets
import socket
import socketserver
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from hpsearch.cli.dashboard.guard import Guard, is_loopback
from hpsearch.cli.dashboard.site import Site
from hpsearch.errors import HpsearchError, InputError
from hpsearch.storage.database import Database
from hpsearch.storage.places import place_of


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers other requests while a report is written."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One line, and none for a client that left or that said nothing for too long."""
        if not isinstance(error := sys.exception(), OSError):
            click.echo(f"hpsearch: a request could not be answered: {type(error).__name__}: {error}", err=True)


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    """Does not print a line for each request."""

    timeout = 30.0  # s without a byte: else each unfinished request would keep a thread for ever

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def dashboard_server(
    storage: str,
    host: str,
    port: int,
    *,
    changes: bool = False,
    private: bool = False,
    reports: Path = Path("reports"),
) -> Iterator[tuple[WSGIServer, str]]:
    """A server that listens, and the address of its first page. Raises HpsearchError if the port is taken.

    Raises InputError where others could reach it and read without a token, StorageError if there is no database.
    """
    if not is_loopback(host) and not private:
        rule = "needs --token, since whoever reaches that address could read all studies"
        raise InputError(f"--host {host or repr(host)} {rule}; give it, or keep 127.0.0.1 and use ssh -L")
    Database(storage, create=False).close()  # runs the checks of a writer, which raise one line
    from optuna_dashboard import wsgi

    logging.getLogger("optuna_dashboard").setLevel(logging.CRITICAL)  # its tracebacks: Site prints one line instead
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
        Site(shown, storage, reports),
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


def serve_dashboard(
    storage: str, host: str, port: int, *, allow_changes: bool, token: bool, reports: Path = Path("reports")
) -> None:
    """Serve until Ctrl-C."""
    given = {"changes": allow_changes, "private": token}
    with dashboard_server(storage, host, port, **given, reports=reports) as (server, address):
        click.echo(f"the dashboard is on {address} until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo(err=True)  # the line on which the terminal wrote ^C
