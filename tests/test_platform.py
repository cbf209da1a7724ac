"""Systems other than Linux: no module but `hpsearch.platform` uses what they lack, and a study runs without it."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import ROOT, options, ranking, url, workspace

from hpsearch import platform
from hpsearch.search.launch import launch

SIMULATION = Path(__file__).parent / "without_posix"
LACKING = {
    "os": "fork forkpty getuid geteuid getgid getgroups getpgid getpgrp getsid killpg mkfifo nice pread pwrite "
    "register_at_fork sched_getaffinity setsid sysconf statvfs uname wait waitid O_CLOEXEC O_DIRECTORY O_NOFOLLOW",
    "signal": "SIGHUP SIGKILL SIGQUIT SIGALRM SIGUSR1 SIGUSR2 SIGPIPE SIGCHLD alarm pause pthread_kill "
    "pthread_sigmask setitimer siginterrupt sigwait",
}
"""What is not in these modules on Windows."""
LACKED = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "curses"}
"""The modules of the standard library that are not there, and who may import them: who is not imported without."""
BY = {
    "fcntl": "storage/sqlite/locks.py",
    "resource": "platform.py",
    "termios": "cli/top/keys.py",
    "tty": "cli/top/keys.py",
}


def lacking(tree):
    """What a module uses that other systems lack, as `os.fork`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in LACKING:
            if node.attr in LACKING[node.value.id].split():
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in LACKED)
        elif isinstance(node, ast.ImportFrom) and node.module in LACKED:
            yield node.module


@pytest.mark.long
def test_no_module_uses_what_another_system_lacks():
    for path in (ROOT / "hpsearch").rglob("*.py"):
        place = path.relative_to(ROOT / "hpsearch").as_posix()
        found = set(lacking(ast.parse(path.read_text("utf-8"))))
        allowed = {name for name, where in BY.items() if where == place}
        if place == BY["fcntl"]:
            allowed.add("os.O_CLOEXEC")
        if place == "platform.py":
            allowed.add("os.getppid")
        assert found <= allowed, place


def without_posix(folder, *arguments):
    """What a program says where the system lacks all that the simulation takes away."""
    paths = os.pathsep.join(map(str, (SIMULATION, ROOT, ROOT / "tests")))
    environment = os.environ | {"PYTHONPATH": paths}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.long
def test_a_command_reads_and_writes_without_what_windows_lacks(tmp_path):
    program = "import os; assert not hasattr(os, 'fork'); from hpsearch.storage.database import Database; "
    program += f"Database({url(tmp_path)!r}, create=True).close(); from hpsearch.cli import main; main(['status', "
    program += f"'--storage', {url(tmp_path)!r}])"
    assert "no studies" in without_posix(tmp_path, "-c", program)


@pytest.mark.slow
def test_a_study_has_the_same_result_without_what_windows_lacks(tmp_path):
    for folder in (there := tmp_path / "there", here := tmp_path / "here"):
        folder.mkdir()
    without_posix(there, str(SIMULATION / "run_study.py"), str(workspace(there)), url(there))
    assert (there / "reports" / "tiny" / "index.html").is_file()
    launch(workspace(here), options(here))
    assert ranking(there) == ranking(here)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the parent is killed")
def test_a_worker_ends_with_its_parent_without_prctl():
    worker = "import os, sys, time; sys.platform = 'darwin'; from hpsearch.platform import end_with; "
    worker += "end_with(os.getppid()); print('ready', flush=True); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    assert process.communicate(timeout=20)[0] == ""  # the worker, which had the pipe too, is gone


def test_what_a_system_does_not_tell_is_none(monkeypatch):
    assert platform.memory() > 1e8
    assert platform.cores() >= 1
    for name in ("sysconf", "getuid", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    assert platform.user() is None
    assert platform.cores() == os.cpu_count()
    assert platform.memory() is None or sys.platform == "win32"


FORKED = """\
import os
from hpsearch.platform import exits_raise
with exits_raise():
    if (child := os.fork()) == 0:
        os._exit(7)
    try:
        os._exit(0)
    except SystemExit as error:
        print(error, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(3)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_os_exit_is_an_exception_in_the_process_of_a_command_and_ends_those_that_a_model_forks():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "os._exit(0)\n7\n", "")
