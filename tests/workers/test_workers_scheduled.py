"""Workers elsewhere, without Dask or Ray: an engine of threads, on what might be another machine."""

import contextlib
import dataclasses
import io
import os
import pickle
import shutil
import sys
import time
import types
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tiny import options, ranking, workspace
from worker_tasks import allocate, fails, ignore_and_sleep, leave, sleep

from hpsearch import data
from hpsearch.errors import InputError, ModelError
from hpsearch.search import launch
from hpsearch.spec import Configuration
from hpsearch.workers.models.plugin import read_plugin
from hpsearch.workers.pools import LimitReached, Limits, WorkerDied, WorkerLost, ray_driver
from hpsearch.workers.pools.engine import WorkerInfo
from hpsearch.workers.pools.scheduled import ScheduledPool, _packed
from hpsearch.workers.remote import compatibility, host
from hpsearch.workers.remote.messages import Died, Done, Reached
from hpsearch.workers.remote.pipes import receive
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task

NOWHERE = Path("/nowhere")


class Elsewhere:
    """An engine of two workers in threads; on their machine no path of ours is there, and the cache is empty."""

    name = "elsewhere"

    def __init__(self, *, numpy: str | None = None) -> None:
        self.present = {"one": WorkerInfo("one", 1), "two": WorkerInfo("two", 1)}
        self.numpy, self.bytes = numpy, 0
        self._threads = ThreadPoolExecutor(2)

    def workers(self):
        return dict(self.present)

    def start(self, request, among, *, urgent=False):
        self.bytes += len(request)
        return self._threads.submit(lambda: (among[0], host.call(self._moved(request))))

    def _moved(self, content: bytes) -> bytes:
        limits, packed = pickle.loads(content)
        request = pickle.loads(packed)
        if isinstance(request.given, Segment):
            segment = request.given
            there = {"split": NOWHERE / segment.split.name, "model": NOWHERE / segment.model.name}
            request = dataclasses.replace(request, given=dataclasses.replace(segment, **there))
        if self.numpy:
            request = dataclasses.replace(request, facts={**request.facts, "numpy": self.numpy})
        return pickle.dumps((limits, pickle.dumps(request)))

    def reconnect(self):
        pass

    def close(self):
        self._threads.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def apart(cache: Path):
    """A worker's processes, which are started anew with another cache than this process has."""
    started, hosts = host.Host.__init__, []

    def start(one):
        started(one)
        hosts.append(one)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "os", types.SimpleNamespace(environ=os.environ | {"XDG_CACHE_HOME": str(cache)}))
        patch.setattr(host, "_idle", [])
        patch.setattr(host.Host, "__init__", start)
        yield cache
        for one in hosts:
            one.end()


@pytest.fixture(autouse=True, scope="module")
def _shared(tmp_path_factory):
    """Processes that the tests share which do not look into their cache: each takes a second to start."""
    with apart(tmp_path_factory.mktemp("far")):
        yield


@pytest.fixture
def far(tmp_path):
    """The cache of processes of a test's own."""
    with apart(tmp_path / "far") as cache:
        yield cache


@pytest.fixture
def segment(tmp_path) -> Segment:
    workspace(tmp_path)
    training = {"lambda": 0.0, "eta": 0.1, "batch_size": 20, "epochs": 2}
    configuration = Configuration.from_json({"model": {"file": "models/mlp.py", "hidden": [8]}, "training": training})
    model = tmp_path / "models" / "mlp.py"
    split = data.prepare(data.load("digits"), train=110, validation=100, seed=0)
    return Segment((Task(1, configuration, ("coarse", 0)),), split, model, read_plugin(model).hash, 3, 0, 1, 2)


def pool_on(engine, told=None):
    pool = ScheduledPool(engine, None, (told if told is not None else []).append)
    pool.warm()
    return closing(pool)


