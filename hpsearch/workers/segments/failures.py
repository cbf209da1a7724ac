"""What goes wrong in a model file while it trains, in words. May import `hpsearch.errors`."""

import traceback

from hpsearch.errors import HpsearchError

MOST_WORDS = 300
"""So many characters of what went wrong in a model file are a trial's reason; its traceback has the others."""


class TrainingError(Exception):
    """What a model file raised, as text: its own errors may not cross to another process, or end it (`sys.exit`).

    `str(error)` is one line, `trace` the whole traceback.
    """

    def __init__(self, reason: str, trace: str) -> None:
        super().__init__(reason, trace)
        self.reason, self.trace = reason, trace

    def __str__(self) -> str:
        return self.reason

    @classmethod
    def of(cls, error: BaseException) -> "TrainingError":
        """Put into words, whatever the error makes of `str()`."""
        told = traceback.TracebackException.from_exception(error)
        words = " ".join(str(told).split())
        kind = "" if isinstance(error, HpsearchError) else type(error).__name__  # ours say all of it by themselves
        reason = ": ".join(filter(None, (kind, words)))
        return cls(reason if len(reason) <= MOST_WORDS else f"{reason[:MOST_WORDS]}…", "".join(told.format()))
