"""One stage as a report shows it: its search space, its ranking table, and the caption that explains the table.

May import our frames, rows and formatting.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.formatting import NumberStyle
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis import diagnose_all, of_configuration
from hpsearch.reporting.sections.diagnosis_rules import Diagnosis
from hpsearch.reporting.sections.ranking.captions import caption_of
from hpsearch.reporting.sections.ranking.comparison import knows_samples
from hpsearch.reporting.sections.ranking.default import THE_DEFAULT, trials_of_default
from hpsearch.reporting.sections.ranking.replicates import (
    Replication,
    comparison_of,
    configuration_rows,
    replication_of,
)
from hpsearch.reporting.sections.ranking.rows import (
    Estimate,
    Record,
    Row,
    trial_rows,
)
from hpsearch.reporting.sections.ranking.stage_facts import Traceback, changes, size, tracebacks
from hpsearch.spec import COUNTED
from hpsearch.spec.tables.space import are_numbers
from hpsearch.storage.records import ACCURACY, INTERRUPTED, RUNNING, Goal

SHOWN = 200
"""At most so many rows of a ranking are shown; ranking.csv has all."""

DRAWN, BEST = 1_500, 500
"""At most so many rows have marks in figures, so many of them the best."""


@dataclass(frozen=True)
class StageView:
    """One stage: its search space, its ranking table, and the table's caption."""

    name: str
    kind: str
    state: str
    space: tuple[str, ...]
    notes: tuple[str, ...]
    changes: tuple[str, ...]  # sentences on what changed its size: confirmation, budgets, growth
    size: str
    labels: tuple[str, ...]  # of the hyperparameters
    rows: tuple[Row, ...]
    replication: Replication | None  # of its configurations, None where its rows are trials
    tested: bool
    caption: str
    tracebacks: tuple[Traceback, ...] = ()
    goal: Goal = ACCURACY
    rope: float | None = None  # the region of practical equivalence
    near: str = ""  # what the probability of being in it is of: within 0.5 points; "" where it is not known
    others: tuple[Goal, ...] = ()  # further metrics, which have columns of their own
    other_values: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by the first trial of a row

    @property
    def counted(self) -> str:
        """The heading of the column with the number of replicates, "" where all configurations have the same number."""
        return f"{self.replication.noun}s" if self.replication and not self.replication.even else ""

    @property
    def headings(self) -> tuple[str, str]:
        """The headings of the first two columns."""
        return "replicate" if self.one_again else "rank", "trials" if self.replication else "trial"

    @property
    def one_again(self) -> bool:
        """Whether its rows are the replicates of one configuration that is trained again."""
        return self.kind == "final" and self.replication is None and len({row.values for row in self.rows}) < 2

    def heading(self, other: Goal) -> str:
        """What precedes the name of a further metric in its heading: a cost is not measured on samples."""
        return "" if other.metric in COUNTED or self.goal.of_function else "validation"

    @property
    def by_epoch(self) -> bool:
        """Whether there is a best epoch to show: not where a function is called for one value."""
        return not self.goal.of_function or any(
            row.best_epoch not in ("1 of 1", formatting.MISSING) for row in self.rows
        )

    @property
    def any_pruned(self) -> bool:
        """Whether any of its configurations was pruned."""
        return any(row.state == "pruned" for row in self.rows)

    @property
    def remarked(self) -> bool:
        """Whether there is a remark on any row."""
        return any(row.remark for row in self.rows)

    @property
    def intervals(self) -> bool:
        """Whether its values have intervals: accuracies, and means over replicates."""
        return self.goal == ACCURACY or any(row.validation and row.validation.has_interval for row in self.rows)

    @property
    def test_intervals(self) -> bool:
        """Whether its values on the test set have intervals."""
        return any(row.test and row.test.has_interval for row in self.rows)

    def off_scale(self, estimate: Estimate) -> bool:
        """Whether a value is so much worse than the best that the scale of the bars does not have it."""
        return self.goal.sign * estimate.value < self.scale[0]

    @property
    def diagnosed(self) -> bool:
        """Whether any row has a diagnosis."""
        return any(row.diagnosis for row in self.rows)

    @property
    def plus_minus(self) -> str:
        """What follows the objective in a heading."""
        return " ± SD" if self.replication else ""

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that a page shows: the first ones."""
        return self.rows[:SHOWN]

    @property
    def drawn(self) -> tuple[Row, ...]:
        """The rows that have marks in figures: of very many the best, and every n-th of the others."""
        return self.rows if len(self.rows) <= DRAWN else (*self.rows[:BEST], *self.rows[BEST :: self._step])

    @property
    def thinned(self) -> str:
        """A sentence on the rows that have no marks in figures, "" where all have."""
        if len(self.rows) <= DRAWN:
            return ""
        shown = f"the best {BEST} and one in {self._step} of the others"
        return f"Of the {len(self.rows):,} rows of {self.name}, the figures show {shown}."

    @property
    def _step(self) -> int:
        return math.ceil((len(self.rows) - BEST) / (DRAWN - BEST))

    @property
    def left_out(self) -> str:
        """A sentence on the rows that the table leaves out, "" where it has all."""
        if len(self.rows) <= SHOWN:
            return ""
        return f" The table shows the first {SHOWN} of {len(self.rows):,} rows; ranking.csv has all of them."

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        """The finished rows, best first."""
        return tuple(row for row in self.rows if row.state == "complete")

    @cached_property
    def scale(self) -> tuple[float, float]:
        """The range of the interval bars, as scores: all within ten interval widths of the best."""
        finished = [row.validation for row in self.ranked if row.validation]
        estimates = finished or [row.validation for row in self.rows if row.validation]
        sign = self.goal.sign
        width = statistics.median(each.high - each.low for each in estimates)
        lowest = max(sign * each.value for each in estimates) - 10 * width
        edges = [sign * edge for each in estimates if sign * each.value >= lowest for edge in (each.low, each.high)]
        return min(edges), max(edges)


def hyperparameters_of(params: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all hyperparameters that any configuration has, in the order in which they first appear."""
    return list(dict.fromkeys(key for configuration in params for key in configuration))


