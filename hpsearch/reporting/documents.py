"""Renders a study's report and puts it in place. May import Jinja2, and of ours everything in this package.

Every foreign text is escaped where it enters a document: HTML by Jinja2, CSV and Markdown by `words`, figures by
matplotlib; a name never becomes a path outside the reports' directory.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
import sqlalchemy
from markupsafe import Markup, escape

from hpsearch.errors import InputError
from hpsearch.reporting import summary
from hpsearch.reporting.curves_figure import curve_groups
from hpsearch.reporting.drawing import character
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.ranking import ranking_csv, ranking_md, timings_csv
from hpsearch.reporting.search_figure import reading_aid, search_figures
from hpsearch.reporting.stage_view import StageView, view_stages
from hpsearch.reporting.weight_images import weight_images


def write(engine: sqlalchemy.Engine, name: str, directory: Path) -> Path:
    """Render a study's report into its folder of `directory`; return the path of its index.html."""
    frames = load(engine, name)
    stages = view_stages(frames)
    documents = {
        "ranking.csv": ranking_csv(frames),
        "ranking.md": ranking_md(name, stages),
        "timings.csv": timings_csv(frames),
        "index.html": render(frames, stages),
    }
    folder = directory / folder_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in documents.items():
            replace(folder / file, text)
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error.strerror or error}") from error
    return folder / "index.html"


def render(frames: Frames, stages: Sequence[StageView]) -> str:
    """Return the one self-contained HTML page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hpsearch.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template("index.html").render(
        study=frames.study,
        description=summary.description(frames),
        summary=summary.summarise(frames, stages),
        facts=summary.facts(frames),
        loss=summary.losses(frames),
        stages=stages,
        search=[Markup(svg) for svg in search_figures(frames, stages)],
        search_text=reading_aid(frames, stages),
        curves=[(group, [Markup(svg) for svg in group.figures]) for group in curve_groups(frames, stages)],
        weights=weight_images(frames, stages),
        character=character,
        bar=_bar,
        read=lambda file: Markup((Path(__file__).parent / "templates" / file).read_text(encoding="utf-8")),
    )


_NUMBER = re.compile(r"\d[\d.,]*(e-?\d+|–\d[\d.]*)")


def unbroken(text: str) -> Markup:
    """Escape a text for HTML, and keep 6.75e-4 and 50.75–52.71 each on one line."""
    return Markup(_NUMBER.sub(lambda number: f'<span class="number">{number[0]}</span>', str(escape(text))))


def _bar(stage: StageView, share: float) -> str:
    """Return where a share lies on the scale of a stage's intervals, in percent of its width."""
    low, high = stage.scale
    return f"{3 + 94 * (share - low) / ((high - low) or 1):.1f}%"


def folder_name(name: str) -> str:
    """Return a folder name for a study: itself where that is safe, else what is safe of it and a hash.

    >>> folder_name("coarse-to-fine"), folder_name("../up"), folder_name("")
    ('coarse-to-fine', 'up-8c722b8a', 'study')
    """
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80].rstrip(".-_")
    while len(safe.encode()) > 200:
        safe = safe[:-1]
    if safe == name:
        return safe or "study"
    return f"{safe or 'study'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, so that nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
