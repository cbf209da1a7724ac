"""A study's results in Python and in notebooks: the base of what `hpsearch.load` returns. May import our modules."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

import pandas as pd
import sqlalchemy

from hpsearch.reporting import formatting, report
from hpsearch.reporting.figures.style import Plot, collected_plots
from hpsearch.reporting.formats.csv import ranking_frame
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.sections import summary
from hpsearch.reporting.sections.ranking.against_default import AgainstDefault, against_default
from hpsearch.reporting.sections.ranking.front import FrontView, view_fronts
from hpsearch.reporting.sections.ranking.stage import StageView, view_stages
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy, corrected_accuracies, with_probabilities
from hpsearch.text import visible

_BEST = 10
"""A notebook shows so many rows of each stage."""


@dataclass(frozen=True)
class Results:
    """A study at the time it was loaded. A notebook shows its summary, its best configurations and its figures.

    `ranking` has the rows of ranking.csv; `trials` and `stages` are the tables of the database; `curves` and `metrics`
    have a row per trial_id and epoch (see `Frames`). `figures` has the report's figures by name, e.g. `figures["search
    lambda"]`.
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
        """A row per trial, with all its columns in the database."""
        return self.frames.trials

    @property
    def curves(self) -> pd.DataFrame:
        """A row per trial_id and epoch: η (the learning rate); train and validation cost, loss, accuracy; objective."""
        return self.frames.curves

    @property
    def metrics(self) -> pd.DataFrame:
        """A row per trial_id, epoch and metric that the study records beside cost, loss and accuracy."""
        return self.frames.metrics

    @property
    def stages(self) -> pd.DataFrame:
        """A row per stage, in order."""
        return self.frames.stages

    @cached_property
    def summary(self) -> list[str]:
        """The sentences of the report's summary."""
        return summary.summarise(self.frames, self._views, self._corrected, (), self._fronts)

    @cached_property
    def default(self) -> AgainstDefault | None:
        """The best configuration of the last search against the default; None where the study file names none."""
        return against_default(self.frames, self._views, summary.last_search(self._views))

    @cached_property
    def figures(self) -> Mapping[str, "Figure"]:
        """The report's figures by name."""
        with collected_plots() as plots:
            report.render(self.frames, self._views, corrected=self._corrected)
        return {name: Figure(plot) for name, plot in plots.items()}

    @cached_property
    def _fronts(self) -> list[FrontView]:
        return view_fronts(self.frames, self._views)

    @cached_property
    def _views(self) -> list[StageView]:
        return with_probabilities(self._compared, self._corrected)

    @cached_property
    def _compared(self) -> list[StageView]:
        return view_stages(self.frames)

    @cached_property
    def _corrected(self) -> list[CorrectedAccuracy]:
        return corrected_accuracies(self.frames, self._compared)

    def __repr__(self) -> str:
        trials = formatting.count(len(self.trials), "trial")
        return f"<hpsearch study {self.name!r}: {trials}, {self.frames.study['state']}>"

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.name)}</h3>", *(f"<p>{escape(sentence)}</p>" for sentence in self.summary)]
        for view in self._views:
            parts.append(f"<h4>{escape(view.name)}</h4>")
            columns = [
                *view.headings,
                *view.labels,
                view.goal.measured,
                *["95% interval"] * view.intervals,
                "remark",
            ]
            rows = [
                [row.rank, row.trial, *row.values, row.objective, *[row.interval] * view.intervals, row.remark]
                for row in view.rows[:_BEST]
            ]
            frame = pd.DataFrame(rows, columns=columns)
            parts.append(frame.to_html(index=False, escape=True, border=0) if rows else "<p>No trials yet.</p>")
        parts += [figure._repr_html_() for name, figure in self.figures.items() if name.startswith("search ")]
        return visible("\n".join(parts))


@dataclass(frozen=True)
class Figure:
    """One figure of the report; a notebook shows it."""

    plot: Plot

    def png(self) -> bytes:
        """The figure as a PNG file."""
        return self._file("png")

    def svg(self) -> str:
        """The figure as an SVG file."""
        return self._file("svg").decode()

    def _file(self, file_format: str) -> bytes:
        from hpsearch.reporting.figures.files import plot_file  # imports matplotlib

        return plot_file(self.plot, file_format)

    def _repr_html_(self) -> str:
        # As an image, because the identifiers of two SVG figures in one page could collide.
        content = base64.b64encode(self.svg().encode()).decode()
        alt = escape(self.plot.alt)
        return f'<img alt="{alt}" src="data:image/svg+xml;base64,{content}" style="max-width: 30rem">'


def results(engine: sqlalchemy.Engine, name: str) -> Results:
    """Read a study. Raises StorageError for a name that is not in the database."""
    return Results(load(engine, name))
