"""A study's results in Python and in a notebook: what `hpsearch.load` gives. May import pandas and our modules."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

import pandas as pd
import sqlalchemy

from hpsearch.reporting import formatting, report
from hpsearch.reporting.figures.style import Picture, gathered
from hpsearch.reporting.formats.images import picture_file
from hpsearch.reporting.formats.tables import ranking_frame
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.sections import summary
from hpsearch.reporting.sections.certainty import view_choices
from hpsearch.reporting.sections.stage import StageView, view_stages

_BEST = 10
"""So many rows of each stage are shown in a notebook."""


@dataclass(frozen=True)
class Results:
    """A study as it stood when it was loaded. In a notebook it shows its summary, best configurations and pictures.

    `ranking` has a row per trial, as ranking.csv; `trials` and `stages` are the tables of the database, `curves` a row
    per trial_id and epoch (see `Frames`). `figures` are the report's, by name: `figures["search lambda"]` shows itself.
    """

    frames: Frames

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.frames.study["name"])

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """A row per trial in the order of the ranking: configuration, state, and metrics at the best epoch."""
        return ranking_frame(self.frames)

    @property
    def trials(self) -> pd.DataFrame:
        """A row per trial, with all that the database has of it."""
        return self.frames.trials

    @property
    def curves(self) -> pd.DataFrame:
        """A row per trial_id and epoch: η, and cost, loss and accuracy on training and validation images."""
        return self.frames.curves

    @property
    def stages(self) -> pd.DataFrame:
        """A row per stage, in order."""
        return self.frames.stages

    @cached_property
    def summary(self) -> list[str]:
        """The report's first sentences."""
        return summary.summarise(self.frames, self._views, view_choices(self.frames, self._views))

    @cached_property
    def figures(self) -> Mapping[str, "Figure"]:
        """The report's figures by name."""
        with gathered() as pictures:
            report.render(self.frames, self._views)
        return {name: Figure(picture) for name, picture in pictures.items()}

    @cached_property
    def _views(self) -> list[StageView]:
        return view_stages(self.frames)

    def __repr__(self) -> str:
        trials = formatting.count(len(self.trials), "trial")
        return f"<hpsearch study {self.name!r}: {trials}, {self.frames.study['state']}>"

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.name)}</h3>", *(f"<p>{escape(sentence)}</p>" for sentence in self.summary)]
        for view in self._views:
            parts.append(f"<h4>{escape(view.name)}</h4>")
            columns = [*view.headings, *view.labels, "validation accuracy", "95% interval", "remark"]
            rows = [
                [row.rank, row.trial, *row.values, row.accuracy, row.interval, row.remark] for row in view.rows[:_BEST]
            ]
            frame = pd.DataFrame(rows, columns=columns)
            parts.append(frame.to_html(index=False, escape=True, border=0) if rows else "<p>No trials yet.</p>")
        parts += [figure._repr_html_() for name, figure in self.figures.items() if name.startswith("search ")]
        return "\n".join(parts)


@dataclass(frozen=True)
class Figure:
    """One figure of the report, which a notebook shows."""

    picture: Picture

    def png(self) -> bytes:
        """The figure as a PNG file."""
        return picture_file(self.picture, "png")

    def svg(self) -> str:
        """The figure as an SVG file."""
        return picture_file(self.picture, "svg").decode()

    def _repr_html_(self) -> str:
        # As an image: two figures' SVG in one page could share identifiers.
        content = base64.b64encode(self.svg().encode()).decode()
        alt = escape(self.picture.alt)
        return f'<img alt="{alt}" src="data:image/svg+xml;base64,{content}" style="max-width: 30rem">'


def results(engine: sqlalchemy.Engine, name: str) -> Results:
    """Read a study. Raises StorageError for a name that the database does not hold."""
    return Results(load(engine, name))
