"""What all tests share: none of them touches the user's cache of prepared splits."""

import contextlib
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

import hypothesis
import made_once
import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is there: the tests already have a process a core
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of the many processes that they start compiles hpsearch anew
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

MEMORY, ROOM = Path("/dev/shm"), 4 << 30
"""A disk in memory, on which a commit and a deletion take no time, and what must be free there to use it."""

if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None

hypothesis.settings.register_profile("quick", max_examples=30, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=300, deadline=None)
hypothesis.settings.load_profile("quick")  # pytest --hypothesis-profile=thorough loads the other one later

LONG = """
cli_run_study docs_examples cli_bad_input search_growth search_same_result nn_solo_equals_cohort nn_torch
search_model_based nn_gradients reporting_figures reporting_documents reporting_formats reporting_escaping
storage_contract storage_upgrade storage_servers search_several_objectives workers_conformance workers_scheduled
workers_dask layout
"""
FIRST = {f"test_{name}.py" for name in LONG.split()}
"""The files that take longest: one that was begun last would keep one process busy when the other has no more to do."""

TOGETHER = {
    "servers": "storage_contract storage_objectives storage_servers",
    "torch": "nn_torch nn_class_weights nn_optimisers nn_regression_losses search_optuna_samplers spec_study "
    "workers_modules search_modules",
}
"""Files that one process is to run, since what they need takes seconds: servers that are started, PyTorch's import."""
GROUPS = {f"test_{name}.py": group for group, names in TOGETHER.items() for name in names.split()}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Hand out the tests file by file, but files of a group as if they were one."""
    from xdist.scheduler import LoadFileScheduling

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return GROUPS.get(path.rpartition("/")[2], path)

    return ByGroup(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]):
    items.sort(key=lambda item: item.path.name not in FIRST)


def pytest_collection_finish():
    """Leave the modules and tests that are there by now out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Give this session, and the processes it starts, a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _made_once():
    with made_once.migrations(), made_once.digits(), made_once.statements():
        yield


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hpsearch.storage.database import Database

    path = tmp_path_factory.mktemp("empty") / "study.db"
    Database(f"sqlite:///{path}", create=True).close()
    return path


@pytest.fixture(autouse=True, scope="module")
def _databases_are_copied(request: pytest.FixtureRequest, _made_once, _empty_database):
    """Begin a new database as a copy of an empty one, but in the tests of how one is made."""
    with contextlib.nullcontext() if request.path.name in made_once.MAKING else made_once.database(_empty_database):
        yield


@pytest.fixture(scope="session")
def _pools():
    pools = {}
    yield pools
    for pool in pools.values():
        pool.close()


@pytest.fixture(scope="module")
def shared_processes(_pools):
    """Lend the processes of one pool to all studies of a file that are run by `main` in this process."""
    with made_once.processes(_pools):
        yield


@pytest.fixture(autouse=True)
def _own_signals():
    """Give back the signals that `hpsearch launch` and `resume`, called in this process, took for themselves."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
