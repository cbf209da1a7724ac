"""Errors of a model file during training, as texts. May import `hpsearch.errors`."""

import traceback

from hpsearch.errors import HpsearchError

MAX_CHARACTERS = 300
"""The most characters of a trial's reason; its traceback has the whole error."""


class TrainingError(Exception):
    """What a model file raised, as text: its exceptions may not unpickle in another process, or end it (`sys.exit`).

    `str(error)` is one line, `trace` the whole traceback.
    """

    def __init__(self, reason: str, trace: str) -> None:
        super().__init__(reason, trace)
        self.reason, self.trace = reason, trace

    def __str__(self) -> str:
        return self.reason

    @classmethod
    def of(cls, error: BaseException) -> "TrainingError":
        """The text of an error, even of one whose `str()` raises."""
        formatted = traceback.TracebackException.from_exception(error)
        text = " ".join(str(formatted).split())
        kind = "" if isinstance(error, HpsearchError) else type(error).__name__  # the text of ours is complete
        reason = ": ".join(filter(None, (kind, text)))
        return cls(
            reason if len(reason) <= MAX_CHARACTERS else f"{reason[:MAX_CHARACTERS]}…", "".join(formatted.format())
        )
