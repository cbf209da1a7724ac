"""The formats that a report can be written in. May import the formats."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from hpsearch.errors import InputError, nearest
from hpsearch.reporting.formats.content import Content, Files


@dataclass(frozen=True)
class Format:
    """A format: its module, the function there that returns its files, the main one first, and what it needs."""

    module: str
    function: str = "files"
    library: str | None = None
    extra: str = ""
    """The extra of hpsearch that installs the library."""

    def files(self, content: Content) -> Files:
        """Return the files. Imports the module, and with some matplotlib, only now."""
        module = import_module(f"hpsearch.reporting.formats.{self.module}")
        found: Files = getattr(module, self.function)(content)
        return found


FORMATS = {
    "html": Format("html"),
    "pdf": Format("pdf", library="fpdf", extra="pdf"),
    "md": Format("markdown"),
    "tex": Format("latex"),
    "csv": Format("csv"),
    "parquet": Format("parquet", library="pyarrow", extra="parquet"),
    "png": Format("images", "png_files"),
    "svg": Format("images", "svg_files"),
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
