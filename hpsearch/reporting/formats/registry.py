"""The formats that a report can be written in. May import the formats."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from hpsearch.errors import InputError, nearest
from hpsearch.reporting.formats import csv, html, images, latex, markdown, parquet, pdf
from hpsearch.reporting.formats.content import Content, Files


@dataclass(frozen=True)
class Format:
    """A format: the function that returns its files, the main one first, and what must be installed for it."""

    files: Callable[[Content], Files]
    library: str | None = None
    extra: str = ""
    """The extra of hpsearch that installs the library."""


FORMATS = {
    "html": Format(html.files),
    "pdf": Format(pdf.files, "fpdf", "pdf"),
    "md": Format(markdown.files),
    "tex": Format(latex.files),
    "csv": Format(csv.files),
    "parquet": Format(parquet.files, "pyarrow", "parquet"),
    "png": Format(images.png_files),
    "svg": Format(images.svg_files),
}
"""The formats by name. Of several that are written at once, the main file of the first is the one to open."""

DEFAULT = ("html", "md", "csv")


def parse_formats(text: str) -> tuple[str, ...]:
    """Return the formats in a comma list. Raises InputError for an unknown one and for a library that is missing.

    >>> parse_formats("html, csv")
    ('html', 'csv')
    """
    formats = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if not formats:
        raise InputError(f"--format must name a format, got {text!r}{nearest(text, FORMATS)}")
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"--format: {name!r} is not a format{nearest(name, FORMATS)}")
        needed = FORMATS[name]
        if needed.library and find_spec(needed.library) is None:
            install = f"pip install 'hpsearch[{needed.extra}]'"
            raise InputError(f"--format {name} needs {needed.library}, which is not installed: {install}")
    return formats


def report_files(content: Content) -> Files:
    """Return the files of a report in all its formats, the one to open first."""
    found: Files = {}
    for name, each in FORMATS.items():
        if name in content.formats:
            found |= each.files(content)
    return found
