"""One stage as a report shows it: its search space, its ranking table, and the caption that explains the table.

May import our frames, rows and formatting.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.formatting import NumberStyle
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis import Diagnosis, diagnose_all, of_configuration
from hpsearch.reporting.sections.ranking.replicates import Replication, configuration_rows, replication_of
from hpsearch.reporting.sections.ranking.rows import Record, Row, compare, early_reason, stopped_early, trial_rows
from hpsearch.reporting.sections.ranking.stage_facts import Traceback, changes, size, tracebacks
from hpsearch.storage.records import ACCURACY, Goal

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
    others: tuple[str, ...] = ()  # further metrics, which have columns of their own
    other_values: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by the first trial of a row

    @property
    def counted(self) -> str:
        """The heading of the column with the number of replicates, "" where all configurations have the same number."""
        return f"{self.replication.noun}s" if self.replication and not self.replication.even else ""

    @property
    def headings(self) -> tuple[str, str]:
        """The headings of the first two columns."""
        return "replicate" if self.kind == "final" else "rank", "trials" if self.replication else "trial"

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
        return self.bars or self.replication is not None

    @property
    def bars(self) -> bool:
        """Whether the intervals are drawn as bars."""
        return self.goal == ACCURACY

    @property
    def diagnosed(self) -> bool:
        """Whether any row has a diagnosis."""
        return any(row.diagnosis for row in self.rows)

    @property
    def plus_minus(self) -> str:
        """What follows "accuracy" in a heading."""
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
        """The range of the interval bars, as shares: all accuracies within ten interval widths of the best."""
        finished = [row.validation for row in self.ranked if row.validation]
        estimates = finished or [row.validation for row in self.rows if row.validation]
        width = statistics.median(each.high - each.low for each in estimates)
        lowest = max(each.share for each in estimates) - 10 * width
        shown = [each for each in estimates if each.share >= lowest]
        return min(each.low for each in shown), max(each.high for each in shown)


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
    if frames.regression:
        return views
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
        changes=tuple(changes(stage, trials)),
        size=size(stage, trials, replication),
        labels=tuple(labels[key] for key in columns),
        rows=tuple(rows),
        replication=replication,
        tested=any(row.test for row in rows),
        caption=_caption(rows, replication, trials, frames.goal),
        tracebacks=tuple(tracebacks(stage["name"], trials)),
        goal=frames.goal,
        others=(others := tuple(name for name in frames.recorded if name != frames.goal.metric)),
        other_values={row.trial_ids[0]: other_values(trials, row, others) for row in rows} if others else {},
    )


def _space(label: str, spec: Mapping[str, Any]) -> str:
    """Write the range or the choices of one hyperparameter as a line."""
    if "choices" in spec:
        return f"{label}: {formatting.listing(formatting.uniform(spec['choices']), 'or')}"
    scale = ", on a log scale" if spec.get("log") else ""
    whole = ", whole numbers" if spec.get("integer") else ""
    low, high = formatting.uniform([spec["low"], spec["high"]])
    return f"{label}: {low} to {high}{scale}{whole}"


def other_values(trials: Sequence[Record], row: Row, names: Sequence[str]) -> tuple[str, ...]:
    """Write the means of further metrics over a row's trials on the validation samples."""
    found = [[trial[f"validation_{name}"] for trial in trials if trial["id"] in row.trial_ids] for name in names]
    return tuple(formatting.MISSING if None in each else f"{statistics.fmean(each):.4g}" for each in found)


def _caption(rows: Sequence[Row], replication: Replication | None, trials: Sequence[Record], goal: Goal) -> str:
    """Explain the numbers and marks of the table."""
    sizes = {row.validation.samples for row in rows if row.validation}
    if not sizes:
        what = "configuration" if replication else "trial"
        return f"No {what} has a validation {goal.metric} yet."
    if goal != ACCURACY:
        return _of_another(goal, replication, sum(row.mark in ("tied", "worse") for row in rows))
    samples = f"{sizes.pop():,} samples" if len(sizes) == 1 else "the validation samples"
    compared = sum(row.mark in ("tied", "worse") for row in rows)
    text = _of_means(samples, compared, replication) if replication else _of_trials(samples, compared)
    whys = dict.fromkeys(early_reason(trial) for trial in trials if stopped_early(trial))
    return text + "".join(f" {short[:1].upper()}{short[1:]}: {why}." for short, why in whys if why)


def _of_another(goal: Goal, how: Replication | None, compared: int) -> str:
    """Explain the table of another objective than the accuracy."""
    better = "lower" if goal.sign < 0 else "higher"
    text = f"{goal.metric} on the validation samples: a {better} value is better. All metrics are at the best epoch."
    if how is None:
        return f"{text} For single runs of this metric the report has no interval and no test."
    text += f" Means over {how.text} ± standard deviation, with Student's 95% interval for the mean over {how.noun}s."
    return text + (_approximately_best(f"a paired t test over the {how.noun}s", compared) if compared else "")


def _of_trials(samples: str, compared: int) -> str:
    text = f"Accuracy on {samples}, in %, with Wilson's 95% interval; all metrics are at the trial's best epoch."
    test = "an exact McNemar test on the same samples"
    return text + (_approximately_best(test, compared) if compared else "")


def _of_means(samples: str, compared: int, how: Replication) -> str:
    text = (
        f"Means over {how.text}: accuracy in %, mean ± standard deviation, with Student's 95% interval for the mean"
        " (a standard deviation counts as at least one sample); all metrics are at each trial's best epoch."
    )
    both = "" if how.even else " that both have"
    alone = f" (those with one {how.noun}: an exact McNemar test on the same samples)" if how.fewest == 1 else ""
    if how.noun == "seed":
        text += f" All are evaluated on the same {samples}: the interval covers other seeds, but not other samples"
        text += "; for a single seed it is Wilson's, which covers other samples." if how.fewest == 1 else "."
        test = f"a paired t test over the seeds{both}{alone}"
    else:
        text += (
            f" Each fold is evaluated on {samples} of its own. The folds share training samples, which makes a plain t"
            " test optimistic, so interval and test use the corrected variance of Nadeau and Bengio (2003)."
        )
        test = f"a paired t test with that variance over the folds{both}{alone}"
    if not how.even:
        text += f" Configurations with more {how.noun}s come first, because the others have not been confirmed."
    return text + (_approximately_best(test, compared) if compared else "")


def _approximately_best(test: str, compared: int) -> str:
    adjusted = f", with p adjusted for the {compared:,} tests of the table by Holm's method" if compared > 1 else ""
    return f" “≈ best”: not statistically distinguishable from the best at the 5% level, by {test}{adjusted}."
