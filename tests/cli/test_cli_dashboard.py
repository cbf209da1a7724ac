"""The dashboard and its reports, over HTTP."""

import re
import threading
import urllib.error
import urllib.request
from urllib.parse import quote
from wsgiref.simple_server import make_server

import pytest
from optuna.storages import RDBStorage
from tiny import LIST, TINY, options, url, workspace

from hpsearch.cli.dashboard.serve import WithReports, _QuietHandler, _Server
from hpsearch.search.launch import launch
from hpsearch.storage import REPORTS_PATH
from hpsearch.storage.sqlite import connection

NAME = "a & b (λ)"
STUDY = (
    TINY.split("[[stage]]")[0].replace('"tiny"', f'"{NAME}"')
    + LIST
    + "configurations = [{ eta = 0.1 }, { eta = 0.2 }]\n"
)


@pytest.fixture
def site(tmp_path):
    """The address of a dashboard over a finished study."""
    from optuna_dashboard import wsgi

    launch(workspace(tmp_path, STUDY), options(tmp_path))
    storage = RDBStorage("sqlite://", engine_kwargs=connection.dashboard_options(tmp_path / "study.db"))
    server = make_server("127.0.0.1", 0, WithReports(wsgi(storage), url(tmp_path)), _Server, _QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    storage.engine.dispose()


def get(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode()


def test_the_note_of_a_stage_links_to_it_in_the_report(site):
    found = get(f"{site}/api/studies/1")
    target = re.search(r"\]\((/hpsearch/report/[^)]*)\)", found)[1]
    address, anchor = target.split("#")
    assert address == REPORTS_PATH + quote(NAME, safe="")
    assert f'id="{anchor}"' in get(site + address)


def test_an_unknown_study_is_not_found(site):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{site}{REPORTS_PATH}another")
    assert refused.value.code == 404
    assert "does not exist" in refused.value.read().decode()


def test_the_dashboard_itself_is_served(site):
    assert "Optuna Dashboard" in get(f"{site}/dashboard")