class SlowToRead:
    """As the data of a call, or the modules that it needs, on a busy machine: so many seconds."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __reduce__(self):
        return time.sleep, (self.seconds,)


def test_the_time_of_a_call_begins_when_it_can_begin(monkeypatch):
    def answer(seconds):
        return pickle.loads(host.call(_packed(fails, SlowToRead(seconds), limits=Limits(seconds=0.2))))

    monkeypatch.setattr(host, "_idle", [])
    assert answer(0.0) == Done("fine")
    assert answer(0.5) == Done("fine")
    monkeypatch.setattr(host, "_START_SECONDS", 0.1)
    assert answer(9.0) == Reached("minutes", False)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_call_beyond_its_time_or_memory_is_ended_and_says_which():
    with pool_on(Elsewhere()) as pool:
        deaf = pool.submit(ignore_and_sleep, 60.0, Limits(seconds=0.3))
        with pytest.raises(LimitReached) as slow:
            deaf.result(30)
        grows = pool.submit(allocate, 60.0, Limits(memory=300_000_000, fresh=True))
        with pytest.raises(LimitReached) as large:
            grows.result(30)
        assert (slow.value.key, large.value.key, large.value.fresh) == ("minutes", "memory", True)
        assert pool.submit(sleep, 0.1, Limits(seconds=60, memory=300_000_000)).result(30) > 0


@pytest.mark.long
def test_the_split_and_the_model_file_reach_a_machine_that_has_neither_once(segment, far):
    told: list[str] = []
    with pool_on(Elsewhere(), told) as pool:
        futures = [pool.submit(run_segment, segment) for _ in range(3)]
        found = [future.result(60).tasks[0] for future in futures]
        pool.poll()
    assert {task.state for task in found} == {run_segment(segment).tasks[0].state}
    assert sum(line.startswith("sending the prepared split (") for line in told) == 1
    assert (far / "hpsearch" / "splits" / segment.split.name).is_dir()
    assert (far / "hpsearch" / "models" / segment.model_hash / "mlp.py").read_bytes() == segment.model.read_bytes()


@pytest.mark.slow
def test_a_split_that_a_machine_has_deleted_is_sent_again(segment, far):
    with pool_on(Elsewhere()) as pool:
        pool.submit(run_segment, segment).result(60)
        shutil.rmtree(far / "hpsearch" / "splits" / segment.split.name)
        assert pool.submit(run_segment, segment).result(60).tasks[0].failed is None


@pytest.mark.slow
def test_a_machine_that_cannot_store_the_split_is_refused(segment, far):
    far.mkdir()
    (far / "hpsearch").write_text("a file where a folder is wanted")
    told: list[str] = []
    with pool_on(Elsewhere(), told) as pool:
        with pytest.raises(WorkerLost):
            pool.submit(run_segment, segment).result(60)
        with pytest.raises(
            InputError, match=r"^no worker of elsewhere can be used: workers one, two: .* cannot be stored"
        ):
            pool.poll()
    assert any("workers one, two are refused: " in line and "cannot be stored" in line for line in told)


def test_the_version_of_numpy_is_that_of_what_is_loaded(monkeypatch):
    monkeypatch.setattr("numpy.__version__", "1.0")
    assert compatibility.facts.__wrapped__()["numpy"] == "1.0"


@pytest.mark.slow
def test_a_worker_with_another_version_of_what_the_model_imports_is_refused():
    wanted = compatibility.facts_for("import torch\nfrom numpy import array\nfrom pytest import raises")
    assert wanted["pytest"] == pytest.__version__
    assert compatibility.differences(wanted) == []
    others = {**wanted, "pytest": "1.0", "no-such-package": "2.0"}
    rule = f"pytest {pytest.__version__}, here 1.0", "no-such-package none, here 2.0"
    assert compatibility.differences(others) == [*rule]
    assert "pytest" not in compatibility.facts_for("import math, hpsearch.nn")


def test_a_pool_that_was_closed_starts_nothing_more_and_settles_all():
    engine = Elsewhere()
    with pool_on(engine) as pool:
        under_way = pool.submit(sleep, 60.0)
    after = pool.submit(fails, "")
    for future in (under_way, after):
        with pytest.raises(WorkerLost, match="the pool was closed"):
            future.result(5)


@pytest.mark.long
def test_a_study_elsewhere_has_the_ranking_of_one_here(tmp_path, monkeypatch):
    def elsewhere(backend, workers, scheduler, say):
        return ScheduledPool(Elsewhere(), None, say)

    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        launch.launch(workspace(tmp_path / folder), options(tmp_path / folder))
        monkeypatch.setattr("hpsearch.search.run.open_pool", elsewhere)
    assert ranking(tmp_path / "here") == ranking(tmp_path / "there")


def test_a_dead_process_is_distinguished_from_an_exception():
    with pool_on(Elsewhere()) as pool:
        with pytest.raises(WorkerDied, match="its process ended \\(exit status 3\\)"):
            pool.submit(leave, 3).result(30)
        with pytest.raises(ValueError, match="no"):
            pool.submit(fails, "no").result(30)
        assert pool.submit(fails, "").result(30) == "fine"


@pytest.mark.long
def test_a_call_on_a_worker_that_is_gone_is_lost():
    engine = Elsewhere()
    with pool_on(engine) as pool:
        future = pool.submit(sleep, 60.0)
        engine.present = {}
        with pytest.raises(WorkerLost, match="its worker is gone"):
            future.result(30)
        assert pool.capacity == 0


@pytest.mark.slow
def test_after_an_engine_took_no_call_none_is_tried_until_it_was_asked_who_is_there(monkeypatch):
    engine = Elsewhere()
    with pool_on(engine) as pool:
        pool._closing.set()
        pool._watch.join()  # whoever asks
        assert pool.capacity == 2
        monkeypatch.setattr(engine, "start", lambda *given, **more: 1 / 0)
        with pytest.raises(WorkerLost, match="ZeroDivisionError"):
            pool.submit(fails, "").result(5)
        assert pool.capacity == 0


@pytest.mark.slow
def test_workers_with_another_numpy_are_refused_in_one_line():
    rule = r"no worker of elsewhere can be used: workers one, two: numpy \S+, here 1.0"
    with (
        closing(ScheduledPool(Elsewhere(numpy="1.0"), None, print)) as pool,
        pytest.raises(InputError, match=rule),
    ):
        pool.warm()


def test_a_model_that_fails_has_the_same_reason_as_on_the_coordinator(segment):
    segment.model.write_text(segment.model.read_text() + "\nraise RuntimeError('in ' + __file__)\n")
    changed = dataclasses.replace(segment, model_hash="0")
    with pool_on(Elsewhere()) as pool, pytest.raises(ModelError, match="cannot be imported") as caught:
        pool.submit(run_segment, changed).result(30)
    assert str(segment.model) in str(caught.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Memory on the node (IP: a) was 6.78GB used / 23.50GB (0.28)", "6.78GB of 23.50GB were"),
        ("no memory", "too much was"),
    ],
)
def test_a_call_whose_worker_ray_ended_for_want_of_memory_has_died(said, reason):
    """Else the study would stop after ten lost workers, and again after each resume."""

    class OutOfMemoryError(Exception):
        pass

    outgoing, done = io.BytesIO(), Future()
    driver = ray_driver.Driver(outgoing)
    driver._ray = types.SimpleNamespace(
        exceptions=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError, RayTaskError=ZeroDivisionError)
    )
    done.set_exception(OutOfMemoryError(said))
    driver._take(7, "node", done)
    number, (node, reply), error = pickle.loads(receive(io.BytesIO(outgoing.getvalue())))
    assert (number, node, error) == (7, "node", None)
    expected = f"out of memory: {reason} used on the node, which is more than Ray allows"
    assert pickle.loads(reply) == Died("Ray ended its worker", expected)
