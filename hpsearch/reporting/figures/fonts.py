"""The fonts of figures as files and of the PDF: what none of them has is written as its number, never left out.

May import matplotlib, whose DejaVu Sans is always there. In the page the browser chooses the fonts.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

FURTHER = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("PingFang SC", "Hiragino Sans", "Microsoft YaHei", "SimHei", "Droid Sans Fallback"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai"),
    *("Noto Emoji", "Symbola", "Segoe UI Symbol", "Unifont"),
)
"""Further fonts, used where they are installed; none with colours, which matplotlib does not draw."""


def dejavu(name: str = "DejaVuSans") -> Path:
    """Return the file of a font that comes with matplotlib."""
    return Path(mpl.get_data_path()) / "fonts/ttf" / f"{name}.ttf"


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the installed fonts, in the order in which a character is looked for."""
    installed = set(fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in FURTHER if name in installed))


@lru_cache(maxsize=1)
def _drawn() -> frozenset[int]:
    further = [entry.fname for entry in fontManager.ttflist if entry.name in families()[1:]]
    return frozenset().union(*(characters(Path(file)) for file in (dejavu(), *further)))


@lru_cache(maxsize=32)
def characters(font: Path) -> frozenset[int]:
    """Return the code points that a font has."""
    return frozenset(FT2Font(str(font)).get_charmap())


def written(text: str, known: frozenset[int]) -> str:
    """Write each character that is not among the known ones as its number.

    >>> written("λ 猫", characters(dejavu()))
    'λ [U+732B]'
    """
    return "".join(each if ord(each) in known or each.isspace() else f"[U+{ord(each):04X}]" for each in text)


def _written_out(write: Callable[..., str], known: frozenset[int]) -> Callable[..., str]:
    return lambda *given: written(write(*given), known)


def write_out(figure: Figure) -> None:
    """Write out, in all texts of a figure, the characters that no installed font has."""
    known = _drawn()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FuncFormatter):  # also that of ticks with given texts
                formatter.func = _written_out(formatter.func, known)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(written(text.get_text(), known))
