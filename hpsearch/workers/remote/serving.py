"""A process of ours beside a worker of Dask or Ray: makes the calls that arrive on its standard input.

May import NumPy, data, spec and the core.
"""

import os
import pickle
import queue
import signal
import threading
from typing import IO

from hpsearch.workers.failing import TrainingError
from hpsearch.workers.remote.hosting import HEAD, receive
from hpsearch.workers.remote.parcels import Done, Missing, Parcel, Raised, Refused, Reply


def serve() -> None:
    """Make calls until the standard input ends, as it does when the worker is gone: then end at once."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's: the worker decides
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what a model file prints
    waiting: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(incoming, waiting), daemon=True).start()
    while True:
        reply = _pickled(_answer(waiting.get()))
        outgoing.write(HEAD.pack(len(reply)) + reply)
        outgoing.flush()


def _listen(incoming: IO[bytes], waiting: "queue.Queue[bytes]") -> None:
    while (parcel := receive(incoming)) is not None:
        waiting.put(parcel)
    os._exit(0)


def _pickled(reply: Reply) -> bytes:
    try:
        content = pickle.dumps(reply)
        if isinstance(reply, Raised):
            pickle.loads(content)  # many an error can be pickled, but not be had back
    except Exception as error:
        return pickle.dumps(Raised(TrainingError.of(reply.error if isinstance(reply, Raised) else error)))
    return content


def _answer(content: bytes) -> Reply:
    try:
        from hpsearch.workers.remote import facts
        from hpsearch.workers.remote.placing import as_at_home, located

        parcel: Parcel = pickle.loads(content)
        if found := facts.differences(parcel.facts, facts.facts()):
            return Refused("; ".join(found))
    except Exception as error:  # of a version so different that not even the parcel can be read
        return Refused(f"{type(error).__name__}: {error}")
    given = located(parcel)
    if isinstance(given, Missing | Refused):
        return given
    try:
        return Done(parcel.function(given))
    except BaseException as error:
        return Raised(as_at_home(error, parcel.given, given))
