"""The report as Markdown that a code host shows. May import our outline and words."""

from collections.abc import Mapping, Sequence

from hpsearch.reporting import formatting
from hpsearch.reporting.formats.outline import (
    Block,
    FigureBlock,
    Heading,
    Images,
    Paragraph,
    Table,
    Verbatim,
    shortened,
)

_CELL, _TEXT = 400, 4_000
"""At most so many characters of a cell and of a paragraph are shown."""


def document(blocks: Sequence[Block], figures: Mapping[str, str]) -> str:
    """Return the whole report; `figures` has the paths of the figures that were written as files, by name."""
    parts: list[str] = []
    for index, block in enumerate(blocks):
        text = _block(block, figures)
        if not text:
            continue
        before = blocks[index - 1] if index else None
        tight = isinstance(block, Paragraph) and isinstance(before, Paragraph) and block.listed and before.listed
        parts.append(text if tight or not parts else f"\n{text}")
    return "".join(parts)


def _block(block: Block, figures: Mapping[str, str]) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {formatting.markdown(shortened(block.text, _CELL))}\n"
    if isinstance(block, Paragraph):
        text = formatting.markdown(shortened(block.text, _TEXT))
        return f"- {text}\n" if block.listed else f"{_not_a_list(text)}\n"
    if isinstance(block, Verbatim):
        longest = max((len(run) for run in _runs(block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}\n{block.text}\n{fence}\n"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, FigureBlock):
        return _image(block.alt, figures[block.name]) if block.name in figures else ""
    return _image("the images", figures[block.name]) if isinstance(block, Images) and block.name in figures else ""


def _image(alt: str, path: str) -> str:
    return f"![{formatting.markdown(shortened(alt, _CELL))}]({path})\n"


def _not_a_list(text: str) -> str:
    """Keep a paragraph's first character from making it a list: `-`, `+` and `1.` do, at the start of a line."""
    head = text.split(" ", 1)[0]
    return f"\\{text}" if text[:1] in "-+=" else text.replace(".", "\\.", 1) if head[:-1].isdigit() else text


def _runs(text: str) -> list[str]:
    """Return the runs of backticks in a text."""
    return "".join(each if each == "`" else " " for each in text).split()


def _table(table: Table) -> str:
    marks = ["---" if left else "---:" for left in table.left]
    lines = [table.header, marks, *table.rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text if set(text) <= {"-", ":"} and len(text) > 2 else formatting.markdown(shortened(text, _CELL))
