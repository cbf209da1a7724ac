"""The dashboard, its reports and whom it answers, over HTTP."""

import contextlib
import json
import os
import re
import socket
import struct
import threading
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest
from tiny import LIST, LONG, TINY, epochs_done, finish, options, start, until, url, workspace

from hpsearch import reporting
from hpsearch.cli import main
from hpsearch.cli.dashboard import curves, state
from hpsearch.cli.dashboard.control import Control
from hpsearch.cli.dashboard.serve import _QuietHandler, dashboard_server
from hpsearch.cli.dashboard.site import Reports
from hpsearch.errors import HpsearchError
from hpsearch.search.launch import launch
from hpsearch.storage import REPORTS_PATH, claims

NAME = "a & b (λ)"
STUDY = (
    TINY.split("[[stage]]")[0].replace('"tiny"', f'"{NAME}"')
    + LIST
    + "configurations = [{ eta = 0.1 }, { eta = 0.2 }]\n"
)


@pytest.fixture(scope="module")
def storage(tmp_path_factory, shared_processes):
    """The database of a finished study."""
    folder = tmp_path_factory.mktemp("dashboard")
    launch(workspace(folder, STUDY), options(folder))
    return url(folder)


@contextlib.contextmanager
def serving(storage, host="127.0.0.1", **given):
    """The address that is printed at the start, and the port, of a dashboard that serves."""
    with dashboard_server(storage, host, 0, **given) as (server, address):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield address, server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def reading(storage):
    """The port of a dashboard as it is by default."""
    with serving(storage) as (_, port):
        yield port


@pytest.fixture(scope="module")
def changing(storage):
    """The port and the token of a dashboard that permits changes."""
    with serving(storage, changes=True) as (address, port):
        yield port, address.partition("token=")[2]


