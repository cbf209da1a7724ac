"""A worker that the system kills for want of memory is told as that, with how much there was."""

import os
import pickle
import signal
from contextlib import closing

import pytest
from worker_tasks import sleep

from hpsearch.workers import out_of_memory
from hpsearch.workers.out_of_memory import Kills, explanation, kills
from hpsearch.workers.pools import WorkerDied, open_pool
from hpsearch.workers.pools.scheduled import _packed
from hpsearch.workers.remote import host
from hpsearch.workers.remote.messages import Died

GROUPS = {  # the files of a control group, by the version of its kind
    2: {"memory.events": "low 0\nhigh 1\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n", "memory.max": "1500000000\n"},
    1: {"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", "memory.limit_in_bytes": "1500000000\n"},
}


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Gives this process a control group of these files, on a machine of 8 GB that has seen 5 kills."""
    (tmp_path / "vmstat").write_text("pgfault 9\noom_kill 5\n")
    (tmp_path / "meminfo").write_text("MemTotal:        8000000 kB\nMemFree:  1 kB\n")
    monkeypatch.setattr(out_of_memory, "_MACHINE", tmp_path / "vmstat")
    monkeypatch.setattr(out_of_memory, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(out_of_memory, "control_groups", lambda controller: [tmp_path / "inner", tmp_path])

    def make(files):
        (tmp_path / "inner").mkdir()
        for name, text in files.items():
            (tmp_path / "inner" / name).write_text(text)

    return make


@pytest.mark.parametrize("version", GROUPS)
def test_the_control_group_tells_of_a_kill_and_of_its_limit(group, version):
    group(GROUPS[version])
    assert kills() == Kills(2, 5)
    assert explanation(Kills(1, 4), kills()) == "out of memory: 1.5 GB for all processes of the control group"
    assert explanation(Kills(2, 5), kills()) is None


def test_without_a_limit_the_machine_tells(group):
    group({"memory.events": "oom_kill 0\n", "memory.max": "max\n"})
    assert kills() == Kills(0, 5)
    assert explanation(Kills(0, 4), kills()) == "out of memory: 8.2 GB for all processes of the machine"


def test_a_system_that_counts_nothing_says_nothing(group):
    assert kills() == Kills(0, 5)
    assert explanation(Kills(), Kills()) is None


@pytest.mark.long
@pytest.mark.parametrize("counted", [True, False])
def test_a_killed_worker_is_out_of_memory_only_where_the_system_has_counted_it(group, tmp_path, counted):
    group(GROUPS[2])
    with closing(open_pool("loky", 1)) as pool:
        worker = pool.submit(sleep, 0.0).result(60)
        if counted:
            (tmp_path / "inner" / "memory.events").write_text("oom_kill 3\n")
        running = pool.submit(sleep, 60.0)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(WorkerDied) as death:
            running.result(60)
    assert (death.value.reason is not None) == counted


@pytest.mark.parametrize("counted", [True, False])
def test_a_worker_of_dask_or_ray_tells_too_that_its_process_was_killed_for_want_of_memory(
    group, tmp_path, monkeypatch, counted
):
    group(GROUPS[2])
    monkeypatch.setattr(host, "_idle", [])

    def dies(*_):
        if counted:
            (tmp_path / "inner" / "memory.events").write_text("oom_kill 3\n")

    monkeypatch.setattr(host.Host, "call", dies)
    died = pickle.loads(host.call(_packed(sleep, 0.0)))
    reason = "out of memory: 1.5 GB for all processes of the control group" if counted else None
    assert (type(died), died.reason) == (Died, reason)
