"""Renders a study's report and writes its files. May import everything in this package.

Every text that a user or a model chose is escaped where it enters a document: HTML by `page`, CSV and Markdown by
`formatting`, figures by matplotlib. A name never becomes a path outside the reports' directory.
"""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy
from markupsafe import Markup

from hpsearch.errors import InputError
from hpsearch.files import write_atomically
from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.best import best_figure
from hpsearch.reporting.figures.curves import all_curves, curve_groups
from hpsearch.reporting.figures.early_stopping import early_stopping_figures
from hpsearch.reporting.figures.front import SERIES, front_figures
from hpsearch.reporting.figures.importance import importance_figure
from hpsearch.reporting.figures.pairs import left_out, pair_figures
from hpsearch.reporting.figures.parallel_coordinates import brush_data, parallel_coordinates
from hpsearch.reporting.figures.progress.best_so_far import best_so_far_figures
from hpsearch.reporting.figures.progress.expected_best import expected_best_figure
from hpsearch.reporting.figures.progress.timeline import timeline_figure
from hpsearch.reporting.figures.search import reading_aid, search_figures
from hpsearch.reporting.figures.style import character
from hpsearch.reporting.figures.weights import weight_images
from hpsearch.reporting.files import folder_name
from hpsearch.reporting.formats.content import Content
from hpsearch.reporting.formats.page import page
from hpsearch.reporting.formats.registry import DEFAULT, report_files
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.options import ReportOptions
from hpsearch.reporting.sections import summary
from hpsearch.reporting.sections.advice import advise
from hpsearch.reporting.sections.confusion import confusion
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.predictions.features import view_features
from hpsearch.reporting.sections.predictions.residuals import view_residuals
from hpsearch.reporting.sections.priors import prior_sentences
from hpsearch.reporting.sections.progress.times import spans
from hpsearch.reporting.sections.provenance import facts, stage_provenance
from hpsearch.reporting.sections.pruning import view_pruning
from hpsearch.reporting.sections.ranking.against_default import against_default
from hpsearch.reporting.sections.ranking.curve_data import curve_data
from hpsearch.reporting.sections.ranking.front import named, view_fronts
from hpsearch.reporting.sections.ranking.in_short import in_short
from hpsearch.reporting.sections.ranking.stage import StageView, view_stages
from hpsearch.reporting.sections.ranking.table import ranking_tables
from hpsearch.reporting.sections.ranking.trial_data import as_script, trial_data
from hpsearch.reporting.sections.references import reference_rows
from hpsearch.reporting.sections.selection.expected_best import best_by_sizes
from hpsearch.reporting.sections.selection.final_test import final_test
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy, corrected_accuracies, with_probabilities

_DEFAULT_OPTIONS = ReportOptions()


def write(
    engine: sqlalchemy.Engine,
    name: str,
    directory: Path,
    formats: Sequence[str] = DEFAULT,
    options: ReportOptions = _DEFAULT_OPTIONS,
) -> Path:
    """Write a study's report into its folder of `directory`; return the path of the file to open."""
    frames = load(engine, name)
    stages = view_stages(frames)
    corrected = corrected_accuracies(frames, stages)
    stages = with_probabilities(stages, corrected)
    contents = report_files(Content(frames, stages, lambda: render(frames, stages, options, corrected), formats))
    folder = directory / folder_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in reversed(contents.items()):  # so that the file to open is complete last
            (folder / file).parent.mkdir(exist_ok=True)
            write_atomically(folder / file, content)
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error.strerror or error}") from error
    return folder / next(iter(contents))


def render(
    frames: Frames,
    stages: Sequence[StageView],
    options: ReportOptions = _DEFAULT_OPTIONS,
    corrected: Sequence[CorrectedAccuracy] = (),
) -> str:
    """Return the report as one self-contained HTML page."""
    importances = stage_importances(frames, stages)
    groups = [] if frames.goal.of_function else curve_groups(frames, stages, options.trials)
    prunings = view_pruning(frames, stages)
    fronts = view_fronts(frames, stages)
    matrix = confusion(frames, stages, options.examples)
    tables, shared = ranking_tables(stages)
    default = against_default(frames, stages, summary.last_search(stages))
    finished = any(stage.ranked for stage in stages)
    times, sizes = spans(frames), best_by_sizes(frames, stages)
    tested, advice = final_test(frames, stages, corrected), advise(frames, stages)
    return page(
        "index.html",
        study=frames.study,
        description=summary.description(frames),
        summary=summary.summarise(frames, stages, corrected, [each.in_short for each in prunings], fronts),
        lines=in_short(frames, stages, corrected, default, tested, advice),
        best_figure=Markup(best_figure(stages, corrected, tested)),
        symbols=""  # a function's `eta` may be anything
        if frames.goal.of_function
        else formatting.symbols(label for stage in stages for label in stage.labels),
        facts=facts(frames),
        fronts=[(front, [Markup(svg) for svg in front_figures(front)]) for front in fronts],
        objectives=named(frames.goal.objectives) if fronts else "",
        series_of_front=SERIES,
        images=frames.images,
        goal=frames.goal,
        goal_text=goal_text,
        quantities=summary.quantities(frames),
        stages=stages,
        tables=tables,
        shared_captions=shared,
        shown_tables=2 if stages and stages[-1].kind == "final" else 1,
        corrected=corrected,
        best_by_sizes=sizes,
        expected_best_figure=Markup(expected_best_figure(sizes, stages)),
        final_test=tested,
        importances=importances,
        priors=prior_sentences(frames, stages),
        importance_figure=Markup(importance_figure(importances)),
        search=[Markup(svg) for svg in search_figures(frames, stages)],
        search_text=reading_aid(frames, stages),
        script_data=as_script(
            trial_data(frames, stages)
            | {"learning": curve_data(frames, stages), "coordinates": brush_data(frames, stages)}
        ),
        all_curves=[(Markup(figure), caption) for figure, caption in all_curves(frames, stages)],
        curves=[(group, [Markup(svg) for svg in group.figures]) for group in groups],
        weights=weight_images(frames, stages),
        references=reference_rows(frames),
        advice=advice,
        provenance=stage_provenance(frames, stages),
        prunings=prunings,
        pairs=[Markup(svg) for svg in pair_figures(frames, stages, importances)],
        pairs_left_out=left_out(frames, stages, importances),
        parallel=Markup(parallel_coordinates(frames, stages)),
        best_so_far=[Markup(svg) for svg in best_so_far_figures(frames, stages, times)],
        timeline=Markup(timeline_figure(frames, stages, times)),
        early_stopping=[Markup(svg) for svg in early_stopping_figures(frames, stages)],
        confusion=matrix,
        residuals=view_residuals(frames, stages),
        features=view_features(options.features(frames)) if options.features and finished else None,
        confusion_figure=Markup(matrix.figure if matrix else ""),
        character=character,
        bar=_bar,
    )


def _bar(stage: StageView, value: float) -> str:
    """Return the position of a value on the scale of a stage's interval bars, in percent of its width."""
    low, high = stage.scale
    return f"{3 + 94 * (stage.goal.sign * value - low) / ((high - low) or 1):.1f}%"
