"""Ctrl-C and other signals to stop: the first stops after running segments, the second at once. May import
`hpsearch.platform`.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from hpsearch.platform import STOP_SIGNALS

PATIENCE = 10.0
"""Seconds that running segments get to finish after the first Ctrl-C."""


class Interrupts:
    """Counts the signals to stop while it is active, instead of raising KeyboardInterrupt."""

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` asks
                    self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
