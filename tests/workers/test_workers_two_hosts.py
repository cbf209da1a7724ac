"""The coordinator on one host, the workers on another that has none of its files; the link is cut and mended."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from later import later
from tiny import LONG, ROOT, epochs_done, finish, options, ranking, until, url, workspace
from two_hosts import TwoHosts

from hpsearch.search import launch

later("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 if hasattr(os, "geteuid") else True, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="network namespaces need iproute2"),
]

STUDY = LONG.replace("epochs = 3000", "epochs = 400")
AGAIN = 'while :; do "$0" -m dask "$@"; sleep 0.2; done'
"""What keeps a worker running, as Slurm, systemd or Kubernetes do."""


@pytest.fixture
def hosts():
    made = ExitStack()
    with made:
        try:
            found = TwoHosts()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.decode().strip()}")
        made.callback(found.close)
        yield found


def running(stack, command, folder, environment, **streams):
    """Start something that ends, with all that it started, when the test does."""
    given = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"} | environment
    made = subprocess.Popen(command, env=given, cwd=folder, start_new_session=True, **streams)
    stack.callback(end, made)
    return made


def end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_nothing_is_lost_when_the_link_is_cut_and_mended(tmp_path, hosts):
    home, far = tmp_path / "home", tmp_path / "far"
    cache = tmp_path / "cache"
    for folder in (home, far, cache):
        folder.mkdir()
    workspace(home, STUDY, "long.toml")
    address = f"tcp://{hosts.addresses['a']}:8786"
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s"}
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("ab"))
        logged = {"stdout": log, "stderr": log}
        scheduler = ["scheduler", "--host", hosts.addresses["a"], "--port", "8786", "--no-dashboard", "--no-show"]
        scheduler += ["--scheduler-file", "there"]
        running(stack, hosts.on("a", sys.executable, "-m", "dask", *scheduler), home, quick, **logged)
        until((home / "there").exists, 60)
        worker = ["worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard", "--local-directory", str(far)]
        command = hosts.on("b", "sh", "-c", AGAIN, sys.executable, *worker, hidden=(home, cache))
        running(stack, command, far, quick | {"XDG_CACHE_HOME": str(far)}, **logged)
        hpsearch = [sys.executable, "-m", "hpsearch", "launch", "studies/long.toml", "--storage", url(home)]
        command = hosts.on("a", *hpsearch, "--backend", "dask", "--scheduler", address)
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        study = running(stack, command, home, {"XDG_CACHE_HOME": str(cache)}, **piped)
        for seconds in (2.0, 20.0):  # one that TCP bridges, one that it does not
            done = epochs_done(home)
            until(lambda done=done: epochs_done(home) > done + 20 or study.poll() is not None, 90)
            hosts.cut()
            time.sleep(seconds)
            hosts.mend()
        status, out, complaints = finish(study, 240)
    assert (status, complaints) == (0, ""), out
    assert "sending the prepared split" in out
    assert "0 workers now" in out  # it was long enough for the scheduler to give them up
    (tmp_path / "near").mkdir()
    launch.launch(workspace(tmp_path / "near", STUDY, "long.toml"), options(tmp_path / "near"))
    assert ranking(home, "long") == ranking(tmp_path / "near", "long")
