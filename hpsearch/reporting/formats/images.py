"""The figures of a report as PNG and SVG files."""

from collections.abc import Mapping, Sequence

from hpsearch.reporting.files import folder_name
from hpsearch.reporting.formats.content import Content, Files


def png_files(content: Content) -> Files:
    """Return each figure as figures/NAME.png."""
    return _files(content.png, "png")


def svg_files(content: Content) -> Files:
    """Return each figure as figures/NAME.svg."""
    return _files(content.svg, "svg")


def figure_paths(content: Content, preferred: Sequence[str] = ("png", "svg")) -> dict[str, str]:
    """Return the path of each figure, by its name, in the first of the preferred formats that the report has."""
    for file_format in preferred:
        if file_format in content.formats:
            return {name: _path(name, file_format) for name in getattr(content, file_format)}
    return {}


def _files(figures: Mapping[str, bytes], file_format: str) -> Files:
    return {_path(name, file_format): drawn for name, drawn in figures.items()}


def _path(name: str, file_format: str) -> str:
    return f"figures/{folder_name(name.replace(' ', '-'))}.{file_format}"
