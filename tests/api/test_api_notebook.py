"""The progress display in a notebook, with a fake IPython."""

import sys
import types

import pytest
from test_api_study import tiny
from tiny import url, workspace

import hpsearch
from hpsearch.api import notebook
from hpsearch.api.display import open_display
from hpsearch.search.progress import StageProgress


class Handle:
    """What `display(…, display_id=True)` returns."""

    def __init__(self, shown):
        self.pages = [shown._repr_html_()]

    def update(self, shown):
        self.pages.append(shown._repr_html_())


@pytest.fixture
def kernel(monkeypatch):
    """Fake modules of IPython, as in a kernel; returns what was displayed."""
    displayed = []

    def display(shown, display_id=False):
        assert display_id
        displayed.append(Handle(shown))
        return displayed[-1]

    ipython, shows = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    shows.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shows)
    return displayed


def test_a_notebook_shows_one_table_that_is_redrawn(kernel, tmp_path, monkeypatch, capsys):
    workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    hpsearch.launch(tiny(), storage=url(tmp_path), backend="threading", workers=1)
    (handle,) = kernel
    assert len(handle.pages) > 3
    assert handle.pages[-1].count("<progress") == 3
    assert "5/5 trials, best" in handle.pages[-1]
    assert ", about " not in handle.pages[-1]
    assert capsys.readouterr().out == ""


def test_names_are_escaped_and_the_last_messages_are_shown(kernel):
    with open_display(quiet=False) as table:
        for i in range(9):
            table.message(f"<i>{i}")
        table.stage(StageProgress("<b>", 0, 1, 4, 1, 0, 0, 40, 10, 0.5))
    page = kernel[0].pages[-1]
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;i&gt;3" not in page
    assert "25%" in page
    assert repr(table).startswith("<b>: 25%, 1/4 trials, best 50.00%\n<i>4")


def test_a_running_stage_shows_the_time_left(kernel, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(notebook.time, "monotonic", lambda: float(next(clock)))
    table = notebook.Table()
    for done in (0, 10):
        table.stage(StageProgress("a", 0, 1, 4, 1, 0, 0, 40, done, None))
    assert ", about " in kernel[0].pages[-1]


def test_a_kernel_is_distinguished_from_a_shell_and_from_no_ipython(kernel, monkeypatch):
    assert notebook.in_notebook()
    sys.modules["IPython"].get_ipython = lambda: types.SimpleNamespace()
    assert not notebook.in_notebook()
    sys.modules["IPython"].get_ipython = lambda: None
    assert not notebook.in_notebook()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not notebook.in_notebook()
