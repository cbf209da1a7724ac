"""Several studies in one report: best configurations, tests between them, learning curves. May import our modules."""

import csv
import io
import itertools
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from markupsafe import Markup
from scipy.special import ndtr

from hpsearch.errors import InputError
from hpsearch.files import write_atomically
from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.comparable import of_one_dataset, of_one_objective
from hpsearch.reporting.figures.curves import by_epoch
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.style import character, colour, marker, svg, value_axis, whole_axis
from hpsearch.reporting.files import folder_name
from hpsearch.reporting.formats import markdown
from hpsearch.reporting.formats.outline import outline
from hpsearch.reporting.formats.page import page
from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.sections.ranking.rows import Estimate, Row, column_of, distinction
from hpsearch.reporting.sections.ranking.stage import StageView, view_stages
from hpsearch.reporting.sections.summary import configuration, final, last_search
from hpsearch.reporting.statistics.tests import holm, mcnemar_exact, of_means
from hpsearch.storage.records import ACCURACY, Goal
from hpsearch.storage.schema import METRICS


@dataclass(frozen=True)
class Entry:
    """One study: its last search stage and its final, None where there is none yet."""

    frames: Frames
    stages: tuple[StageView, ...]
    search: StageView | None
    final: StageView | None

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.frames.study["name"])

    @property
    def best(self) -> Row | None:
        """The best configuration of the last search stage."""
        return self.search.ranked[0] if self.search else None

    @property
    def configuration(self) -> str:
        """The best configuration as a text."""
        stage = self.search or self.final
        return configuration(stage, stage.ranked[0]) if stage else formatting.MISSING

    @property
    def tests(self) -> list[Estimate]:
        """The objective on the test set of the final's replicates, else of the best configuration."""
        rows = self.final.ranked if self.final else (self.best,) if self.best else ()
        return [row.test for row in rows if row.test]

    @property
    def tested(self) -> str:
        """That as a text: with its interval, or with its standard deviation over the seeds."""
        values, goal = [test.value for test in self.tests], self.frames.goal
        if len(values) < 2:
            brackets = f" ({self.tests[0].interval})" if values and self.tests[0].has_interval else ""
            return f"{self.tests[0].text}{brackets}" if values else formatting.MISSING
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
        return f"{goal_text.text(goal, mean)} ± {goal_text.spread(goal, deviation)} ({len(values)} seeds)"

    def ids(self, split: str) -> tuple[int, ...]:
        """The ids of the trials whose values on a split are compared."""
        if split == "test":
            rows = self.final.ranked if self.final else (self.best,) if self.best else ()
            return tuple(trial for row in rows if row.test for trial in row.trial_ids)
        return self.best.trial_ids if self.best else ()

    def values(self, split: str) -> list[float]:
        """Their values of the objective."""
        column = column_of(self.frames.goal, split)
        chosen = self.frames.trials.set_index("id")[column].reindex(list(self.ids(split)))
        return [float(value) for value in chosen if value == value]

    def samples(self, split: str) -> tuple[Any, ...]:
        """What identifies the samples of a split: studies with equal values were evaluated on the same samples."""
        fingerprint = (self.frames.study["data"] or {}).get("fingerprint")
        if split == "test":
            return (fingerprint,)  # all of the test set is used
        stages = {stage["name"]: stage["data"] or {} for stage in self.frames.stage_rows}
        data = stages[self.search.name] if self.search else {}
        return fingerprint, data.get("train"), data.get("validation"), _seed(self.frames), data.get("folds")


def _seed(frames: Frames) -> Any:
    try:
        return tomllib.loads(frames.study["text"]).get("seed", 0)
    except tomllib.TOMLDecodeError:
        return frames.study["text"]


@dataclass(frozen=True)
class Pair:
    """Two studies compared on one split; `p` is adjusted over all pairs of that split."""

    split: str
    first: str
    second: str
    difference: float
    p: float
    test: str
    goal: Goal = ACCURACY

    @property
    def verdict(self) -> str:
        """The result of the test as a text."""
        better = self.first if self.goal.sign * self.difference > 0 else self.second
        return distinction(f"{better} is better", self.p)

    @property
    def difference_text(self) -> str:
        """The difference, of shares in percentage points."""
        if not self.goal.share:
            return goal_text.difference(self.goal, self.difference)
        return f"{100 * self.difference:+.2f}".replace("-", "−")


