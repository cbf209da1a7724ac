"""Where no process or thread can be started: one line, soon; a thread of loky's that dies costs one segment."""

import contextlib
import errno
import multiprocessing
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from joblib.externals.loky import process_executor
from tiny import ROOT, TINY, alive, options, until, workspace

from hpsearch.cli import main
from hpsearch.errors import HpsearchError, InputError
from hpsearch.search.launch import launch
from hpsearch.workers.pools import WorkerDied, open_pool

MANAGER = process_executor._ExecutorManagerThread


def no_thread(*_):
    raise RuntimeError("can't start new thread")


def no_descriptor(*_, **__):
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.long
@pytest.mark.parametrize(
    ("place", "name", "fault", "reason"),
    [
        (process_executor.ProcessPoolExecutor, "_adjust_process_count", no_descriptor, "Too many open files"),
        (process_executor.ProcessPoolExecutor, "_setup_queues", no_descriptor, "Too many open files"),
        (MANAGER, "start", no_thread, "can't start new thread"),
    ],
    ids=["no process", "no semaphore", "no thread"],
)
def test_workers_that_cannot_be_started_are_one_line(tmp_path, monkeypatch, place, name, fault, reason):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, name, fault)
    began = time.monotonic()
    with pytest.raises(HpsearchError, match="a worker process cannot be started") as failure:
        launch(workspace(tmp_path, TINY), options(tmp_path, workers=2, backend="loky"))
    assert reason in str(failure.value)
    assert "--backend sequential" in str(failure.value)
    assert failure.value.exit_status == 1
    assert time.monotonic() - began < 60  # it used to hang; the machine may be busy
    assert not (tmp_path / "study.db").exists()


@pytest.mark.long
def test_a_thread_of_loky_that_dies_costs_its_segment_and_no_other(capfd):
    before = threading.excepthook
    pool = open_pool("loky", 1)
    try:
        assert pool.submit(abs, -1).result(60) == 1
        thread = pool._executors[0]._executor_manager_thread
        thread.process_result_item = no_thread
        future = pool.submit(abs, -2)
        while thread.is_alive():
            time.sleep(0.01)
        assert not future.done()
        pool.poll()
        with pytest.raises(WorkerDied):
            future.result(0)
        assert pool.submit(abs, -3).result(60) == 3
    finally:
        pool.close()
    assert "Traceback" not in capfd.readouterr().err
    assert threading.excepthook is before


def in_daemon(connection, backend):
    try:
        open_pool(backend, 1).close()
        connection.send(None)
    except InputError as error:
        connection.send(str(error))


@pytest.mark.parametrize("backend", ["loky", "sequential", "threading"])
def test_a_daemonic_process_is_told_which_backend_to_use(backend):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=in_daemon, args=(theirs, backend), daemon=True)
    process.start()
    said = ours.recv()
    process.join()
    assert (said is None) == (backend != "loky")
    assert said is None or 'backend="sequential" in Python' in said


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("can't start new thread"), OSError(errno.EMFILE, "many")]
)
def test_a_command_says_in_one_line_what_the_system_refuses(monkeypatch, capsys, error):
    def refused(*_, **__):
        raise error

    monkeypatch.setattr("hpsearch.cli.schema.schema.callback", refused)
    assert main(["schema"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="`ulimit -v` is Linux's")
def test_too_few_addresses_for_the_libraries_cost_one_line_and_no_waiting(tmp_path):
    command = [
        "sh",
        "-c",
        'ulimit -v 200000; exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "hpsearch",
        "launch",
        "study.toml",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    rule = "at least 800,000 kB of addresses, got 200,000; see `ulimit -v`"
    assert (done.returncode, done.stderr) == (1, f"hpsearch: the system refuses what this needs: {rule}\n")


def pids_group():
    """A control group of this test's own that limits processes and threads; skips where none can be made."""
    for top in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/pids")):  # version 2, version 1
        group = top / f"hpsearch-test-{os.getpid()}"
        try:
            group.mkdir()
            (group / "pids.max").write_text("64")
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
        else:
            return group
    return pytest.skip("no control group for pids can be made here")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
@pytest.mark.parametrize("most", [3, 8, 16])
def test_a_control_group_with_few_processes_costs_one_line_or_nothing(tmp_path, most):
    group = pids_group()
    try:
        (group / "pids.max").write_text(f"{most}")
        command = [
            sys.executable,
            "-m",
            "hpsearch",
            "launch",
            str(workspace(tmp_path, TINY)),
            "--workers",
            "4",
            "--quiet",
        ]
        inside = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh", *command]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(inside, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        lines = [line for line in done.stderr.splitlines() if "jemalloc" not in line]  # Arrow's, which goes on
        assert (done.returncode, len(lines)) in ((0, 0), (1, 1)), done.stderr
        until(lambda: not living(group), 3)
    finally:
        for number in living(group):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.2)
        with contextlib.suppress(OSError):
            group.rmdir()


def living(group):
    """The processes of a control group that run: Linux 6.18 goes on to list some that have ended."""
    listed = map(int, (group / "cgroup.procs").read_text().split())
    return [number for number in listed if alive(number)]


def test_what_a_full_disk_left_of_a_compiled_module_is_named_with_the_remedy(tmp_path):
    copy = tmp_path / "hpsearch"
    shutil.copytree(ROOT / "hpsearch", copy, ignore=shutil.ignore_patterns("__pycache__"))
    compiled = Path(py_compile.compile(str(copy / "cli" / "group.py"), doraise=True))
    compiled.write_bytes(compiled.read_bytes()[:1000])
    command = [sys.executable, "-m", "hpsearch", "status"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    rule = "incomplete, as Python leaves it on a full disk; delete it, and repeat the command"
    assert (done.returncode, done.stderr) == (1, f"hpsearch: {compiled}: {rule}\n")
