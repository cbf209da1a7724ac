"""One stage as it is shown, in HTML and in Markdown: what it searched, its ranking table, what the table's marks mean.

May import our frames, rows and words.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.formatting import NumberStyle
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis import Diagnosis, diagnose_all, of_configuration
from hpsearch.reporting.sections.ranking_rows import Record, Row, compare, early_reason, stopped_early, trial_rows
from hpsearch.reporting.sections.replicate_rows import Replication, configuration_rows, replication_of
from hpsearch.reporting.sections.stage_facts import Traceback, course, size, tracebacks

SHOWN = 200
"""At most so many rows of a ranking are shown: a page of thousands is read by nobody. ranking.csv has all."""


DRAWN, BEST = 1_500, 500
"""At most so many rows have marks in pictures, so many of them the best."""


@dataclass(frozen=True)
class StageView:
    """One stage: what it searched, its ranking table, and what the table's marks mean."""

    name: str
    kind: str
    state: str
    space: tuple[str, ...]
    notes: tuple[str, ...]
    course: tuple[str, ...]  # what made it other than it was asked for: budgets, growth, confirmation
    size: str
    labels: tuple[str, ...]  # of the searched keys
    rows: tuple[Row, ...]
    replication: Replication | None  # of its configurations, None where its rows are trials
    tested: bool
    caption: str
    tracebacks: tuple[Traceback, ...] = ()

    @property
    def counted(self) -> str:
        """What heads the column that says how many replicates a configuration has, "" where all have as many."""
        return f"{self.replication.noun}s" if self.replication and not self.replication.even else ""

    @property
    def headings(self) -> tuple[str, str]:
        """What heads the first two columns."""
        return "replicate" if self.kind == "final" else "rank", "trials" if self.replication else "trial"

    @property
    def any_pruned(self) -> bool:
        """Whether any of its configurations was cut."""
        return any(row.state == "pruned" for row in self.rows)

    @property
    def remarked(self) -> bool:
        """Whether there is a remark on any row."""
        return any(row.remark for row in self.rows)

    @property
    def diagnosed(self) -> bool:
        """Whether it is known of any row what happened."""
        return any(row.happened for row in self.rows)

    @property
    def plus_minus(self) -> str:
        """What to add to the heading of an accuracy."""
        return " ± SD" if self.replication else ""

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that a page shows: the first ones."""
        return self.rows[:SHOWN]

    @property
    def drawn(self) -> tuple[Row, ...]:
        """The rows that have marks in pictures: of very many the best, and evenly of the others."""
        return self.rows if len(self.rows) <= DRAWN else (*self.rows[:BEST], *self.rows[BEST :: self._step])

    @property
    def thinned(self) -> str:
        """What to say of the rows that have no marks, "" where all have."""
        if len(self.rows) <= DRAWN:
            return ""
        return f"Of the {len(self.rows):,} of {self.name} the best {BEST} and every {self._step}th other are drawn."

    @property
    def _step(self) -> int:
        return math.ceil((len(self.rows) - BEST) / (DRAWN - BEST))

    @property
    def cut(self) -> str:
        """What to say of the rows that are not shown, "" where all are."""
        if len(self.rows) <= SHOWN:
            return ""
        return f" The table ends after the first {SHOWN} of {len(self.rows):,} rows; ranking.csv has all of them."

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        """The finished rows, best first."""
        return tuple(row for row in self.rows if row.state == "complete")

    @cached_property
    def scale(self) -> tuple[float, float]:
        """The range that the bars of the intervals show, as shares: all that come within ten intervals of the best."""
        finished = [row.validation for row in self.ranked if row.validation]
        estimates = finished or [row.validation for row in self.rows if row.validation]
        width = statistics.median(each.high - each.low for each in estimates)
        lowest = max(each.share for each in estimates) - 10 * width
        shown = [each for each in estimates if each.share >= lowest]
        return min(each.low for each in shown), max(each.high for each in shown)


def searched_keys(params: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all keys that any trial's configuration has, in the order in which they first appear."""
    return list(dict.fromkeys(key for configuration in params for key in configuration))


def number_styles(frames: Frames) -> dict[str, NumberStyle]:
    """Return how each searched key's numbers are written, the same in every stage."""
    params = list(frames.trials["params"])
    return {key: NumberStyle(each[key] for each in params if key in each) for key in searched_keys(params)}


def view_stages(frames: Frames) -> list[StageView]:
    """Return a view per stage, in order."""
    styles = number_styles(frames)
    views = [_view(frames, stage, frames.by_stage[stage["name"]], styles) for stage in frames.stage_rows]
    diagnosed = diagnose_all(frames, {trial for view in views for row in view.shown for trial in row.trial_ids})
    return [
        replace(view, rows=(*(with_diagnosis(row, diagnosed) for row in view.shown), *view.rows[SHOWN:]))
        for view in views
    ]


