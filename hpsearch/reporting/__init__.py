"""Reads a study from the database, never writes it: frames, statistics, figures, and reports in several formats.

May import SQLAlchemy, pandas, SciPy, matplotlib, Jinja2, `hpsearch.errors` and `hpsearch.storage.schema`; importing
the package itself imports none of them, so that the command line starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from hpsearch.reporting.frames import Frames
    from hpsearch.reporting.results import Results
    from hpsearch.reporting.sections.predictions.features import FeatureImportance

__all__ = ["compare_studies", "load_frames", "load_results", "prepare", "write_report"]


def prepare() -> None:
    """Import what a report needs, and compile its templates: half of the time of a small one."""
    from hpsearch.reporting import report  # noqa: F401
    from hpsearch.reporting.formats.page import compile_templates

    compile_templates()


def write_report(
    engine: Engine,
    name: str,
    directory: Path,
    formats: Sequence[str] = ("html", "md", "csv"),
    trials: Sequence[tuple[str, int]] = (),
    examples: bool = False,
    features: Callable[[Frames], FeatureImportance | None] | None = None,
) -> Path:
    """Write a study's report in the given formats (see `reporting.formats`); return the path of the file to open.

    The learning curves of `trials`, given by stage and number, e.g. [("fine", 3)], are drawn in addition to the best.
    With `examples`, the report has example images of the most confused classes; without, no image of the dataset.
    `features` computes how much the columns of a table matter: `hpsearch.exporting.feature_importance` does.

    The files go to a folder of the study's name inside `directory`, which is created if needed. The study may still be
    running. Raises StorageError for a name that is not in the database, InputError for a trial that the study does not
    have, and where a file cannot be written.
    """
    from hpsearch.reporting.options import ReportOptions
    from hpsearch.reporting.report import write

    return write(engine, name, directory, formats, ReportOptions(tuple(trials), examples, features))


def compare_studies(engine: Engine, names: Sequence[str], directory: Path) -> Path:
    """Write one report about several studies into a folder of `directory`; return the path of its index.html.

    Raises StorageError for a name that is not in the database, InputError for fewer than two names.
    """
    from hpsearch.reporting.compare import write

    return write(engine, names, directory)


def load_results(engine: Engine, name: str) -> Results:
    """Return a study for Python and notebooks: `hpsearch.load` with an open database."""
    from hpsearch.reporting.results import results

    return results(engine, name)


def load_frames(engine: Engine, name: str) -> Frames:
    """Return a study's results as pandas frames (see `hpsearch.reporting.frames.Frames`).

    Raises StorageError for a name that is not in the database.
    """
    from hpsearch.reporting.frames import load

    return load(engine, name)
