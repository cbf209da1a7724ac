"""A new workspace, for the commands that are given in one, and processes that they share."""

import pytest

from hpsearch.cli import main


@pytest.fixture(autouse=True, scope="module")
def _shared_processes(shared_processes):
    """The processes of workers have tests of their own, in tests/workers."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A new workspace, which is the working directory."""
    assert main(["init", str(tmp_path / "made")]) == 0
    monkeypatch.chdir(tmp_path / "made")
    monkeypatch.delenv("HPSEARCH_STORAGE", raising=False)
    return tmp_path / "made"
