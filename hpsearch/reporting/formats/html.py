"""The report as one self-contained HTML page."""

from hpsearch.reporting.formats.content import Content, Files


def files(content: Content) -> Files:
    """Return index.html."""
    return {"index.html": content.page}
