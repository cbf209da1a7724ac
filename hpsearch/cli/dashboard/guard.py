"""`dashboard`: which requests are answered. May import the standard library only.

A page of another site can make a browser send requests to this machine, under its own name (DNS rebinding) or under
ours. So Host must be a name of this server, whatever changes something must come from a page of this server with the
token, and by default nothing changes anything.
"""

import contextlib
import hmac
import html
import ipaddress
import json
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

Respond = Callable[..., Any]
Application = Callable[[dict[str, Any], Respond], Iterable[bytes]]

MAY_CHANGE = "hpsearch.may_change"
"""In a request's environment: whether who sent it may change something, so that pages show the buttons for it."""

READING = ("GET", "HEAD")
"""Methods that change nothing."""

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE)
_EVERYWHERE = ("", "0.0.0.0", "::")
_HEADERS = [
    ("X-Frame-Options", "SAMEORIGIN"),  # no page of others lays it under the reader's click
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
]
_MAX_UNREAD = 1 << 16
"""How much of a refused request's body is read, so that the client gets the answer instead of a reset connection."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "")]
    [True, True, True, False, False]
    """
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True)
class Guard:
    """An application that answers the requests of its own pages, and what only reads.

    A change needs `changes` and the token; with `private`, reading needs the token too. A browser brings the token
    once, in the address that is printed at the start, and keeps it in a cookie; a program as `Authorization: Bearer`.
    """

    application: Application
    host: str
    port: int
    token: str
    changes: bool = False
    private: bool = False

    def __call__(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        """Answer a request, or refuse it with 400 or 403 and a sentence."""
        method, path = str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", ""))
        refusal = self._misdirected(environ, path) or self._foreign(environ, method)
        if refusal is None and method in READING and (given := _in_query(environ)) is not None:
            if self._is_token(given):
                return self._sign_in(environ, path, respond)
            refusal = "403 Forbidden", "the token in this address is not the one that hpsearch dashboard printed"
        refusal = refusal or self._not_allowed(environ, method)
        if refusal is not None:
            return _refuse(environ, method, path, *refusal, respond)
        environ[MAY_CHANGE] = self.changes and any(self._is_token(given) for given in self._tokens(environ))
        return self.application(environ, _with_headers(respond))

    def _misdirected(self, environ: dict[str, Any], path: str) -> tuple[str, str] | None:
        """A request that is not of this server: without Host, with that of others, or with a whole address."""
        given = str(environ.get("HTTP_HOST", ""))
        if not given:
            return "400 Bad Request", "the request has no Host"
        if not path.startswith("/"):
            return "400 Bad Request", "the request must name a path, not a whole address"
        found = _AUTHORITY.fullmatch(given)
        if found is None or int(found[2] or 80) > 65535 or not self._is_own(found[1].strip("[]").lower()):
            return "403 Forbidden", f"this dashboard answers on http://{self.authority}/, not for {given!r}"
        return None

    @property
    def authority(self) -> str:
        """Host and port, as an address has them."""
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def _is_own(self, name: str) -> bool:
        """Any port will do, since SSH forwards from others. A bare address cannot be rebound: it is who is asked."""
        if is_loopback(name) or name == self.host.lower():
            return True
        if self.host not in _EVERYWHERE:
            return False
        return _address(name) is not None or name in (socket.gethostname().lower(), socket.getfqdn().lower())

    def _foreign(self, environ: dict[str, Any], method: str) -> tuple[str, str] | None:
        """A request that a browser sends for a page of others: to change something, or to embed what is here."""
        said = str(environ.get("HTTP_SEC_FETCH_SITE", "same-origin"))
        own = f"http://{environ['HTTP_HOST']}".lower()
        foreign = said != "same-origin" or str(environ.get("HTTP_ORIGIN", own)).lower() != own
        if method in READING and "HTTP_ORIGIN" not in environ:  # which a link does not have
            foreign = foreign and said != "none" and environ.get("HTTP_SEC_FETCH_MODE") != "navigate"
        return ("403 Forbidden", "the request comes from a page of another site") if foreign else None

    def _not_allowed(self, environ: dict[str, Any], method: str) -> tuple[str, str] | None:
        if method not in READING and not self.changes:
            return "403 Forbidden", "this dashboard only reads; hpsearch dashboard --allow-changes permits changes"
        needed = self.private or method not in READING
        if needed and not any(self._is_token(given) for given in self._tokens(environ)):
            return "403 Forbidden", "the token is missing: open the address that hpsearch dashboard printed"
        return None

    @property
    def _cookie(self) -> str:
        """Browsers send the cookies of a machine to all its ports: each dashboard has its own name."""
        return f"hpsearch_{self.port}"

    def _tokens(self, environ: dict[str, Any]) -> Iterable[str]:
        scheme, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme.lower() == "bearer":
            yield given.strip()
        for cookie in str(environ.get("HTTP_COOKIE", "")).split(";"):
            name, _, given = cookie.strip().partition("=")
            if name == self._cookie:
                yield given

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def _sign_in(self, environ: dict[str, Any], path: str, respond: Respond) -> Iterable[bytes]:
        """Keep the token in a cookie, and lead to the same page without it: addresses stay in histories."""
        rest = urlencode([pair for pair in _query(environ) if pair[0] != "token"])
        place = "/" + quote(path.lstrip("/"), encoding="latin-1") + (f"?{rest}" if rest else "")
        cookie = f"{self._cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [("Location", place), ("Set-Cookie", cookie), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        respond("303 See Other", headers + _HEADERS)
        return [b""]


def _query(environ: dict[str, Any]) -> list[tuple[str, str]]:
    return parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)


def _in_query(environ: dict[str, Any]) -> str | None:
    return next((value for name, value in _query(environ) if name == "token"), None)


def _with_headers(respond: Respond) -> Respond:
    def answer(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        return respond(status, [*headers, *_HEADERS], *more)

    return answer


def _refuse(
    environ: dict[str, Any], method: str, path: str, status: str, reason: str, respond: Respond
) -> Iterable[bytes]:
    length = str(environ.get("CONTENT_LENGTH", ""))
    if length.isascii() and length.isdigit():
        with contextlib.suppress(OSError):  # it does not come
            environ["wsgi.input"].read(min(int(length[:9]), _MAX_UNREAD))
    if path.startswith("/api/"):  # the pages of optuna-dashboard show the reason
        kind, body = "application/json", json.dumps({"reason": reason}).encode()
    else:
        kind, body = "text/html; charset=utf-8", f"<p>{html.escape(reason)}</p>\n".encode()
    respond(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS])
    return [] if method == "HEAD" else [body]
