"""The dashboard, its reports and whom it answers, over HTTP."""

import contextlib
import json
import re
import socket
import threading
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest
from tiny import LIST, TINY, options, url, workspace

from hpsearch.cli import main
from hpsearch.cli.dashboard.serve import dashboard_server
from hpsearch.search.launch import launch
from hpsearch.storage import REPORTS_PATH

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
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
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
    assert refused.value.code == 404
    assert "does not exist" in refused.value.read().decode()


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
