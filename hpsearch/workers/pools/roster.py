"""The workers of an engine, and which of them can be used. May import `hpsearch.errors`."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hpsearch.errors import HpsearchError, InputError
from hpsearch.workers.pools.engine import WorkerInfo

_MOST_NAMED = 3


@dataclass
class _Known:
    room: WorkerInfo
    state: str = "checking"  # then "used" or "refused"
    why: str = ""


class Roster:
    """The workers of an engine: checked as they join, then used or refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._slots = 0
        self._used: tuple[str, ...] = ()
        self._proven = self._silent = False
        self._reported: tuple[str, ...] = ()
        self._new_refusals: dict[str, list[str]] = {}

    @property
    def slots(self) -> int:
        """How many segments the workers in use run at once."""
        return self._slots

    @property
    def used(self) -> tuple[str, ...]:
        """The workers in use."""
        return self._used

    @property
    def checking(self) -> bool:
        """Is the check of a worker still running?"""
        with self._lock:
            return any(known.state == "checking" for known in self._known.values())

    def update(self, present: Mapping[str, WorkerInfo]) -> list[str]:
        """Note which workers are present; return the new ones."""
        with self._lock:
            new = [worker for worker in present if worker not in self._known]
            self._known = {worker: self._known.get(worker) or _Known(room) for worker, room in present.items()}
            self._count()
        return new

    def use(self, worker: str) -> None:
        """A worker can be used."""
        with self._lock:
            if worker in self._known:
                self._known[worker].state = "used"
                self._count()

    def prove(self) -> None:
        """A worker finished a call, so that waiting for such a worker makes sense."""
        self._proven = True

    def refuse(self, worker: str, why: str) -> None:
        """A worker cannot be used."""
        with self._lock:
            known = self._known.get(worker)
            if known and known.state != "refused":
                known.state, known.why = "refused", why
                self._new_refusals.setdefault(why, []).append(known.room.shown)
                self._count()

    def forget(self, worker: str) -> None:
        """A worker did not answer: it is checked again if it is still present."""
        with self._lock:
            self._known.pop(worker, None)
            self._count()

    def _count(self) -> None:
        used = {worker: known.room.slots for worker, known in self._known.items() if known.state == "used"}
        self._used, self._slots = tuple(sorted(used)), sum(used.values())

    def news(self) -> Iterator[str]:
        """Messages on the changes since the last call, a line each."""
        with self._lock:
            refusals, self._new_refusals = self._new_refusals, {}
            before, self._reported = self._reported, self._used
            now, slots = self._used, self._slots
        for why, names in refusals.items():
            yield f"{_listed(names)} {'is' if len(names) == 1 else 'are'} refused: {why}"
        if now != before:
            yield f"{len(now)} worker{'s' * (len(now) != 1)} now, for {slots} segment{'s' * (slots != 1)} at once"
        elif not now and not self._silent:
            yield f"no worker at {self.name} yet; waiting for one"
        self._silent = True

    def require_usable(self) -> None:
        """Raise InputError if all present workers are refused, and none before them finished a call."""
        with self._lock:
            refused = [known for known in self._known.values() if known.state == "refused"]
            if self._proven or not refused or len(refused) < len(self._known):
                return
        shown = f"{_listed([known.room.shown for known in refused])}: {refused[0].why}"
        raise InputError(f"no worker of {self.name} can be used: {shown}")


def gone(name: str, seconds: float, why: str) -> HpsearchError:
    """The error of an engine that did not come back."""
    return HpsearchError(f"{name} has been unavailable for {seconds:.0f} s ({why}); resume when it is available again")


def _listed(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return f"worker{'s' * (len(names) != 1)} {', '.join(names[:_MOST_NAMED])}{more}"