def ask(port, line, *headers, host="127.0.0.1", body=""):
    """Send a request line and headers as they are given; return the status, the headers and the body of the answer."""
    sent = [f"{line} HTTP/1.1", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    with socket.create_connection((host, port)) as connection:
        connection.sendall(("\r\n".join(sent) + "\r\n\r\n" + body).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")
    head, _, content = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head, content


def own(port):
    return f"Host: 127.0.0.1:{port}"


def get(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode()


def test_the_note_of_a_stage_links_to_it_in_the_report(reading):
    site = f"http://127.0.0.1:{reading}"
    found = get(f"{site}/api/studies/1")
    target = re.search(r"\]\((/hpsearch/report/[^)]*)\)", found)[1]
    address, anchor = target.split("#")
    assert address == REPORTS_PATH + quote(NAME, safe="")
    assert f'id="{anchor}"' in get(site + address)


def test_an_unknown_study_is_not_found(reading):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"http://127.0.0.1:{reading}{REPORTS_PATH}another")
    with refused.value as answer:
        assert answer.code == 404
        assert "does not exist" in answer.read().decode()


@pytest.mark.parametrize("header", ["Origin: http://evil.example.com", "Origin: null", "Sec-Fetch-Site: cross-site"])
def test_a_page_of_others_reads_nothing(reading, header):
    assert ask(reading, "GET /api/studies", f"Host: localhost:{reading}", header)[0] == 403
    own = f"Origin: http://localhost:{reading}"
    assert ask(reading, "GET /api/studies", f"Host: localhost:{reading}", own)[0] == 200


def test_the_dashboard_itself_is_served_and_not_inside_pages_of_others(reading):
    status, head, body = ask(reading, "GET /dashboard", f"Host: localhost:{reading}")
    assert (status, "Optuna Dashboard" in body, "X-Frame-Options: SAMEORIGIN" in head) == (200, True, True)


@pytest.mark.parametrize(
    "line",
    ["POST /api/studies", "DELETE /api/studies/1", "PUT /api/studies/1/note", "OPTIONS /", "delete /api/studies/1"],
)
def test_by_default_nothing_is_changed(reading, line):
    body = '{"study_name": "x", "directions": ["minimize"], "version": 9, "body": "x"}'
    status, _, said = ask(reading, line, own(reading), "Content-Type: application/json", body=body)
    assert status == 403
    assert "--allow-changes permits changes" in said
    summaries = json.loads(ask(reading, "GET /api/studies", own(reading))[2])["study_summaries"]
    assert [each["study_name"] for each in summaries] == [f"{NAME} / 1 coarse"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:PORT", 200),
        ("localhost", 200),
        ("LOCALHOST:9999", 200),  # forwarded by SSH from another port
        ("127.8.8.8:PORT", 200),
        ("[::1]:PORT", 200),
        ("evil.example.com", 403),
        ("evil.example.com:PORT", 403),
        ("127.0.0.1.evil.example.com", 403),
        ("localhost.evil.example.com:PORT", 403),
        ("127.0.0.1:PORT@evil.example.com", 403),
        ("10.0.0.7:PORT", 403),
        ("[2001:db8::1]:PORT", 403),
        ("[::1", 403),
        ("127.0.0.1:99999", 403),
        ("127.0.0.1:", 403),
        ("127.0.0.1, evil.example.com", 403),
        ("0.0.0.0:PORT", 403),
    ],
)
def test_a_request_must_name_this_server_as_its_host(reading, host, status):
    found, _, said = ask(reading, "GET /api/studies", "Host: " + host.replace("PORT", str(reading)))
    assert found == status, said


@pytest.mark.parametrize(
    ("line", "headers", "reason"),
    [
        ("GET /api/studies", [], "no Host"),
        ("GET http://evil.example.com/api/studies", ["Host: localhost"], "must name a path"),
        ("GET /api/studies", ["Host: localhost", "Host: evil.example.com"], "answers on http://127.0.0.1:"),
        ("GET /api/studies", ["Host: localhost", "Sec-Fetch-Site: cross-site"], "page of another site"),
    ],
)
def test_requests_that_are_not_plain_ones_of_its_own_pages_are_refused(reading, line, headers, reason):
    status, _, said = ask(reading, line, *headers)
    assert (status in (400, 403), reason in said) == (True, True), said


def test_a_link_on_a_page_of_others_may_lead_here(reading):
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    assert ask(reading, "GET /dashboard", own(reading), *link)[0] == 200


def test_a_client_need_not_say_which_encodings_it_accepts(reading):
    assert ask(reading, "GET /favicon.ico", own(reading))[0] == 200  # optuna-dashboard alone answers 500
    assert ask(reading, "GET /static/%2e%2e/_app.py", own(reading))[0] in (403, 404)


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("POST /api/studies", [f"Content-Length: {'9' * 5000}"]),
        ("POST /api/studies", ["Content-Length: 10"]),  # of which nothing comes
        ("GET /api/studies/1?after=x", []),
    ],
)
def test_no_request_brings_a_traceback_to_the_terminal(storage, monkeypatch, capfd, line, headers):
    monkeypatch.setattr(_QuietHandler, "timeout", 0.3)
    with serving(storage) as (_, port):
        status, _, _ = ask(port, line, own(port), *headers)
        for begun in ("", "GET / HT"):  # left by their clients, one with a reset, one without a word
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(begun.encode())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert ask(port, "GET /", own(port))[0] == 200
    failed = "hpsearch: optuna-dashboard failed to answer GET '/api/studies/1'\n"
    assert capfd.readouterr().err == (failed if status == 500 else "")


def test_a_client_that_says_nothing_is_left_after_a_while(storage, monkeypatch):
    assert 10 <= _QuietHandler.timeout <= 60
    monkeypatch.setattr(_QuietHandler, "timeout", 0.2)
    with serving(storage) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert connection.recv(1) == b""


def add(port, name, *headers, host=None):
    body = json.dumps({"study_name": name, "directions": ["minimize"]})
    return ask(port, "POST /api/studies", host or own(port), "Content-Type: application/json", *headers, body=body)


def test_a_change_needs_the_token(changing):
    port, token = changing
    assert add(port, "none")[0] == 403
    assert add(port, "wrong", f"Authorization: Bearer {token[:-1]}é")[0] == 403
    assert add(port, "of another port", f"Cookie: hpsearch_{port + 1}={token}")[0] == 403
    assert add(port, "in the address", f"Referer: http://127.0.0.1:{port}/?token={token}")[0] == 403
    assert add(port, "by a program", f"Authorization: Bearer {token}")[0] == 201
    assert add(port, "by a browser", f"Cookie: a=b; hpsearch_{port}={token}", "Sec-Fetch-Site: same-origin")[0] == 201


