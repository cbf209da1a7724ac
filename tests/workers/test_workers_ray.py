"""A study on a Ray of its own: the same ranking as on this machine, and nothing of Ray is left afterwards."""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import LONG, ROOT, finish, options, ranking, rows, start, until, workspace

from hpsearch.search import launching

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("ray"), reason="ray, which --backend ray needs, is missing"
)

SECONDS = LONG.replace("epochs = 3000", "epochs = 60")
PROGRAM = """\
from contextlib import closing
from hpsearch.workers.pools import WorkerDied, open_pool
from worker_tasks import blas_threads, fails, leave, sleep

with closing(open_pool("ray", 2)) as pool:
    pool.warm()
    assert pool.capacity == 2
    assert pool.submit(sleep, 0.0).result(60)
    assert pool.submit(blas_threads, None).result(60) == {1}
    for function, given, error in ((fails, "no", ValueError), (leave, 3, WorkerDied)):
        try:
            pool.submit(function, given).result(60)
        except error as found:
            print(found)
"""


def test_a_pool_on_ray_does_what_any_pool_does():
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "workers")])
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "no\nits process ended (exit status 3)\n"), done.stderr


def epochs_done(folder: Path) -> int:
    with contextlib.suppress(Exception):
        return sum(row["epochs_done"] for row in rows(folder))
    return 0


def test_a_study_on_ray_stopped_by_ctrl_c_resumes_on_ray_to_the_ranking_of_one_here(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        workspace(tmp_path / folder, SECONDS, "long.toml")
    launching.launch(tmp_path / "here" / "studies" / "long.toml", options(tmp_path / "here"))
    there, given = tmp_path / "there", ("--backend", "ray", "--workers", "2")
    with start(there, "launch", "studies/long.toml", *given) as study:
        until(lambda: epochs_done(there) > 0, 60)
        study.send_signal(signal.SIGINT)
        status, _, complaints = finish(study)
        assert status == 130
        assert re.fullmatch(r"hpsearch: stopped; go on with `hpsearch resume --backend ray .*`\n", complaints)
    with start(there, "resume", "long", *given) as study:
        assert finish(study, 120)[::2] == (0, "")
    assert ranking(there, "long") == ranking(tmp_path / "here", "long")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense"])
def test_a_ray_that_does_not_answer_is_refused_in_one_line(tmp_path, address):
    workspace(tmp_path)
    with start(tmp_path, "launch", "studies/tiny.toml", "--backend", "ray", "--scheduler", address) as study:
        status, _, complaints = finish(study, 120)
    assert status == 2
    assert re.fullmatch(rf"hpsearch: --scheduler {address}: no Ray answers there \(.*\n", complaints)
    assert not (tmp_path / "study.db").exists()