def number_styles(frames: Frames) -> dict[str, NumberStyle]:
    """Return how each hyperparameter's values are written, the same in every stage."""
    params = list(frames.trials["params"])
    return {key: NumberStyle(each[key] for each in params if key in each) for key in hyperparameters_of(params)}


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
    """Add the diagnosis of its trials to a row."""
    found = [diagnosed.get(trial) for trial in row.trial_ids]
    reason = " ".join(each.reason for each in found if each) if len(found) == 1 else ""
    text, epoch = of_configuration(found)
    return replace(row, diagnosis=text, diagnosis_reason=reason, diagnosis_epoch=epoch)


def _view(frames: Frames, stage: Record, trials: Sequence[Record], styles: Mapping[str, NumberStyle]) -> StageView:
    labels = formatting.labels(styles)
    columns = {key: styles[key] for key in hyperparameters_of(trial["params"] for trial in trials)}
    replication = replication_of(stage, trials)
    if replication:
        rows = configuration_rows(frames, stage, trials, columns, replication)
    else:
        found = comparison_of(frames, stage, trials)
        rows = trial_rows(frames, stage, trials, columns, found.verdicts if found else {})
    rows = _with_default(rows, {trial["id"] for trial in trials_of_default(frames)})
    return StageView(
        name=stage["name"],
        kind=stage["kind"],
        state=INTERRUPTED if stage["state"] == RUNNING and frames.study["state"] == INTERRUPTED else stage["state"],
        space=tuple(
            _space(labels.get(key, formatting.label(key)), spec) for key, spec in (stage["space"] or {}).items()
        ),
        notes=tuple(_named(note, stage["space"] or {}, labels) for note in stage["notes"] or ()),
        changes=tuple(changes(stage, trials)),
        size=size(stage, trials, replication),
        labels=tuple(labels[key] for key in columns),
        rows=tuple(rows),
        replication=replication,
        tested=any(row.test for row in rows),
        caption=caption_of(
            rows,
            replication,
            trials,
            frames.goal,
            stage["kind"],
            frames.rope,
            of_samples=knows_samples(frames, trials),
        ),
        tracebacks=tuple(tracebacks(stage["name"], trials)),
        goal=frames.goal,
        rope=frames.rope,
        others=tuple(frames.others),
        other_values=_other_values(trials, rows, frames.others),
    )


def _with_default(rows: list[Row], default: set[int]) -> list[Row]:
    """Name the row of the default configuration."""
    return [
        replace(row, remark="; ".join(filter(None, (THE_DEFAULT, row.remark)))) if default & {*row.trial_ids} else row
        for row in rows
    ]


def _named(note: str, space: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return a stored note with the name that tables have for the hyperparameter of which it is."""
    key, colon, rest = note.partition(": ")
    return f"{labels.get(key, formatting.label(key))}: {rest}" if colon and key in space else note


def _space(label: str, spec: Mapping[str, Any]) -> str:
    """Write the range or the choices of one hyperparameter as a line."""
    if "choices" in spec:
        order = ", in this order" if spec.get("ordered") and not are_numbers(spec["choices"]) else ""
        return f"{label}: {formatting.listing(formatting.uniform(spec['choices']), 'or')}{order}"
    scale = ", on a log scale" if spec.get("log") else ""
    whole = ", whole numbers" if spec.get("integer") else ""
    steps = f", in steps of {formatting.short(spec['step'])}" if spec.get("step") else ""
    low, high = formatting.uniform([spec["low"], spec["high"]])
    prior = f", drawn around {formatting.short(spec['prior'])}" if spec.get("prior") is not None else ""
    return f"{label}: {low} to {high}{scale}{steps or whole}{prior}"


def _other_values(trials: Sequence[Record], rows: Sequence[Row], metrics: Sequence[Goal]) -> dict[int, tuple[str, ...]]:
    """Write the means of further metrics over each row's trials on the validation samples, by its first trial."""
    if not metrics:
        return {}
    stored = {trial["id"]: trial for trial in trials}
    found = {}
    for row in rows:
        values: list[list[Any]] = [
            [stored[trial].get(f"validation_{each.metric}") for trial in row.trial_ids] for each in metrics
        ]
        known = [None if None in each or not row.validation else statistics.fmean(each) for each in values]
        found[row.trial_ids[0]] = tuple(goal_text.text(*pair) for pair in zip(metrics, known, strict=True))
    return found