def with_diagnosis(row: Row, diagnosed: Mapping[int, Diagnosis]) -> Row:
    """Add to a row what happened to its trials; rows that no page shows go without."""
    found = [diagnosed.get(trial) for trial in row.trial_ids]
    because = " ".join(each.because for each in found if each) if len(found) == 1 else ""
    happened, since = of_configuration(found)
    return replace(row, happened=happened, because=because, since=since)


def _view(frames: Frames, stage: Record, trials: Sequence[Record], styles: Mapping[str, NumberStyle]) -> StageView:
    labels = formatting.labels(styles)
    columns = {key: styles[key] for key in searched_keys(trial["params"] for trial in trials)}
    replication = replication_of(stage, trials)
    p: dict[int, float] = {}
    if replication:
        rows = configuration_rows(frames, stage, trials, columns, replication)
    else:
        p = {} if stage["kind"] == "final" else compare(frames, trials)
        rows = trial_rows(frames, stage, trials, columns, p)
    return StageView(
        name=stage["name"],
        kind=stage["kind"],
        state=stage["state"],
        space=tuple(
            _space(labels.get(key, formatting.label(key)), spec) for key, spec in (stage["space"] or {}).items()
        ),
        notes=tuple(stage["notes"] or ()),
        course=tuple(course(stage, trials)),
        size=size(stage, trials, replication),
        labels=tuple(labels[key] for key in columns),
        rows=tuple(rows),
        replication=replication,
        tested=any(row.test for row in rows),
        caption=_caption(rows, replication, trials),
        tracebacks=tuple(tracebacks(trials)),
    )


def _space(label: str, spec: Mapping[str, Any]) -> str:
    """Write one key's range or choices as a line."""
    if "choices" in spec:
        return f"{label}: {formatting.listing(formatting.alike(spec['choices']), 'or')}"
    scale = ", on a log scale" if spec.get("log") else ""
    whole = ", whole numbers" if spec.get("integer") else ""
    low, high = formatting.alike([spec["low"], spec["high"]])
    return f"{label}: {low} to {high}{scale}{whole}"


def _caption(rows: Sequence[Row], replication: Replication | None, trials: Sequence[Record]) -> str:
    """Say what the table's numbers and marks mean."""
    sizes = {row.validation.samples for row in rows if row.validation}
    if not sizes:
        return (
            "No configuration has a validation accuracy yet."
            if replication
            else "No trial has a validation accuracy yet."
        )
    samples = f"{sizes.pop():,} images" if len(sizes) == 1 else "the validation images"
    compared = sum(row.mark in ("tied", "worse") for row in rows)
    text = _of_means(samples, compared, replication) if replication else _of_trials(samples, compared)
    whys = dict.fromkeys(early_reason(trial) for trial in trials if stopped_early(trial))
    return text + "".join(f" {short[:1].upper()}{short[1:]}: {why}." for short, why in whys if why)


def _of_trials(samples: str, compared: int) -> str:
    text = f"Accuracies in % with Wilson's 95% interval; validation on {samples}; metrics at the best epoch."
    test = "an exact McNemar test on the same images"
    return text + (_approximately_best(test, compared) if compared else "")


def _of_means(samples: str, compared: int, how: Replication) -> str:
    text = (
        f"Means over {how.text}: accuracies in %, mean ± standard deviation, with Student's"
        " 95% interval for the mean (no deviation counts as less than one image); metrics at each trial's best epoch."
    )
    both = "" if how.even else " that both have"
    alone = f", those of one {how.noun} by exact McNemar tests on the same images" if how.fewest == 1 else ""
    if how.noun == "seed":
        text += f" All validate on the same {samples}: the interval is about the seed, not about other images"
        text += ", but for a single seed Wilson's, about the images." if how.fewest == 1 else "."
        test = f"a paired t test over the seeds{both}{alone}"
    else:
        text += (
            f" Each fold validates on {samples} of its own. The folds share training images, with which a plain t test"
            " is optimistic: interval and test have Nadeau and Bengio's (2003) corrected variance."
        )
        test = f"that paired t test over the folds{both}{alone}"
    if not how.even:
        text += f" Configurations with more {how.noun}s stand first: the luck of the others has not been tested."
    return text + (_approximately_best(test, compared) if compared else "")


def _approximately_best(test: str, compared: int) -> str:
    tests = f"its {compared:,} tests" if compared > 1 else "its one test"
    table = f"at 5% over the whole table (p adjusted for {tests} by Holm)"
    return f" “≈ best”: cannot be told from the best by {test}, {table}."
