"""What a model carries with it in a file of its own, in place of files of this machine. May import trainables."""

from dataclasses import dataclass
from typing import Any

from hpsearch.trainables import Data


@dataclass(frozen=True, eq=False, repr=False)
class Carried:
    """The text of its model file, None of an installed class; the data that a trainable is made from; or an estimator
    as it was fitted, in the wrapper that checks what it returns.
    """

    text: str | None
    data: Data | None = None
    fitted: Any = None
