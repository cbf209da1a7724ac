"""A new workspace, for the commands that are given in one."""

import pytest

from hpsearch.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A new workspace, which is the working directory."""
    assert main(["init", str(tmp_path / "made")]) == 0
    monkeypatch.chdir(tmp_path / "made")
    monkeypatch.delenv("HPSEARCH_STORAGE", raising=False)
    return tmp_path / "made"
