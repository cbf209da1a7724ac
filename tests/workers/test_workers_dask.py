"""A study on a real Dask cluster: the same digest as on this machine, whatever befalls the cluster in between."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from clusters import DaskCluster
from later import later
from tiny import LONG, ROOT, TINY, alive, digest_of, epochs_done, finish, options, rows, start, until, workspace
from worker_tasks import blas_threads, busy, fails, leave, sleep

from hpsearch.errors import HpsearchError, InputError
from hpsearch.search import launch
from hpsearch.search.progress import Watcher
from hpsearch.search.resume import resume
from hpsearch.workers.pools import WorkerDied, WorkerLost, open_pool, scheduled

later("distributed")

SECONDS = LONG.replace("epochs = 3000", "epochs = 60")


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory):
    """A cluster of two workers that no test harms."""
    with closing(DaskCluster(tmp_path_factory.mktemp("dask"), workers=2)) as made:
        yield made


@pytest.fixture
def cluster(tmp_path):
    """A cluster of one worker to be harmed."""
    folder = tmp_path / "dask"
    folder.mkdir()
    with closing(DaskCluster(folder, workers=1)) as made:
        yield made


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The digests of the studies here, from threads of this process."""
    folder = tmp_path_factory.mktemp("expected")
    for text, name in ((TINY, "tiny"), (SECONDS, "long")):
        launch.launch(workspace(folder, text, f"{name}.toml"), options(folder))
    return {name: digest_of(folder, name) for name in ("tiny", "long")}


def on(cluster):
    return "--backend", "dask", "--scheduler", cluster.address


@pytest.mark.long
def test_a_pool_on_dask_does_what_any_pool_does(shared_cluster):
    with closing(open_pool("dask", None, shared_cluster.address)) as pool:
        until(lambda: pool.capacity == 2)
        slow = [pool.submit(sleep, 1.0) for _ in range(2)]
        assert len({future.result(30) for future in slow}) == 2
        assert pool.submit(blas_threads, None).result(30) == {1}
        with pytest.raises(ValueError, match="no"):
            pool.submit(fails, "no").result(30)
        with pytest.raises(WorkerDied, match="exit status 3"):
            pool.submit(leave, 3).result(30)


@pytest.mark.slow
def test_a_study_on_dask_has_the_digest_of_one_here(tmp_path, shared_cluster, expected):
    said = options(tmp_path, None, "dask", scheduler=shared_cluster.address)
    assert launch.launch(workspace(tmp_path), said) == ("tiny", True)
    assert digest_of(tmp_path, "tiny") == expected["tiny"]


@pytest.mark.long
def test_a_closed_pool_leaves_nothing_under_way(shared_cluster, tmp_path):
    began = tmp_path / "began"
    with closing(open_pool("dask", None, shared_cluster.address)) as pool:
        pool.warm()
        pool.submit(busy, str(began))
        process = int(until(lambda: began.exists() and began.read_text()))
    until(lambda: not alive(process))


@pytest.mark.slow
def test_a_killed_coordinator_leaves_nothing_under_way(shared_cluster, tmp_path):
    began = tmp_path / "began"
    program = (
        "import sys\n"
        "from worker_tasks import busy\n"
        "from hpsearch.workers.pools import open_pool\n"
        "pool = open_pool('dask', None, sys.argv[1])\n"
        "pool.warm()\n"
        "pool.submit(busy, sys.argv[2]).result()\n"
    )
    command = [sys.executable, "-c", program, shared_cluster.address, str(began)]
    with subprocess.Popen(command, cwd=ROOT / "tests" / "workers", env=environment()) as coordinator:
        process = int(until(lambda: began.exists() and began.read_text()))
        coordinator.kill()
    until(lambda: not alive(process))


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.mark.slow
def test_workers_may_come_and_go_and_the_scheduler_restart_in_mid_study(tmp_path, cluster, expected):
    workspace(tmp_path, SECONDS, "long.toml")
    with start(tmp_path, "launch", "studies/long.toml", *on(cluster)) as study:
        until(lambda: epochs_done(tmp_path) > 10)
        cluster.workers[0].kill()
        cluster.add_worker()
        until(lambda: epochs_done(tmp_path) > 120)
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        cluster.start_scheduler()
        cluster.add_worker()  # for a worker ends with its scheduler
        status, out, complaints = finish(study, 120)
    assert (status, complaints) == (0, "")
    assert "0 workers now" in out
    assert digest_of(tmp_path, "long") == expected["long"]


