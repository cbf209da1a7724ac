"""What all tests share: none of them touches the user's cache of prepared splits."""

import os
import signal

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is there: the tests already have a process a core
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of the many processes that they start compiles hpsearch anew

DRAWN = {f"test_reporting_{name}.py" for name in ("documents", "escaping", "figures", "formats", "large", "pruning")}
"""The tests that look at figures."""


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Give this session, and the processes it starts, a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _migrations_read_once():
    """Let Optuna import its migrations once a process: for each new database again, they were a third of the suite."""
    from optuna.storages._rdb.storage import _VersionManager as Versions

    read, directories = Versions._create_alembic_script, []

    def once(self):
        if not directories:
            directories.append(read(self))
        return directories[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Versions, "_create_alembic_script", once)
        yield


@pytest.fixture(autouse=True, scope="module")
def _blank_figures(request: pytest.FixtureRequest):
    """Leave a page's figures blank but where the test of them is: each takes a tenth of a second, each page ten."""
    if request.path.name in DRAWN:
        yield
        return
    from hpsearch.reporting.figures import style

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_svg_file", lambda _, size, __: f'<svg viewBox="0 0 {size[0]} {size[1]}"></svg>')
        yield


@pytest.fixture(autouse=True)
def _own_signals():
    """Give back the signals that `hpsearch launch` and `resume`, called in this process, took for themselves."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
