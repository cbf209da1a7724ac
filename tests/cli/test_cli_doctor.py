"""`doctor`: what it checks, when something is broken, and that its table of extras is that of pyproject.toml."""

import json
import tomllib
from pathlib import Path

import pytest
from tiny import ROOT

from hpsearch.cli import main
from hpsearch.cli.doctor import checks, machine
from hpsearch.cli.doctor.extras import EXTRAS

TOPICS = ["hpsearch", "cores", "BLAS", "memory", "workers", "disk", "cache", "database", "datasets", "extras"]


def run(capsys, *arguments):
    status = main(["doctor", *arguments])
    return status, *capsys.readouterr()


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch):
    """An empty working directory, on a machine with much memory and a fast processor."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_STORAGE", raising=False)
    monkeypatch.setattr(machine, "sgemm_rate", lambda: 50e9)
    monkeypatch.setattr(machine, "memory_free", lambda: 10**12)
    monkeypatch.setattr(machine, "core_quota", lambda: None)


def test_a_machine_is_described(capsys):
    status, out, errors = run(capsys)
    assert (status, errors) == (0, "")
    topics = [line.split()[1] for line in out.splitlines()[:-1] if "->" not in line]
    assert [topic for topic in topics if topic not in EXTRAS] == TOPICS
    assert out.splitlines()[-1].endswith("next: hpsearch launch STUDY_FILE")


def test_the_description_can_be_json(capsys):
    found = json.loads(run(capsys, "--json")[1])
    assert found["ok"]
    assert {finding["topic"] for finding in found["findings"]} >= set(TOPICS)
    facts = {finding["topic"]: finding["facts"] for finding in found["findings"]}
    assert facts["BLAS"]["sgemm_gflops"] == 50.0
    assert facts["cores"]["usable"] >= 1


def test_a_broken_database_is_something_to_fix(capsys):
    Path("damaged.db").write_bytes(b"not a database, but long enough to be read as one" * 99)
    for storage in ("sqlite:///damaged.db", "nonsense", "sqlite:///"):
        status, out, errors = run(capsys, "--storage", storage)
        assert (status, errors) == (1, "")
        assert out.splitlines()[-1] == "1 to fix"
        (line,) = [line for line in out.splitlines() if line.split()[1] == "database"]
        assert line.startswith(("✗", "BROKEN"))


def test_a_disk_that_cannot_be_written_is_something_to_fix(capsys):
    status, out, _ = run(capsys, "--storage", "sqlite:////proc/none/such.db")
    assert status == 1
    assert "-> " in out


def test_too_few_cores_and_too_little_memory_get_a_note(capsys, monkeypatch):
    monkeypatch.setattr(checks, "cores", lambda: 64)
    monkeypatch.setattr(machine, "core_quota", lambda: 1.5)
    monkeypatch.setattr(machine, "memory_free", lambda: 10**9)
    monkeypatch.setattr(machine, "sgemm_rate", lambda: 1e9)
    status, out, _ = run(capsys)
    assert (status, out.splitlines()[-1]) == (0, "nothing is broken; next: hpsearch launch STUDY_FILE")
    assert "-> launch with --workers 1\n" in out
    assert "-> launch with --workers 2, or end other programs\n" in out
    assert "-> slow: " in out


def test_a_missing_package_is_named_with_its_purpose(capsys, monkeypatch):
    monkeypatch.setattr(checks, "EXTRAS", {"pdf": (("no_such_module",), "reports as PDF")})
    out = run(capsys)[1]
    assert "pdf           not installed; for reports as PDF\n" in out
    assert "-> pip install 'hpsearch[pdf]'\n" in out


def test_the_extras_are_those_of_the_project():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(known) - {"bench", "dev", "docs"}


def test_network_file_systems_are_recognised(tmp_path):
    assert machine.is_network("nfs4")
    assert machine.is_network("fuse.sshfs")
    assert not machine.is_network("ext4")
    assert not machine.is_network(None)
    assert machine.file_system(tmp_path) != ""
