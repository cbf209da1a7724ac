"""The same on a database server that is killed or restarted as well, for `scripts/torture`."""

import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from torture_checks import GONE_SECONDS, patience
from torture_faults import ENDS, FAULTS
from torture_run import KINDS, MOMENTS, Tortured

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import servers

from hpsearch.storage.places import place_of

servers._FAST.pop("synchronous_commit", None)  # a commit must outlive the server's processes


def kill_server(run: Any) -> None:
    """Kill the server, and start it again after a while."""
    _away(run, signal.SIGKILL)


def restart_server(run: Any) -> None:
    """Restart the server as its keeper would."""
    _away(run, signal.SIGINT)


def _away(run: Any, number: int) -> None:
    server = servers.server(run.kind)
    server.stop(number)
    time.sleep(run.rng.choice([0.0, 0.3, 3.0]))
    server.start()


SERVER_FAULTS = {"kill -9 the server": kill_server, "a restarted server": restart_server}
FAULTS.update(SERVER_FAULTS)
ENDS.update(dict.fromkeys(SERVER_FAULTS, ("the connection to the server was lost", "the server cannot be reached")))


@dataclass
class OnServer(Tortured):
    """A study in a database of its own on a server, which this process has started."""

    kinds = tuple(kind for kind in KINDS if kind != "a full disk") + 3 * tuple(SERVER_FAULTS)
    moments = tuple(moment for moment in MOMENTS if moment != "commit")  # which is seen of a file only
    kind = "postgresql"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._url = servers.server(self.kind).new_database()

    @property
    def url(self) -> str:
        return self._url

    def check_database(self) -> None:
        """Check that nobody has the study, once the server knows who is dead, and that what is stored fits together."""
        deadline = time.monotonic() + patience(GONE_SECONDS)
        while place_of(self.url).is_held(1):
            self._expect(time.monotonic() < deadline, "the study's lock is held")
            time.sleep(0.1)
        self._check_integrity(self.url)

    def _ask(self, query: str) -> int:
        engine = place_of(self.url).reader_engine()
        try:
            with engine.connect() as connection:
                return connection.exec_driver_sql(query).scalar() or 0
        except sqlalchemy.exc.SQLAlchemyError:  # before there are tables
            return 0
        finally:
            engine.dispose()
