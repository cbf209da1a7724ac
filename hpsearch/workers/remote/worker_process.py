"""A process of ours beside a worker of Dask or Ray: runs the calls from its standard input.

May import NumPy, data, spec and the core.
"""

import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from typing import IO

from hpsearch.errors import raised
from hpsearch.platform import TERMINAL_SIGNALS
from hpsearch.workers.remote.messages import Done, Missing, Raised, Refused, Reply, Request
from hpsearch.workers.remote.pipes import BEGUN, own_streams, receive, send
from hpsearch.workers.segments.failures import TrainingError


def serve() -> None:
    """Run calls until the standard input ends, as it does when the worker is gone: then end at once."""
    for number in TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # the worker decides
    incoming, outgoing = own_streams()
    waiting: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(incoming, waiting), daemon=True).start()
    while True:
        send(outgoing, _pickled(_answer(waiting.get(), lambda: send(outgoing, BEGUN))))


def _listen(incoming: IO[bytes], waiting: "queue.Queue[bytes]") -> None:
    while (request := receive(incoming)) is not None:
        waiting.put(request)
    os._exit(0)


def _pickled(reply: Reply) -> bytes:
    try:
        content = pickle.dumps(reply)
        if isinstance(reply, Raised):
            pickle.loads(content)  # some errors can be pickled, but not unpickled
    except Exception as error:
        return pickle.dumps(Raised(TrainingError.of(reply.error if isinstance(reply, Raised) else error)))
    return content


def _answer(content: bytes, begins: Callable[[], None]) -> Reply:
    try:
        from hpsearch.workers.remote import compatibility
        from hpsearch.workers.remote.local_files import located, with_coordinator_paths

        request: Request = pickle.loads(content)
        if found := compatibility.differences(request.facts):
            return Refused("; ".join(found))
        given = located(request)
    except Exception as error:  # of a version so different that not even the request can be read; or of a failing disk
        return Refused(raised(error))
    if isinstance(given, Missing | Refused):
        return given
    begins()
    try:
        return Done(request.function(given))
    except BaseException as error:
        return Raised(with_coordinator_paths(error, request.given, given))
