"""Rich's console: its own codes reach the terminal, those in texts of others do not. May import rich."""

import sys
from collections.abc import Iterable
from typing import Any, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from hpsearch.api.streams import SafeStream, safe
from hpsearch.text import visible


class SafeConsole(Console):
    """A console on standard output, or on no stream where there is none."""

    def __init__(self, **given: Any) -> None:
        plain = cast("SafeStream", safe(sys.stdout)).plain
        super().__init__(file=cast("Any", plain), **given)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