def write(engine: sqlalchemy.Engine, names: Sequence[str], directory: Path) -> Path:
    """Write index.html, comparison.md, comparison.csv and tests.csv; return the path of index.html."""
    names = list(dict.fromkeys(names))
    if len(names) < 2:
        raise InputError(f"compare needs the names of at least 2 studies, got {', '.join(map(repr, names)) or 'none'}")
    entries = [_entry(frames) for frames in of_one_dataset(of_one_objective([load(engine, name) for name in names]))]
    pairs = [pair for split in ("validation", "test") for pair in compare(entries, split)]
    page = render(entries, pairs)
    contents = {
        "comparison.csv": _studies_csv(entries),
        "tests.csv": _tests_csv(pairs),
        "comparison.md": markdown.document(outline(page), {}),
        "index.html": page,
    }
    folder = directory / folder_name("compare-" + "-".join(names))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            write_atomically(folder / file, content)
    except OSError as error:
        raise InputError(f"{folder}: the comparison cannot be written: {error.strerror or error}") from error
    return folder / "index.html"


def _entry(frames: Frames) -> Entry:
    stages = view_stages(frames)
    return Entry(frames, tuple(stages), last_search(stages), final(stages))


def compare(entries: Sequence[Entry], split: str) -> list[Pair]:
    """Test each two studies whose values on a split can be compared; p adjusted over all of them by Holm."""
    found = []
    for one, other in itertools.combinations(entries, 2):
        values = one.values(split), other.values(split)
        tested = _test(one, other, split) if all(values) else None
        if tested:
            difference = math.fsum(values[0]) / len(values[0]) - math.fsum(values[1]) / len(values[1])
            found.append((one.name, other.name, difference, *tested))
    adjusted = holm([p for *_, p, _ in found]).tolist()
    return [
        Pair(split, a, b, d, p, test, entries[0].frames.goal)
        for (a, b, d, _, test), p in zip(found, adjusted, strict=True)
    ]


def _test(one: Entry, other: Entry, split: str) -> tuple[float, str] | None:
    """Return p and the name of the test, None where no test fits."""
    a, b = one.values(split), other.values(split)
    if len(a) > 1 and len(b) > 1:
        if split == "validation" and (one.samples(split)[-1] or other.samples(split)[-1]):
            return None  # folds share training samples: their accuracies are not independent
        constant = len({*a}) == len({*b}) == 1  # no variance, and so no test
        return None if constant else (of_means(a, b, paired=False), "Welch's t over seeds")
    if len(a) != len(b):
        return None
    if one.frames.goal != ACCURACY:
        return _of_contributions(one, other, split)
    first, second = one.frames.correct(one.ids(split)[0], split), other.frames.correct(other.ids(split)[0], split)
    if first is None or second is None:
        return None
    if one.samples(split) == other.samples(split) and first.size == second.size:
        only = (first & ~second).sum(), (second & ~first).sum()
        return float(mcnemar_exact(*only)), "exact McNemar, same samples"
    return two_proportions(int(first.sum()), first.size, int(second.sum()), second.size), "two proportions"


def _of_contributions(one: Entry, other: Entry, split: str) -> tuple[float, str] | None:
    """Return p and the name of the test of single networks by another metric, None where no sample of it is known."""
    trials = [next(row for row in each.frames.rows if row["id"] == each.ids(split)[0]) for each in (one, other)]
    first, second = (e.frames.sample_scores.of(trial, split) for e, trial in zip((one, other), trials, strict=True))
    if first is None or second is None:
        return None
    same = one.samples(split) == other.samples(split) and first.size == second.size
    return of_means(first, second, paired=same), "paired t over the same samples" if same else "Welch's t over samples"