@pytest.mark.parametrize(
    "header",
    [
        "Origin: http://evil.example.com",
        "Origin: null",
        "Origin: http://127.0.0.1:1",
        "Origin: http://localhost:PORT",
        "Origin: https://127.0.0.1:PORT",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Host: evil.example.com:PORT",
    ],
)
def test_a_page_of_others_changes_nothing_even_with_the_token(changing, header):
    port, token = changing
    header = header.replace("PORT", str(port))
    host, more = (header, []) if header.startswith("Host") else (None, [header])
    status, _, said = add(port, header, f"Cookie: hpsearch_{port}={token}", *more, host=host)
    assert status == 403, said


def test_the_printed_address_leads_to_a_page_without_the_token(changing):
    port, token = changing
    status, head, _ = ask(port, f"GET //evil.example.com/?a=1&token={token}", own(port))
    assert status == 303
    assert "Location: /evil.example.com/?a=1\r\n" in head
    assert f"Set-Cookie: hpsearch_{port}={token}; Path=/; HttpOnly; SameSite=Strict" in head
    assert ask(port, "GET /?token=guess", own(port))[0] == 403


def test_with_a_token_reading_needs_it_too_and_changes_stay_refused(storage):
    with serving(storage, private=True) as (address, port):
        assert ask(port, "GET /api/studies", own(port))[0] == 403
        token = "Authorization: Bearer " + address.partition("token=")[2]
        assert ask(port, "GET /api/studies", own(port), token)[0] == 200
        assert add(port, "x", token)[0] == 403


def test_every_address_is_listened_on_only_with_a_token(storage):
    with serving(storage, "0.0.0.0", private=True) as (address, port):
        token = "Authorization: Bearer " + address.partition("token=")[2]
        for host, status in (("10.0.0.7", 200), (socket.gethostname(), 200), ("evil.example.com", 403)):
            assert ask(port, "GET /api/studies", f"Host: {host}:{port}", token)[0] == status
    for host in ("0.0.0.0", "", "::", "192.0.2.1", "example.com"):
        assert main(["dashboard", "--host", host, "--storage", storage]) == 2


def test_an_ipv6_address_is_listened_on(storage):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with serving(storage, "::1") as (address, port):
            assert address == f"http://[::1]:{port}/"
            assert ask(port, "GET /api/studies", f"Host: [::1]:{port}", host="::1")[0] == 200
    except OSError as error:
        pytest.skip(f"no IPv6 here ({error})")


def study(page, name=NAME):
    return f"/hpsearch/{page}/" + quote(name, safe="")


def parts(port, name=NAME, *headers):
    return json.loads(ask(port, f"GET {study('state', name) if name else '/hpsearch/state/'}", own(port), *headers)[2])


def test_the_first_page_lists_the_studies_and_loads_nothing_of_others(reading):
    status, head, body = ask(reading, "GET /", own(reading))
    assert (status, f'href="{study("study")}"' in body, ">complete</span>" in body) == (200, True, True)
    assert "Content-Security-Policy: default-src 'none';" in head
    loaded = re.findall(r'(?:src|href)="([^"]*)"', body)
    assert all(address.startswith(("/", "#", "data:,")) and not address.startswith("//") for address in loaded)
    sizes = [len(ask(reading, f"GET {file}", own(reading))[2]) for file in ("/hpsearch/page.js", "/hpsearch/page.css")]
    assert 0 < sum(sizes) < 20_000


def test_the_page_of_a_study_says_what_status_says(reading, storage, capsys):
    assert main(["status", NAME, "--json", "--storage", storage]) == 0
    (stage,) = json.loads(capsys.readouterr().out)["stages"]
    found = parts(reading)
    shown = (
        f'<strong>{stage["best"]:.2%}</strong> <span class="dim">{stage["best_trial"]}, eta = {stage["params"]["eta"]}'
    )
    assert (found["state"], shown in found["parts"]["best"]) == ("complete", True)
    assert found["parts"]["curves"].count("<polyline") == 2
    assert parts(reading, "")["parts"].keys() == {"head", "study-0"}


