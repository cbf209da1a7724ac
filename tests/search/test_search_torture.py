"""Torture, short and long: kills of every kind, and the end as if there had been none."""

import subprocess
import sys

import pytest
from tiny import ROOT


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    "arguments", ["--seed 3 --kills 6 --only 1 --only 6", "--seed 4 --kills 200"], ids=["short", "long"]
)
def test_no_kill_changes_what_a_study_comes_to(arguments):
    command = [sys.executable, str(ROOT / "scripts" / "torture"), *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(", the same digest") >= 2
    assert done.stdout.endswith("\nok\n")
