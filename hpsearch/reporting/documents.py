"""Renders a study's report and puts it in place. May import Jinja2, and of ours everything in this package.

Every foreign text is escaped where it enters a document: HTML by Jinja2, CSV and Markdown by `words`, figures by
matplotlib; a name never becomes a path outside the reports' directory.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
import sqlalchemy
from markupsafe import Markup, escape

from hpsearch.errors import InputError
from hpsearch.reporting import forms, summary
from hpsearch.reporting.certainty import check_final, view_choices
from hpsearch.reporting.curves_figure import curve_groups
from hpsearch.reporting.drawing import character, gathered
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.importance import stage_importances
from hpsearch.reporting.importance_figure import importance_figure
from hpsearch.reporting.names import folder_name, replace
from hpsearch.reporting.search_figure import reading_aid, search_figures
from hpsearch.reporting.stage_view import StageView, view_stages
from hpsearch.reporting.weight_images import weight_images


def write(engine: sqlalchemy.Engine, name: str, directory: Path, formats: Sequence[str] = forms.DEFAULT) -> Path:
    """Render a study's report into its folder of `directory`; return the path of its page, or of its last file."""
    frames = load(engine, name)
    stages = view_stages(frames)
    with gathered() as pictures:
        page = render(frames, stages) if set(formats) - {"csv", "parquet"} else ""
    contents = forms.files(frames, stages, page, pictures, formats)
    folder = directory / folder_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            (folder / file).parent.mkdir(exist_ok=True)
            replace(folder / file, content)
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error.strerror or error}") from error
    return folder / ("index.html" if "index.html" in contents else next(reversed(contents)))


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
    choices, importances = view_choices(frames, stages), stage_importances(frames, stages)
    return environment.get_template("index.html").render(
        study=frames.study,
        description=summary.description(frames),
        summary=summary.summarise(frames, stages, choices),
        facts=summary.facts(frames),
        loss=summary.losses(frames),
        stages=stages,
        choices=choices,
        check=check_final(frames, stages, choices),
        importances=importances,
        importance_picture=Markup(importance_figure(importances)),
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
