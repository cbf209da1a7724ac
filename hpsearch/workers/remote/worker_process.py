"""A process of ours beside a worker of Dask or Ray: makes the calls that arrive on its standard input.

May import NumPy, data, spec and the core.
"""

import os
import pickle
import queue
import signal
import threading
from typing import IO

from hpsearch.errors import raised
from hpsearch.workers.remote.messages import Done, Missing, Parcel, Raised, Refused, Reply
from hpsearch.workers.remote.pipes import own_streams, receive, send
from hpsearch.workers.segments.failures import TrainingError


def serve() -> None:
    """Make calls until the standard input ends, as it does when the worker is gone: then end at once."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's: the worker decides
    incoming, outgoing = own_streams()
    waiting: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(incoming, waiting), daemon=True).start()
    while True:
        send(outgoing, _pickled(_answer(waiting.get())))


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
        from hpsearch.workers.remote import compatibility
        from hpsearch.workers.remote.local_files import as_at_home, located

        parcel: Parcel = pickle.loads(content)
        if found := compatibility.differences(parcel.facts):
            return Refused("; ".join(found))
        given = located(parcel)
    except Exception as error:  # of a version so different that not even the parcel can be read; or of a sick disk
        return Refused(raised(error))
    if isinstance(given, Missing | Refused):
        return given
    try:
        return Done(parcel.function(given))
    except BaseException as error:
        return Raised(as_at_home(error, parcel.given, given))
