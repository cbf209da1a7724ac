"""The report's modules are imported while the last stage trains; a launch does as well without."""

import threading

import pytest
from tiny import TINY, url, workspace

from hpsearch import reporting
from hpsearch.cli import main
from hpsearch.cli.run_study import ReportAhead
from hpsearch.search.progress import StageEvent


def event(position):
    return StageEvent("s", "x", position, 3, "running", 4, 0, 0, 0, None)


@pytest.fixture
def prepared(monkeypatch):
    """In which threads the report was prepared."""
    found = []
    monkeypatch.setattr(reporting, "prepare", lambda: found.append(threading.current_thread()))
    return found


def test_the_report_is_prepared_once_beside_the_last_stage(prepared):
    ahead = ReportAhead()
    for position in (0, 1, 2, 2):
        ahead.begin(event(position))
        assert len(prepared) <= (position == 2)
    ahead.join()
    assert len(prepared) == 1
    assert prepared[0] is not threading.main_thread()


def test_what_fails_there_is_left_to_the_report(monkeypatch):
    monkeypatch.setattr(reporting, "prepare", lambda: [][0])
    ahead = ReportAhead()
    ahead.begin(event(2))
    ahead.join()


def test_where_the_system_has_no_thread_left_the_study_goes_on(monkeypatch, prepared):
    monkeypatch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no thread")))
    ahead = ReportAhead()
    ahead.begin(event(2))
    ahead.join()
    assert not prepared


@pytest.mark.parametrize(("backend", "ahead"), [("loky", True), ("sequential", False)])
def test_it_is_prepared_ahead_only_where_models_which_may_fork_run_in_other_processes(
    tmp_path, monkeypatch, backend, ahead
):
    begun = []
    monkeypatch.setattr(ReportAhead, "begin", lambda self, event: begun.append(event.position))
    text = TINY.partition('[[stage]]\nname = "fine"')[0]
    assert main(["launch", str(workspace(tmp_path, text)), "--storage", url(tmp_path), "--backend", backend]) == 0
    assert bool(begun) is ahead
