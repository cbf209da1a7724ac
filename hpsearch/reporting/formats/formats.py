"""Which forms a report has, and the files of each: all from one page and one set of frames. May import our modules."""

from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec

from hpsearch.errors import InputError, nearest
from hpsearch.reporting.figures.style import Picture
from hpsearch.reporting.file_names import folder_name
from hpsearch.reporting.formats import latex, markdown, pdf
from hpsearch.reporting.formats.images import montage_file, picture_file
from hpsearch.reporting.formats.outline import Block, Images, outline
from hpsearch.reporting.formats.parquet import parquet_files
from hpsearch.reporting.formats.tables import ranking_csv, ranking_md, timings_csv
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.stage import StageView

FORMATS = {
    "html": "one page to read",
    "md": "the report in Markdown, and its ranking tables",
    "csv": "a row per trial",
    "parquet": "the frames, with their types",
    "tex": "the report in LaTeX, and its tables",
    "pdf": "the report to print",
    "png": "each figure, 200 dots per inch",
    "svg": "each figure, to scale",
}
DEFAULT = ("html", "md", "csv")

OPENED = ("index.html", "report.pdf", "report.md", "document.tex", "ranking.csv")
"""Which file of a report to open, the first that it has."""

_NEEDS = {"parquet": ("pyarrow", "parquet"), "pdf": ("fpdf", "pdf")}
"""The library that a format needs, and the extra that brings it."""


def chosen(text: str) -> tuple[str, ...]:
    """Return the formats in a comma list. Raises InputError for one that is not known or cannot be written here.

    >>> chosen("html, csv")
    ('html', 'csv')
    """
    formats = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if not formats:
        raise InputError(f"--format must name a format, got {text!r}{nearest(text, FORMATS)}")
    for each in formats:
        if each not in FORMATS:
            raise InputError(f"--format: {each!r} is not a format{nearest(each, FORMATS)}")
        library, extra = _NEEDS.get(each, ("json", ""))
        if find_spec(library) is None:
            install = f"pip install 'hpsearch[{extra}]'"
            raise InputError(f"--format {each} needs {library}, which is not installed: {install}")
    return formats


def files(
    frames: Frames, stages: Sequence[StageView], page: str, pictures: Mapping[str, Picture], formats: Collection[str]
) -> dict[str, str | bytes]:
    """Return the content of each file of a report by its path within the report's folder; the page comes last."""
    name, wanted = frames.study["name"], set(formats)
    found: dict[str, str | bytes] = {}
    blocks = outline(page) if wanted - {"html", "csv", "parquet"} else []
    if "csv" in wanted:
        found |= {"ranking.csv": ranking_csv(frames), "timings.csv": timings_csv(frames)}
    if "parquet" in wanted:
        found |= parquet_files(frames)
    figures = {form: _figures(blocks, pictures, form) for form in ("png", "svg") if _needed(form, wanted)}
    links: dict[str, str] = {}
    for form in ("svg", "png"):  # so that a link is to the PNG where there is one
        if form in wanted:
            paths = {figure: f"figures/{folder_name(figure.replace(' ', '-'))}.{form}" for figure in figures[form]}
            found |= {paths[figure]: content for figure, content in figures[form].items()}
            links |= paths
    if "md" in wanted:
        found |= {"ranking.md": ranking_md(name, stages), "report.md": markdown.document(blocks, links)}
    if "tex" in wanted:
        drawn = {figure: path for figure, path in links.items() if path.endswith(".png")}
        found |= {"document.tex": latex.document(blocks, drawn), "tables.tex": latex.tables(blocks)}
    if "pdf" in wanted:
        found["report.pdf"] = pdf.document(name, blocks, figures["png"])
    if "html" in wanted:
        found["index.html"] = page
    return found


def _needed(form: str, wanted: Collection[str]) -> bool:
    return form in wanted or (form == "png" and "pdf" in wanted)


def _figures(blocks: Sequence[Block], pictures: Mapping[str, Picture], form: str) -> dict[str, bytes]:
    """Draw all figures as files of one form, by name."""
    drawn = {name: picture_file(picture, form) for name, picture in pictures.items()}
    montages = {block.name: block.images for block in blocks if isinstance(block, Images)}
    return drawn | {name: montage_file(name, images, form) for name, images in montages.items()}
