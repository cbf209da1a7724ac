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
from hpsearch.reporting.figures.curves import curve_groups
from hpsearch.reporting.figures.endings import ending_figures
from hpsearch.reporting.figures.importance import importance_figure
from hpsearch.reporting.figures.pairs import several_keys
from hpsearch.reporting.figures.search import reading_aid, search_figures
from hpsearch.reporting.figures.style import character, gathered
from hpsearch.reporting.figures.weights import weight_images
from hpsearch.reporting.file_names import folder_name, replace
from hpsearch.reporting.formats import formats as forms
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.options import Asked
from hpsearch.reporting.sections import summary
from hpsearch.reporting.sections.advice import advise
from hpsearch.reporting.sections.certainty import check_final, view_choices
from hpsearch.reporting.sections.confusion import confusion
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.provenance import stage_origins
from hpsearch.reporting.sections.pruning import view_pruning
from hpsearch.reporting.sections.references import reference_rows
from hpsearch.reporting.sections.stage import StageView, view_stages

_NOTHING_MORE = Asked()


def write(
    engine: sqlalchemy.Engine,
    name: str,
    directory: Path,
    formats: Sequence[str] = forms.DEFAULT,
    asked: Asked = _NOTHING_MORE,
) -> Path:
    """Render a study's report into its folder of `directory`; return the path of its page, or of its last file."""
    frames = load(engine, name)
    stages = view_stages(frames)
    with gathered() as pictures:
        page = render(frames, stages, asked) if set(formats) - {"csv", "parquet"} else ""
    contents = forms.files(frames, stages, page, pictures, formats)
    folder = directory / folder_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            (folder / file).parent.mkdir(exist_ok=True)
            replace(folder / file, content)
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error.strerror or error}") from error
    return folder / next((file for file in forms.OPENED if file in contents), next(iter(contents)))


def environment() -> jinja2.Environment:
    """Return what our templates are rendered in: it escapes every text, and knows `read` and `unbroken`."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("hpsearch.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["unbroken"] = unbroken
    folder = Path(__file__).parent / "templates"
    made.globals["read"] = lambda file: Markup((folder / file).read_text(encoding="utf-8"))
    return made


def render(frames: Frames, stages: Sequence[StageView], asked: Asked = _NOTHING_MORE) -> str:
    """Return the one self-contained HTML page, with what a reader asked for beyond the usual."""
    choices, importances = view_choices(frames, stages), stage_importances(frames, stages)
    groups = curve_groups(frames, stages, asked.trials)
    pairs, parallel = several_keys(frames, stages)
    prunings = view_pruning(frames, stages)
    confused = confusion(frames, stages, asked.examples)
    return (
        environment()
        .get_template("index.html")
        .render(
            study=frames.study,
            description=summary.description(frames),
            summary=summary.summarise(frames, stages, choices, [each.in_short for each in prunings]),
            facts=summary.facts(frames),
            quantities=summary.quantities(frames),
            stages=stages,
            choices=choices,
            check=check_final(frames, stages, choices),
            importances=importances,
            importance_picture=Markup(importance_figure(importances)),
            search=[Markup(svg) for svg in search_figures(frames, stages)],
            search_text=reading_aid(frames, stages),
            curves=[(group, [Markup(svg) for svg in group.figures]) for group in groups],
            weights=weight_images(frames, stages),
            references=reference_rows(frames),
            advice=advise(frames, stages),
            origins=stage_origins(frames, stages),
            prunings=prunings,
            pairs=[Markup(svg) for svg in pairs],
            parallel=Markup(parallel),
            endings=[Markup(svg) for svg in ending_figures(frames, stages)],
            confusion=confused,
            confusion_figure=Markup(confused.figure if confused else ""),
            character=character,
            bar=_bar,
        )
    )


_NUMBER = re.compile(r"\d[\d.,]*(e-?\d+|–\d[\d.]*)")


def unbroken(text: str) -> Markup:
    """Escape a text for HTML, and keep 6.75e-4 and 50.75–52.71 each on one line."""
    return Markup(_NUMBER.sub(lambda number: f'<span class="number">{number[0]}</span>', str(escape(text))))


def _bar(stage: StageView, share: float) -> str:
    """Return where a share lies on the scale of a stage's intervals, in percent of its width."""
    low, high = stage.scale
    return f"{3 + 94 * (share - low) / ((high - low) or 1):.1f}%"
