"""Broken study files and command lines by the hundred; by the ten thousand with `scripts/fuzz --examples 10000`."""

import subprocess
import sys

import pytest
from tiny import ROOT


@pytest.mark.slow
def test_no_broken_study_file_or_command_line_costs_more_than_a_line():
    command = [sys.executable, str(ROOT / "scripts" / "fuzz"), "--examples", "20", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("; 0 findings\nok\n")
    assert "launch 130" in done.stdout  # some were valid and launched