def two_proportions(correct: int, samples: int, other_correct: int, other_samples: int) -> float:
    """Return p of the pooled z test that two accuracies, each on samples of its own, are equal.

    >>> f"{two_proportions(520, 1000, 480, 1000):.4f}"
    '0.0736'
    """
    pooled = (correct + other_correct) / (samples + other_samples)
    error = math.sqrt(pooled * (1 - pooled) * (1 / samples + 1 / other_samples))
    return 2 * float(ndtr(-abs(correct / samples - other_correct / other_samples) / error)) if error else 1.0


def render(entries: Sequence[Entry], pairs: Sequence[Pair]) -> str:
    """Return the one self-contained HTML page."""
    goal = entries[0].frames.goal
    curves = any(entry.best and (entry.frames.curves["epoch"] > 1).any() for entry in entries)
    metrics = dict.fromkeys((goal.metric,) if goal.of_function else (goal.metric, "loss")) if curves else ()
    return page(
        "compare.html",
        entries=entries,
        goal=goal,
        goal_text=goal_text,
        pairs=pairs,
        same=len({entry.samples("validation") for entry in entries if entry.search}) == 1,
        symbols=formatting.symbols(label for entry in entries for stage in entry.stages for label in stage.labels),
        figures=[Markup(_curves(entries, metric)) for metric in metrics],
        character=character,
        duration=formatting.duration,
    )


def _curves(entries: Sequence[Entry], metric: str) -> str:
    goal = entries[0].frames.goal
    column = f"validation_{metric}" if metric in METRICS else "value"
    named = metric if goal.of_function else f"validation {metric}"

    def draw(axes: Axes) -> None:
        for index, entry in enumerate(entries):
            by_trial = entry.frames.curves.groupby("trial_id")
            runs = [by_trial.get_group(trial) for trial in entry.ids("validation") if trial in by_trial.groups]
            if runs:
                values = by_epoch(runs, column)
                style: dict[str, Any] = {"color": colour(index), "marker": marker(index), "linewidth": 1.5}
                step = max(1, len(values) // 8)
                every = (index % step, step)  # a run of one epoch has its mark, too
                axes.plot(values.index.to_numpy(), values["mean"].to_numpy(), markersize=4, markevery=every, **style)
        axes.xaxis.set_label(goal.unit)
        whole_axis(axes.xaxis)
        axes.yaxis.set_label(named)
        if metric == goal.metric:
            value_axis(axes.yaxis, goal, goal_text.measured_axis(goal))

    alt = f"{named} by {goal.unit} of the best configuration of each study"
    return svg(f"compare {metric}", alt, (4.7, 3.0), draw, [(i, entry.name) for i, entry in enumerate(entries)])


def _studies_csv(entries: Sequence[Entry]) -> str:
    metric = entries[0].frames.goal.metric
    header = ["study", "state", "stage", "configuration", f"validation_{metric}", "validation_low", "validation_high"]
    header += ["validation_samples", f"test_{metric}", "test_trials", "trials", "epochs_done", "seconds"]
    rows: list[list[Any]] = [header]
    for entry in entries:
        estimate = entry.best.validation if entry.best else None
        edges = [estimate.low, estimate.high] if estimate and estimate.has_interval else [None] * 2
        measured = [estimate.value, *edges, estimate.samples] if estimate else [None] * 4
        tests = [test.value for test in entry.tests]
        trials = entry.frames.trials
        identity = [
            entry.name,
            entry.frames.study["state"],
            entry.search.name if entry.search else None,
            entry.configuration,
        ]
        test = [math.fsum(tests) / len(tests) if tests else None, len(tests)]
        rows.append(
            [*identity, *measured, *test, len(trials), int(trials["epochs_done"].sum()), float(trials["seconds"].sum())]
        )
    return _csv(rows)


def _tests_csv(pairs: Sequence[Pair]) -> str:
    header = ["split", "first", "second", "difference", "p_adjusted", "test"]
    return _csv([header, *([p.split, p.first, p.second, p.difference, p.p, p.test] for p in pairs)])


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([formatting.csv_cell(value) for value in row] for row in rows)
    return out.getvalue()
