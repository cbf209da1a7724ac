"""A study on a Ray of its own: the same digest as on this machine, and nothing of Ray is left afterwards."""

import importlib.util
import os
import re
import signal
import time
from contextlib import closing

import pytest
from clusters import RayHead
from tiny import LONG, alive, digest_of, epochs_done, finish, options, start, until, workspace
from worker_tasks import blas_threads, fails, leave, sleep

from hpsearch.errors import InputError
from hpsearch.search import launch
from hpsearch.search.progress import Watcher
from hpsearch.search.resume import resume
from hpsearch.workers.pools import WorkerDied, open_pool

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("ray"), reason="ray, which --backend ray needs, is missing"
)

SECONDS = LONG.replace("epochs = 3000", "epochs = 60")


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    """Ray's workers have the path of its driver, which has ours: it must have our tasks."""
    monkeypatch.syspath_prepend(os.path.dirname(__file__))


@pytest.mark.slow
def test_a_pool_and_a_study_on_ray_do_what_any_do(tmp_path, monkeypatch):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        workspace(tmp_path / folder)
    launch.launch(tmp_path / "here" / "studies" / "tiny.toml", options(tmp_path / "here"))
    with closing(open_pool("ray", 2)) as pool:
        driver = pool._engine._driver._process.pid
        pool.warm()
        until(lambda: pool.capacity == 2, 60)
        assert pool.submit(sleep, 0.0).result(60)
        assert pool.submit(blas_threads, None).result(60) == {1}
        with pytest.raises(ValueError, match="no"):
            pool.submit(fails, "no").result(60)
        with pytest.raises(WorkerDied, match="exit status 3"):
            pool.submit(leave, 3).result(60)
        monkeypatch.setattr("hpsearch.search.run.open_pool", lambda *given: pool)
        launch.launch(tmp_path / "there" / "studies" / "tiny.toml", options(tmp_path / "there"))
    assert digest_of(tmp_path / "there", "tiny") == digest_of(tmp_path / "here", "tiny")
    assert not alive(driver)


@pytest.mark.slow
def test_a_study_on_ray_stopped_by_ctrl_c_or_left_by_its_driver_has_the_digest_of_one_here(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        workspace(tmp_path / folder, SECONDS, "long.toml")
    launch.launch(tmp_path / "here" / "studies" / "long.toml", options(tmp_path / "here"))
    there, given = tmp_path / "there", ("--backend", "ray", "--workers", "2")
    with start(there, "launch", "studies/long.toml", *given) as study:
        until(lambda: epochs_done(there) > 0, 60)
        study.send_signal(signal.SIGINT)
        status, _, complaints = finish(study)
        assert status == 130
        assert re.fullmatch(r"hpsearch: stopped; go on with `hpsearch resume --backend ray .*`\n", complaints)
    killed: list[int] = []

    class Watch(Watcher):
        def stage(self, progress):
            if not killed:
                (driver,) = (pid for pid in drivers() if pid not in killed)
                killed.append(driver)
                os.kill(driver, signal.SIGKILL)

    assert resume("long", options(there, 2, "ray", watcher=Watch()))
    assert killed
    assert digest_of(there, "long") == digest_of(tmp_path / "here", "long")


@pytest.mark.slow
def test_a_study_waits_for_a_ray_whose_head_was_killed_until_it_is_there_again_or_until_it_is_stopped(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    text = LONG.replace("epochs = 3000", "epochs = 1500")
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        workspace(tmp_path / folder, text, "long.toml")
    launch.launch(tmp_path / "here" / "studies" / "long.toml", options(tmp_path / "here"))
    there, head = tmp_path / "there", RayHead(tmp_path)
    given = ("--backend", "ray", "--scheduler", head.address)
    try:
        with start(there, "launch", "studies/long.toml", *given) as study:
            until(lambda: epochs_done(there) > 100 or study.poll() is not None, 60)
            assert study.poll() is None, finish(study)
            head.kill()
            time.sleep(25)
            study.send_signal(signal.SIGINT)
            status, out, complaints = finish(study)
        assert status == 130
        assert f"the Ray cluster at {head.address} cannot be reached; waiting for it" in out
        assert complaints.startswith("hpsearch: stopped; go on with `hpsearch resume --backend ray --scheduler ")
        head.start()
        with start(there, "resume", "long", *given) as study:
            done = epochs_done(there)
            until(lambda: epochs_done(there) > done, 60)
            head.kill()
            time.sleep(5)
            head.start()
            status, out, complaints = finish(study, 120)
        assert (status, complaints) == (0, ""), out
    finally:
        head.kill()
    assert digest_of(there, "long") == digest_of(tmp_path / "here", "long")


def drivers() -> list[int]:
    """The processes that this one has speaking to Ray."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline") as words, open(f"/proc/{name}/stat") as stat:
                ours = int(stat.read().rpartition(")")[2].split()[1]) == os.getpid()
                if ours and "ray_driver" in words.read():
                    found.append(int(name))
        except OSError:
            continue
    return found


@pytest.mark.long
@pytest.mark.parametrize("address", ["127.0.0.1:9", "http://127.0.0.1:9"])
def test_a_ray_that_does_not_answer_is_refused_in_one_line(address):
    said = rf"^--scheduler {address}: no Ray answers there \(.*\); `ray start --head` .*; one that asks for a token .*$"
    with pytest.raises(InputError, match=said):
        open_pool("ray", None, address)
