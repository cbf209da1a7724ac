"""The report's page as a sequence of blocks, for the formats other than HTML. May import the standard library only.

The page is the only place where a report is composed. The other formats are read from it, so that all have the same
content. Texts come out unescaped, and each format escapes them by its own rules.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(frozen=True)
class Heading:
    """A heading; 1 is the title's level."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text, or one entry of a list."""

    text: str
    listed: bool = False


@dataclass(frozen=True)
class Verbatim:
    """Preformatted lines."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table of texts; `left` says of each column whether it is text, which is aligned left."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[bool, ...]


@dataclass(frozen=True)
class FigureBlock:
    """A figure by its name, and its alternative text."""

    name: str
    alt: str


@dataclass(frozen=True)
class Images:
    """A montage: images, as PNG files, with their captions; its name is the class of the list."""

    name: str
    images: tuple[tuple[str, bytes], ...]


Block = Heading | Paragraph | Verbatim | Table | FigureBlock | Images

_VOID = {"meta", "link", "img", "br", "input", "hr", "wbr"}
_DRAWING = re.compile(r"(<svg\b[^>]*>).*?</svg>", re.DOTALL)
"""A figure, of which only the opening tag counts: what is in it is most of a page's tags."""

_SKIPPED = {"head", "nav", "script", "style", "svg", "button"}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4}
_PAGE_ONLY = {"legend", "off", "kind"}
"""Classes of elements that only the page shows: figures as files have their own legends."""
_TEXTS = {*_HEADINGS, "p", "li", "th", "td", "pre", "figcaption", "summary", "dt", "dd"}


def outline(page: str) -> list[Block]:
    """Return the blocks of a page that our templates rendered, in order."""
    reader = _Reader()
    reader.feed(_DRAWING.sub(r"\1</svg>", page))
    reader.close()
    return reader.blocks


@dataclass
class _Row:
    cells: list[str] = field(default_factory=list)
    left: list[bool] = field(default_factory=list)
    heading: bool = True


class _Reader(HTMLParser):
    """Reads our own page, which is well-formed and has its texts in the elements named above."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._skipping = 0
        self._texts: list[tuple[str, bool, list[str]]] = []
        self._rows: list[_Row] | None = None
        self._list = ""
        self._images: list[tuple[str, bytes]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "svg" and "data-figure" in given and not self._skipping:
            self.blocks.append(FigureBlock(given["data-figure"], given.get("aria-label", "")))
        page_only = given.get("aria-hidden") == "true" or not _PAGE_ONLY.isdisjoint(given.get("class", "").split())
        if self._skipping or tag in _SKIPPED or page_only:
            self._skipping += tag not in _VOID
        elif tag == "table":
            self._rows = []
        elif tag == "ul":
            self._list = given.get("class", "")
        elif tag == "tr" and self._rows is not None:
            self._rows.append(_Row())
        elif tag == "br" and self._texts:
            self._texts[-1][2].append(" ")
        elif tag == "img" and given.get("src", "").startswith("data:image/png;base64,"):
            self._images.append((given.get("alt", ""), base64.b64decode(given["src"].partition(",")[2])))
        elif tag in _TEXTS:
            self._texts.append((tag, "text" in given.get("class", "").split(), []))

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= tag not in _VOID
        elif tag == "table" and self._rows is not None:
            self.blocks += _table(self._rows)
            self._rows = None
        elif tag == "ul" and self._images:
            self.blocks.append(Images(self._list or "images", tuple(self._images)))
            self._images = []
        elif self._texts and tag == self._texts[-1][0]:
            name, left, parts = self._texts.pop()
            self._add(name, left, "".join(parts))

    def handle_data(self, data: str) -> None:
        if self._texts and not self._skipping:
            self._texts[-1][2].append(data)

    def _add(self, tag: str, left: bool, text: str) -> None:
        if tag == "pre":
            self.blocks.append(Verbatim(text.strip("\n")))
            return
        text = " ".join(text.split())
        if tag in ("th", "td"):
            if self._rows:
                row = self._rows[-1]
                row.cells.append(text)
                row.left.append(left)
                row.heading &= tag == "th"
        elif tag == "li" and self._images:
            self._images[-1] = (text, self._images[-1][1])
        elif text and tag in _HEADINGS:
            self.blocks.append(Heading(_HEADINGS[tag], text))
        elif text:
            self.blocks.append(Paragraph(text, tag == "li"))


def _table(rows: list[_Row]) -> Iterable[Table]:
    width = max((len(row.cells) for row in rows), default=0)
    if not width:
        return
    header = rows.pop(0).cells if rows[0].heading else []
    cells = [[*row.cells, *[""] * (width - len(row.cells))] for row in rows]
    left = (rows[0] if rows else _Row()).left
    yield Table(
        (*header, *[""] * (width - len(header))),
        tuple(tuple(row) for row in cells),
        (*left, *[False] * (width - len(left))),
    )


def shortened(text: str, length: int) -> str:
    """Return a text cut to a length: a name from a user or a model can be a page long."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
