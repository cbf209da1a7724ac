"""`dashboard`: our own pages, the reports, and behind them optuna-dashboard. May import storage and reporting."""

import io
import json
import tempfile
import threading
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from hpsearch import reporting
from hpsearch.cli.dashboard import state, view
from hpsearch.cli.dashboard.control import Control
from hpsearch.cli.dashboard.guard import MAY_CHANGE, READING, Application, Respond
from hpsearch.cli.dashboard.markup import RESUME, STATE, STOP, STUDY, at, page
from hpsearch.errors import HpsearchError, StorageError
from hpsearch.storage import REPORTS_PATH, reading
from hpsearch.storage.database import open_to_read, opened_to_read, snapshot
from hpsearch.storage.places import place_of
from hpsearch.storage.records import RUNNING

_FILES = {"/hpsearch/page.css": "text/css", "/hpsearch/page.js": "text/javascript"}
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
"""Nothing of others is loaded or run by our pages. Styles in the page place the labels of a figure."""

Answer = tuple[str, str, bytes]
"""Status, kind and body."""


class Site:
    """Our pages and the reports; every other request is for `dashboard`."""

    def __init__(self, dashboard: Application, storage: str, reports: Path) -> None:
        self._dashboard, self._storage = dashboard, storage
        self._reports = Reports(storage)
        self._control = Control(storage, reports)
        self._rates = state.Rates()
        self._shown = place_of(storage).shown

    def __call__(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        """Answer a request."""
        method, path = environ["REQUEST_METHOD"], str(environ.get("PATH_INFO", ""))
        if path != "/" and not path.startswith("/hpsearch/"):
            return self._of_optuna(environ, respond)
        path = path.encode("latin-1").decode("utf-8", "replace")  # as WSGI has it
        try:
            if method not in READING:
                return self._change(environ, path, respond)
            status, kind, body = self._answer(path, bool(environ.get(MAY_CHANGE)))
        except StorageError as error:
            status, kind, body = "404 Not Found", "text/plain", str(error).encode()
        except HpsearchError as error:
            status, kind, body = "500 Internal Server Error", "text/plain", str(error).encode()
        headers = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
        if not path.startswith(REPORTS_PATH):
            headers += [("Content-Security-Policy", _POLICY), ("Cache-Control", "no-store")]
        respond(status, headers)
        return [] if method == "HEAD" else [body]

    def _of_optuna(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        """What optuna-dashboard answers; where it fails, one line in place of the traceback that it writes."""

        def answer(status: str, *more: Any) -> Any:
            if status.startswith("500"):
                asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']!r}"
                click.echo(f"hpsearch: optuna-dashboard failed to answer {asked}", err=True)
            return respond(status, *more)

        # it takes for granted that a client says which encodings it accepts
        return self._dashboard({"HTTP_ACCEPT_ENCODING": "", **environ, "wsgi.errors": io.StringIO()}, answer)

    def _answer(self, path: str, may_change: bool) -> Answer:
        if path == "/":
            return "200 OK", "text/html", page("hpsearch", "", self._list(), self._shown)
        if kind := _FILES.get(path):
            return "200 OK", kind, files(__package__).joinpath(path.rpartition("/")[2]).read_bytes()
        if path.startswith(REPORTS_PATH):
            return "200 OK", "text/html", self._reports.of(path.removeprefix(REPORTS_PATH))
        if path.startswith(STUDY):
            return "200 OK", "text/html", self._page(path.removeprefix(STUDY), may_change)
        if path.startswith(STATE):
            name = path.removeprefix(STATE)
            parts, shown = self._study(name, may_change) if name else (self._list(), "")
            return "200 OK", "application/json", json.dumps({"parts": parts, "state": shown}).encode()
        return "404 Not Found", "text/plain", b"there is no such page; the studies are on /"

    def _list(self) -> dict[str, str]:
        engine = open_to_read(self._storage)
        try:
            with snapshot(engine) as connection:
                return view.list_parts(state.summaries(connection, self._storage, self._rates))
        finally:
            engine.dispose()

    def _study(self, name: str, may_change: bool) -> tuple[dict[str, str], str]:
        """The parts of a study's page, and its state."""
        engine = open_to_read(self._storage)
        try:
            with snapshot(engine) as connection:
                stopping = self._control.is_stopping(connection, reading.get_study(connection, name).id)
                detail = state.detail(connection, self._storage, name, self._rates, stopping)
        finally:
            engine.dispose()
        failure = self._control.failure(name) if detail.frame.state != RUNNING else None
        starting = self._control.is_starting(name)
        return view.study_parts(detail, failure, may_change=may_change, starting=starting), detail.frame.state

    def _page(self, name: str, may_change: bool, error: str = "") -> bytes:
        parts, shown = self._study(name, may_change)
        return page(f"{name} · hpsearch", shown, parts, self._shown, name, error)

    def _change(self, environ: dict[str, Any], path: str, respond: Respond) -> Iterable[bytes]:
        """Stop or resume a study, and lead back to its page; the guard has checked that this is allowed."""
        actions: dict[str, Callable[[str], str]] = {STOP: self._control.stop, RESUME: self._control.resume}
        posted = environ["REQUEST_METHOD"] == "POST"
        prefix = next((each for each in actions if posted and path.startswith(each)), None)
        if prefix is None:
            status, kind, body = "404 Not Found", "text/plain", b"there is nothing to change here"
        else:
            name = path.removeprefix(prefix)
            with opened_to_read(self._storage) as connection:
                reading.get_study(connection, name)
            try:
                actions[prefix](name)
            except HpsearchError as error:
                status, kind, body = "409 Conflict", "text/html", self._page(name, True, str(error))
            else:
                headers = [("Location", at(STUDY, name)), ("Content-Length", "0")]
                respond("303 See Other", headers)
                return [b""]
        respond(status, [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]


class Reports:
    """Writes a study's report when it is asked for and has changed since."""

    def __init__(self, storage: str) -> None:
        self._storage = storage
        self._lock = threading.Lock()  # matplotlib is not thread-safe
        self._known: dict[str, tuple[Any, bytes]] = {}

    def of(self, name: str) -> bytes:
        """The report as the study is now. Raises StorageError if there is none of that name."""
        engine = open_to_read(self._storage)
        try:
            with self._lock, tempfile.TemporaryDirectory() as folder:
                with engine.connect() as connection:
                    version = state.version(connection, name)
                known = self._known.get(name)
                if known is None or known[0] != version:
                    known = version, reporting.write_report(engine, name, Path(folder), ["html"]).read_bytes()
                    self._known = {**dict(list(self._known.items())[-7:]), name: known}  # they may be large
                return known[1]
        finally:
            engine.dispose()
