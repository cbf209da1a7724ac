"""The figures of pages: left blank, since each takes a tenth of a second and a page has ten, but where a test looks."""

import contextlib
from collections.abc import Iterator

import pytest

from hpsearch.reporting.figures import style

_draw = style._svg_file


def _blank(name: str, size: tuple[float, float], draw: object) -> str:
    return f'<svg viewBox="0 0 {size[0]} {size[1]}"></svg>'


@contextlib.contextmanager
def blank() -> Iterator[None]:
    """Leave them blank."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_svg_file", _blank)
        yield


@contextlib.contextmanager
def drawn() -> Iterator[None]:
    """Draw them, though they are left blank."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_svg_file", _draw)
        yield