@pytest.mark.slow
def test_a_scheduler_that_stays_away_stops_the_study_in_one_line_and_it_resumes(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(scheduled, "PATIENCE", 1.0)
    monkeypatch.setattr("hpsearch.workers.pools.dask_engine.CONNECT_SECONDS", 1.0)
    path = workspace(tmp_path, SECONDS, "long.toml")

    class Watch(Watcher):
        def stage(self, progress):
            if progress.epochs_done > 20:
                cluster.close()

    with pytest.raises(HpsearchError, match=r"the Dask scheduler at .* has been unavailable for \d+ s .*; resume when"):
        launch.launch(path, options(tmp_path, None, "dask", scheduler=cluster.address, watcher=Watch()))
    assert resume("long", options(tmp_path))


@pytest.mark.slow
def test_ctrl_c_stops_a_study_on_dask_and_it_resumes_here(tmp_path, shared_cluster, expected):
    workspace(tmp_path, SECONDS, "long.toml")
    with start(tmp_path, "launch", "studies/long.toml", *on(shared_cluster)) as study:
        until(lambda: epochs_done(tmp_path) > 20)
        study.send_signal(signal.SIGINT)
        status, _, complaints = finish(study)
    assert status == 130
    assert re.search(r"go on with `hpsearch resume .*--backend dask --scheduler tcp://127.0.0.1:\d+ ", complaints)
    assert resume("long", options(tmp_path))
    assert digest_of(tmp_path, "long") == expected["long"]


HANGING = """\
import time
import numpy as np

def train_epoch(state, data, epoch, rng, kind):
    if epoch == 2 and kind == "hangs":
        time.sleep(1e9)
    return {"w": np.float64(epoch)}

def predict(state, samples): return np.arange(len(samples)) % 10
"""


@pytest.mark.slow
def test_a_trial_that_hangs_on_dask_is_ended_by_its_limit_and_the_others_go_on(tmp_path, shared_cluster):
    text = """
    name = "hanging"
    data = { dataset = "digits", train = 200, validation = 100 }
    model = { file = "models/hanging.py" }
    training = { epochs = 3 }
    trial = { minutes = 0.05 }
    stage = [{ name = "kinds", configurations = [{ kind = "hangs" }, { kind = "fine" }, { kind = "well" }] }]
    """
    path = workspace(tmp_path, text)
    (tmp_path / "models" / "hanging.py").write_text(HANGING)
    given = options(tmp_path, None, "dask", scheduler=shared_cluster.address)
    assert launch.launch(path, given) == ("hanging", True)
    states = [(row["state"], row["reason"]) for row in rows(tmp_path)]
    assert states == [("failed", "ran longer than trial.minutes = 0.05"), ("complete", None), ("complete", None)]


@pytest.mark.slow
def test_a_worker_with_another_hpsearch_is_refused_and_alone_ends_the_study(tmp_path, cluster):
    shutil.copytree(ROOT / "hpsearch", tmp_path / "other" / "hpsearch", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "other" / "hpsearch" / "nn" / "losses.py").open("a") as file:
        file.write("# of another version\n")
    told: list[str] = []
    with closing(open_pool("dask", None, cluster.address, told.append)) as pool:
        until(lambda: pool.capacity == 1)
        other = cluster.add_worker(package=tmp_path / "other")
        until(lambda: pool.poll() or any("is refused" in line for line in told))
        assert pool.submit(sleep, 0.0).result(30)
        assert pool.capacity == 1
    (line,) = [line for line in told if "is refused" in line]
    assert re.fullmatch(r"worker tcp://\S+ is refused: hpsearch 0\.\S+ \(\w+\), here 0\.\S+ \(\w+\)", line)
    cluster.workers[0].kill()
    with pytest.raises(InputError, match=r"no worker of .* can be used: worker tcp://\S+: hpsearch "):
        launch.launch(workspace(tmp_path), options(tmp_path, None, "dask", scheduler=cluster.address))
    assert not (tmp_path / "study.db").exists()
    assert other.poll() is None


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "ftp://x", "127.0.0.1:nine", "tcp://no.such.host.invalid:8786"]
)
def test_a_scheduler_that_does_not_answer_is_refused_in_one_line(address, monkeypatch):
    monkeypatch.setattr("hpsearch.workers.pools.dask_engine.CONNECT_SECONDS", 1.0)
    with pytest.raises(InputError, match=re.escape(f"--scheduler {address}: no Dask scheduler answers there (")):
        open_pool("dask", None, address)


def test_something_else_than_a_scheduler_is_refused_in_bounded_time(monkeypatch):
    monkeypatch.setattr("hpsearch.workers.pools.dask_engine.CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match="no Dask scheduler answers there"):
            open_pool("dask", None, address)


def test_dask_without_a_scheduler_is_refused_in_one_line():
    with pytest.raises(InputError, match="--backend dask needs --scheduler ADDRESS"):
        open_pool("dask")


@pytest.mark.slow
def test_a_lost_worker_is_distinguished_from_a_dead_process(cluster):
    with closing(open_pool("dask", None, cluster.address)) as pool:
        pool.warm()
        future = pool.submit(sleep, 60.0)
        time.sleep(1.0)
        cluster.workers[0].kill()
        with pytest.raises(WorkerLost):
            future.result(30)
