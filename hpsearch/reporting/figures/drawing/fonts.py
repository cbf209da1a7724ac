"""The fonts of files, and texts of which they lack characters. May import the standard library."""

from collections.abc import Container
from importlib.util import find_spec
from pathlib import Path


def dejavu(name: str = "DejaVuSans") -> Path:
    """Return the file of a font that comes with matplotlib, which is not imported."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"


def written(text: str, *known: Container[int]) -> str:
    """Write each character that is not among all the known ones as its number.

    >>> written("λ 猫", {ord("λ")})
    'λ [U+732B]'
    """
    return "".join(
        each if each.isspace() or all(ord(each) in font for font in known) else f"[U+{ord(each):04X}]" for each in text
    )
