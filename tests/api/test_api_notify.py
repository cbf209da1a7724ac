"""`--notify`: a command or a web hook is called when a study ends; an error is one line, without secrets."""

import base64
import contextlib
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from test_api_study import tiny
from tiny import url, workspace

import hpsearch
from hpsearch import Stage
from hpsearch.api import notify as notify_module
from hpsearch.cli import main
from hpsearch.errors import CallbackError, HpsearchError, InputError
from hpsearch.storage.masking import secrets


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A workspace with our models, which is the working directory."""
    workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return {"storage": url(tmp_path), "backend": "threading", "workers": 1}


@contextlib.contextmanager
def hook(status=200):
    """A web hook of this machine: its address, and what was posted to it."""
    posted = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers["Authorization"], json.loads(content)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://me:pw@127.0.0.1:{server.server_port}/services/T0KEN?key=S3CRET", posted
        server.shutdown()


def test_a_command_gets_the_study_in_its_environment(here, tmp_path):
    results = hpsearch.launch(tiny(), notify="env > payload", **here)
    payload = dict(
        line.split("=", 1) for line in (tmp_path / "payload").read_text().splitlines() if "HPSEARCH_" in line
    )
    final = results.frames.by_stage["final"]
    assert payload["HPSEARCH_STUDY"] == "tiny"
    assert payload["HPSEARCH_STATE"] == "complete"
    assert payload["HPSEARCH_TRIAL"] == "final:0"
    assert float(payload["HPSEARCH_BEST"]) == sum(row["value"] for row in final) / 2
    assert json.loads(payload["HPSEARCH_CONFIGURATION"]) == final[0]["params"]
    assert payload["HPSEARCH_ERROR"] == ""


def test_a_web_hook_is_called_for_a_study_that_was_stopped(here):
    def stop(event):
        raise ValueError("enough")

    with hook() as (address, posted), pytest.raises(CallbackError):
        hpsearch.launch(tiny(), notify=address, on_trial=stop, **here)
    ((path, login, payload),) = posted
    assert (path, login) == ("/services/T0KEN?key=S3CRET", "Basic bWU6cHc=")
    assert (payload["study"], payload["state"]) == ("tiny", "interrupted")
    assert payload["text"].startswith("hpsearch: study 'tiny' is interrupted; ")
    assert "on_trial raised ValueError: enough" in payload["error"]


def test_a_login_is_not_sent_to_another_host(tmp_path):
    seen = []

    class Moved(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers["Authorization"])
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")
            self.end_headers()

        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Moved) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        notify_module.notify(f"http://me:p%40w@127.0.0.1:{server.server_port}/", "gone", url(tmp_path), None)
        server.shutdown()
    assert seen == [f"Basic {base64.b64encode(b'me:p@w').decode()}", None]


def test_a_study_whose_trials_all_fail_is_notified(here, tmp_path):
    with pytest.raises(HpsearchError, match="trials failed"):
        hpsearch.launch(tiny(stages=[Stage("a", configurations=[{"eta": 1e15}])]), notify="env > payload", **here)
    assert "HPSEARCH_STATE=failed\n" in (tmp_path / "payload").read_text()


@pytest.mark.long
def test_an_error_is_one_line_without_the_address(here, caplog):
    with hook(status=500) as (address, _), caplog.at_level(logging.WARNING):
        assert hpsearch.launch(tiny(), notify=address, **here).frames.study["state"] == "complete"
    assert caplog.messages == ["hpsearch: notify: 127.0.0.1 answered with status 500"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("exit 3", "the command ended with status 3"),
        ("sleep 5", "the command took longer than 0.2 s"),
        ("http://127.0.0.1:1/T0KEN", "127.0.0.1 cannot be reached (Connection refused)"),
        ("http://no-such-host.invalid/T0KEN", "no-such-host.invalid cannot be reached"),
        ("http://127.0.0.1:x/T0KEN", "127.0.0.1 cannot be reached"),
    ],
)
def test_a_notification_that_fails_is_a_warning(tmp_path, caplog, monkeypatch, target, message):
    monkeypatch.setattr(notify_module, "COMMAND_SECONDS", 0.2)
    notify_module.notify(target, "gone", url(tmp_path), None)
    (line,) = caplog.messages
    assert message in line
    assert "T0KEN" not in line


@pytest.mark.parametrize("target", ["", "ftp://host/x", "https://", "file:///etc/passwd", "a\0b"])
def test_an_invalid_target_is_refused_at_once(target):
    with pytest.raises(InputError, match="notify must be a command, or a URL that begins with https:// or http://"):
        notify_module.check_target(target)


def test_a_study_that_never_began_is_not_notified(here, tmp_path):
    with pytest.raises(InputError):
        hpsearch.launch(tiny(model={"file": "none.py"}), notify="env > payload", **here)
    assert not (tmp_path / "payload").exists()


def test_the_command_line_notifies_and_prints_events_as_json(here, tmp_path, capfd):
    arguments = ["--notify", "echo now $HPSEARCH_STATE", "--json", "--workers", "1", "--backend", "threading"]
    assert main(["launch", "studies/tiny.toml", *arguments, "--storage", url(tmp_path)]) == 0
    out, err = capfd.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events].count("trial") == 10
    assert (events[0]["event"], events[0]["stage"], events[0]["state"]) == ("stage", "coarse", "running")
    assert (events[-1]["event"], events[-1]["state"]) == ("end", "complete")
    assert events[-1]["report"] == "reports/tiny/index.html"
    assert err == "now complete\n"


@pytest.mark.parametrize(
    "storage",
    [
        "postgresql://me:s3cr%3At@host/db",
        "mysql://me:s3cr%3At@host/db?ssl_ca=x",
        "postgresql://me@host/db?password=s3cr%3At",
        "postgresql://me:s3cr:t@host/db",
        "postgresql://me:s3cr:t@host/db?application_name=a@b",
    ],
)
def test_a_command_does_not_get_the_password_of_the_database(tmp_path, monkeypatch, storage):
    monkeypatch.setenv("HPSEARCH_STORAGE", storage)
    monkeypatch.setenv("PGPASSWORD", "s3cr:t")
    monkeypatch.setenv("MYSQL_PWD", "s3cr:t")
    monkeypatch.setenv("OTHER_URL", storage)
    monkeypatch.setenv("DB_PASSWORD", "s3cr:t")
    monkeypatch.setenv("SETTINGS", '{"password": "s3cr:t"}')
    monkeypatch.setenv("KEPT", "s3cr")
    monkeypatch.setattr(notify_module, "_stored", lambda name, storage: {"state": "complete"})
    notify_module.notify(f"env > {tmp_path}/got", "tiny", storage, None)
    got = dict(line.split("=", 1) for line in (tmp_path / "got").read_text().splitlines() if "=" in line)
    assert got["HPSEARCH_STATE"] == "complete"
    assert got["KEPT"] == "s3cr"
    assert "PATH" in got
    assert not [name for name, value in got.items() if "s3cr:t" in value or "s3cr%3At" in value]


def test_a_password_with_a_slash_is_one():
    assert secrets("postgresql://me:a/b@host/db") == {"a/b"}


def test_a_command_gets_the_storage_without_a_password(tmp_path, monkeypatch):
    monkeypatch.setenv("HPSEARCH_STORAGE", "sqlite:///a.db")
    monkeypatch.setattr(notify_module, "_stored", lambda name, storage: {"state": "complete"})
    notify_module.notify(f"env > {tmp_path}/got", "tiny", "sqlite:///a.db", None)
    assert "HPSEARCH_STORAGE=sqlite:///a.db" in (tmp_path / "got").read_text().splitlines()
