"""Warnings of other people's code, silenced: a metric says what is wrong by its value. May import NumPy."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_LOCK = threading.RLock()
"""Warning filters belong to the process: two threads that leave in the wrong order would leave the wrong ones."""


@contextmanager
def quiet() -> Iterator[None]:
    """Show no warnings inside, neither Python's nor NumPy's."""
    with _LOCK, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
