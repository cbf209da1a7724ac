"""`notify`: call a command or a web hook when a study ends, fails or is stopped. May import search and storage.

The payload is read from the database. An error here is only a warning: the study is over by then.
"""

import base64
import json
import logging
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit

from hpsearch.errors import HpsearchError, InputError
from hpsearch.search.ranking import rank
from hpsearch.storage import STORAGE_VARIABLE, reading
from hpsearch.storage.database import open_to_read
from hpsearch.storage.masking import secrets, shown
from hpsearch.storage.records import FAILED, RUNNING, Goal

URL_SECONDS = 10.0
COMMAND_SECONDS = 60.0
"""The time limits of a web hook and of a command."""

_PASSWORDS = frozenset(("PGPASSWORD", "MYSQL_PWD"))
"""The variables in which the libraries of PostgreSQL and MySQL look for a password."""

_log = logging.getLogger("hpsearch")  # without logging configured, Python prints warnings to standard error


def check_target(target: str | None) -> None:
    """Raise InputError for what is neither a command nor the address of a web hook."""
    if target is None:
        return
    if not isinstance(target, str) or not target.strip() or "\0" in target:
        raise InputError(f"notify must be a command, or a URL that begins with https:// or http://, got {target!r}")
    head, separator, _ = target.partition("://")
    if separator and head.isalnum() and not (_is_url(target) and _host(target)):
        raise InputError(f"notify must be a command, or a URL that begins with https:// or http://, got {head}://…")


def notify(target: str, name: str, storage: str, error: BaseException | None) -> None:
    """Run the command with the payload in its environment, or post it to the URL as JSON.

    A failure is one warning on the logger "hpsearch", and nothing else.
    """
    payload = study_payload(name, storage, error)
    problem = _post(target, payload) if _is_url(target) else _run(target, payload, storage)
    if problem:
        _log.warning("hpsearch: notify: %s", problem)


def study_payload(name: str, storage: str, error: BaseException | None) -> dict[str, Any]:
    """Return the state of a study, its best trial so far with its configuration, and the error."""
    payload: dict[str, Any] = {"study": name, "state": FAILED, "error": str(error) if error else None}
    payload |= {"trial": None, "best": None, "configuration": None, "metric": None, "goal": Goal()}
    with suppress(HpsearchError):  # the database itself may have failed
        payload |= _stored(name, storage)
    if payload["state"] == RUNNING:  # the coordinator could not store the end
        payload["state"] = FAILED
    goal: Goal = payload.pop("goal")
    best = "" if payload["best"] is None else f"; best {payload['trial']}, {goal.named(payload['best'])}"
    problem = f"; {payload['error']}" if payload["error"] else ""
    return payload | {"text": f"hpsearch: study {name!r} is {payload['state']}{best}{problem}"}


def _stored(name: str, storage: str) -> dict[str, Any]:
    engine = open_to_read(storage)
    try:
        with engine.connect() as connection:
            study = reading.get_study(connection, name)
            for stage in reversed(reading.stages(connection, study.id)):
                if ranked := rank(reading.trials(connection, stage.id)):
                    best, goal = ranked[0], Goal.of(stage.data)
                    trial = f"{stage.name}:{best.number}"
                    return {
                        "state": study.state,
                        "trial": trial,
                        "best": best.value,
                        "metric": goal.metric,
                        "goal": goal,
                        "configuration": dict(best.params),
                    }
            return {"state": study.state}
    finally:
        engine.dispose()


def _run(command: str, payload: Mapping[str, Any], storage: str) -> str | None:
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in payload.items()}
    given = {f"HPSEARCH_{key.upper()}": "" if value == "null" else value for key, value in values.items()}
    try:
        done = subprocess.run(
            command,
            shell=True,  # the command line is the user's own; the payload is only in its environment
            env=_without_password(os.environ, storage) | given,
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output may be a program's JSON
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the command took longer than {COMMAND_SECONDS:g} s"
    except (OSError, ValueError) as error:
        return f"the command cannot be run: {getattr(error, 'strerror', None) or error}"
    return f"the command ended with status {done.returncode}" if done.returncode else None


def _without_password(variables: Mapping[str, str], storage: str) -> dict[str, str]:
    """Return the environment without what would let the command into the database: it needs only the payload."""
    passwords = secrets(storage) | secrets(variables.get(STORAGE_VARIABLE, ""))

    def secret(name: str, value: str) -> bool:
        if name in _PASSWORDS or (name == STORAGE_VARIABLE and shown(value) != value):
            return True
        written = (quoted.format(each) for each in passwords for quoted in (":{}@", "={}", '"{}"', "'{}'"))
        return value in passwords or any(each in value for each in written)

    return {name: value for name, value in variables.items() if not secret(name, value)}


def _post(url: str, payload: Mapping[str, Any]) -> str | None:
    """POST the payload. Messages show only the host: the rest of a web hook's URL is often a secret."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json", "User-Agent": "hpsearch"}
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    try:
        request = urllib.request.Request(place, json.dumps(payload).encode(), headers)
        if parts.username is not None:
            secret = base64.b64encode(unquote(f"{parts.username}:{parts.password or ''}").encode()).decode()
            request.add_unredirected_header(
                "Authorization", f"Basic {secret}"
            )  # not sent to another host on a redirect
        urllib.request.urlopen(request, timeout=URL_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()  # it is the answer, too
        return f"{_host(url)} answered with status {error.code}"
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return f"{_host(url)} cannot be reached ({getattr(reason, 'strerror', None) or type(reason).__name__})"
    return None


def _is_url(target: str) -> bool:
    return target.lower().startswith(("https://", "http://"))


def _host(url: str) -> str | None:
    with suppress(ValueError):
        return urlsplit(url).hostname
    return None