def test_buttons_are_there_for_who_has_the_token_and_refuse_in_one_line(changing):
    port, token = changing
    bearer = f"Authorization: Bearer {token}"
    assert parts(port)["parts"]["actions"] == parts(port, NAME, bearer)["parts"]["actions"] == ""  # it is complete
    for page, reason in (("stop", "is not running"), ("resume", "is complete, so there is nothing to resume")):
        assert ask(port, f"POST {study(page)}", own(port))[0] == 403
        status, _, body = ask(port, f"POST {study(page)}", own(port), bearer)
        assert (status, reason in re.search(r'<div role="alert"><p class="error">(.*)</p></div>', body)[1]) == (
            409,
            True,
        )
    assert ask(port, f"POST {study('stop', 'another')}", own(port), bearer)[0] == 404
    assert ask(port, "POST /hpsearch/delete/x", own(port), bearer)[0] == 404
    for line in ("DELETE /", f"PATCH {study('study')}", f"PUT {study('stop')}"):  # answered as POST only
        assert ask(port, line, own(port), bearer)[0] == 404


def test_a_report_is_written_again_only_when_the_study_has_changed(storage, monkeypatch):
    written = []

    def write(engine, name, folder, formats):
        written.append(name)
        (folder / "index.html").write_text(f"report {len(written)}")
        return folder / "index.html"

    monkeypatch.setattr(reporting, "write_report", write)
    reports = Reports(storage)
    assert [reports.of(NAME), reports.of(NAME)] == [b"report 1", b"report 1"]
    monkeypatch.setattr(state, "version", lambda *_: "another")
    assert reports.of(NAME) == b"report 2"


@pytest.mark.slow
def test_a_study_is_stopped_and_resumed_by_the_buttons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = start(tmp_path, "launch", str(workspace(tmp_path, LONG)), "--workers", "1", "--quiet")
    until(lambda: process.poll() is not None or epochs_done(tmp_path), 120)
    with serving(url(tmp_path), changes=True, reports=tmp_path / "reports") as (address, port):
        token = "Authorization: Bearer " + address.partition("token=")[2]
        assert "/hpsearch/stop/long" in parts(port, "long", token)["parts"]["actions"]
        assert parts(port, "long")["parts"]["actions"] == ""
        assert parts(port, "long")["state"] == "running"
        assert ask(port, "POST /hpsearch/resume/long", own(port), token)[0] == 409
        assert ask(port, "POST /hpsearch/stop/long", own(port), token)[0] == 303
        assert finish(process, 60)[0] == 130
        before = epochs_done(tmp_path)
        assert "/hpsearch/resume/long" in parts(port, "long", token)["parts"]["actions"]
        assert ask(port, "POST /hpsearch/resume/long", own(port), token)[0] == 303
        until(lambda: epochs_done(tmp_path) > before, 120)
        assert ask(port, "POST /hpsearch/stop/long", own(port), token)[0] == 303
        until(lambda: "/hpsearch/resume/long" in parts(port, "long", token)["parts"]["actions"], 60)  # it has ended
    assert "stopped; go on with" in (tmp_path / "reports/long/resume.log").read_text()


def test_what_runs_elsewhere_or_cannot_be_resumed_is_said(tmp_path, monkeypatch):
    launch(workspace(tmp_path, STUDY.replace(f'"{NAME}"', '"tiny"')), options(tmp_path))
    control = Control(url(tmp_path), tmp_path / "reports")
    monkeypatch.setattr(claims, "is_held", lambda *_: True)
    monkeypatch.setattr(claims, "claimant", lambda *_: ("node7", 4711))
    with pytest.raises(HpsearchError, match="run by process 4711 on node7: stop it there"):
        control.stop("tiny")
    monkeypatch.setattr(claims, "claimant", lambda *_: (socket.gethostname(), os.getpid()))
    with pytest.raises(HpsearchError, match="run by this process"):
        control.stop("tiny")


@pytest.mark.parametrize(("low", "high"), [(0.62, 0.97), (1.0, 4.0), (1e-9, 2e-9), (-5.0, 7e6), (0.97, 0.9701)])
def test_ticks_span_the_values_and_are_few(low, high):
    found = curves.ticks_of(low, high)
    assert 2 <= len(found) <= 6
    assert found[0] <= low < high <= found[-1]
