"""Results that others report ([[reference]] in the study file), beside those of this study. May import SciPy and spec.

docs/report.md states the rule for "within noise".
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri, stdtrit

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.comparison import sampling_variance
from hpsearch.reporting.sections.ranking.rows import Record, column_of, samples_of
from hpsearch.reporting.sections.selection.seed_variance import seed_variance
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.seeds import SeedVariance
from hpsearch.reporting.statistics.tests import LEVEL
from hpsearch.spec import Branching, Reference, Study
from hpsearch.spec.checks.references import stages_of
from hpsearch.spec.spaces.branches import separated
from hpsearch.spec.tables.space import same
from hpsearch.storage.records import Goal

NEAR = 0.1
"""In a range, the nearest value tried is used if its distance is at most this share of the range."""


@dataclass(frozen=True)
class ReferenceRow:
    """One reported number beside ours, every cell a text."""

    source: str
    about: str
    metric: str
    reported: str
    reproduced: str
    difference: str
    verdict: str
    mark: str  # within, outside, or nothing where there is nothing to compare
    note: str


@dataclass(frozen=True)
class Measured:
    """The result of this study: a value per replicate; the number of samples of an accuracy, else None."""

    values: tuple[float, ...]
    samples: int | None
    where: str  # the hyperparameters that differ from the reported ones, "" where none does
    seeds: SeedVariance | None = None  # of the stage's replicates and the final's
    sampling: float = 0.0  # of another metric, the variance that the samples give it

    @property
    def seeds_known(self) -> bool:
        """Whether the variance of the seeds is known."""
        return self.seeds is not None or len(self.values) > 1

    @property
    def mean(self) -> float:
        """The mean over the replicates."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """The replicates' standard deviation, 0 where there is only one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0


def reference_rows(frames: Frames) -> list[ReferenceRow]:
    """Return a row for each [[reference]] of the study file as it was launched, in its order."""
    if frames.written is None:
        return []
    known = {goal.metric: goal for goal in (frames.goal, *frames.others)}
    rows = []
    for each in frames.written.references:
        metric = each.measured
        recorded = each.metric in frames.trials or metric == frames.goal.metric
        recorded = recorded and not (metric == "accuracy" and not frames.has_accuracy)
        goal = known.get(metric, Goal(metric, share=metric == "accuracy"))
        rows.append(_row(each, _measured(frames, frames.written, each) if recorded else None, goal, recorded))
    return rows


def noise(reported: float, measured: Measured) -> float | None:
    """Return the largest difference that two equally good trainings have with a probability of 95%, None if not known.

    The variance of the samples is that of two proportions, both on as many samples as ours, or of another objective
    twice that of its samples' contributions. That of the seeds comes from our replicates, or those of the whole stage
    and the final where these are more, for the one reported training and for our mean over n: s²·(1 + 1/n). Student's t
    has Welch's degrees of freedom, since only the second part is estimated from few values. Without any second seed it
    is the noise of the samples alone.
    """
    number, known, of_seeds, of_samples = len(measured.values), 1, 0.0, 2 * measured.sampling
    seeds = measured.seeds
    if measured.samples:
        share = min(1.0, max(0.0, (reported + measured.mean) / 2))
        of_samples = 2 * share * (1 - share) / measured.samples
    if seeds and seeds.degrees >= number - 1:
        of_seeds, known = seeds.variance * (1 + 1 / number), seeds.degrees
    elif number > 1:
        of_seeds, known = measured.deviation**2 * (1 + 1 / number), number - 1
    variance = of_samples + of_seeds
    if not variance:
        return None
    degrees = known * (variance / of_seeds) ** 2 if of_seeds else math.inf
    factor = float(ndtri(1 - LEVEL / 2)) if degrees > 1e6 else float(stdtrit(degrees, 1 - LEVEL / 2))
    return factor * math.sqrt(variance)


def _row(reference: Reference, measured: Measured | None, goal: Goal, recorded: bool) -> ReferenceRow:
    share = goal.share
    places = formatting.decimals(measured.samples if measured else None) if share else 4
    reported = formatting.percent(reference.value, 2) if share else f"{reference.value:.4g}"
    reproduced = difference = formatting.MISSING
    verdict, mark = "no similar configuration was tried" if recorded else "this study does not record it", ""
    if measured:
        reproduced = _reproduced(measured, share, places)
        gap = measured.mean - reference.value
        difference = f"{100 * gap:+.{places}f}" if share else f"{gap:+.4g}"
        known = noise(reference.value, measured)
        verdict, mark = _verdict(reference, gap, known, share=share, seeds=measured.seeds_known)
    return ReferenceRow(
        reference.source,
        _about(reference),
        reference.metric.replace("_", " ", 1),
        reported,
        reproduced,
        difference.replace("-", "−"),
        verdict,
        mark,
        reference.note,
    )


def _verdict(reference: Reference, gap: float, known: float | None, *, share: bool, seeds: bool) -> tuple[str, str]:
    """Say whether noise or the tolerance explains the difference, and return the mark of the row.

    Where the variance of the seeds is not known, a larger difference than the samples explain shows nothing.
    """

    def within(limit: float) -> str:
        return f"±{100 * limit:.1f}" if share else f"±{limit:.2g}"

    if known is not None and abs(gap) <= known:
        of = "noise" if seeds else "the samples’ noise alone, the seeds’ being unknown"
        return f"within {of} ({within(known)})", "within"
    if reference.tolerance is not None and abs(gap) <= reference.tolerance:
        return f"within the tolerance ({within(reference.tolerance)})", "within"
    if known is None and reference.tolerance is None:
        return "not compared: noise unknown", ""
    limits = [within(limit) for limit in (known, reference.tolerance) if limit is not None]
    side = "higher" if gap > 0 else "lower"
    if not seeds:
        return f"{side} than the samples explain ({formatting.listing(limits)}); the seeds’ noise is unknown", ""
    return f"{side} than noise explains ({formatting.listing(limits)})", "outside"


def _reproduced(measured: Measured, share: bool, places: int) -> str:
    number = len(measured.values)
    if not share:
        text = f"{measured.mean:.4g}" + (f" ± {measured.deviation:.2g}" if number > 1 else "")
    elif number > 1:
        text = f"{formatting.percent(measured.mean, places)} ± {100 * measured.deviation:.{places}f} ({number} seeds)"
    elif measured.samples:
        low, high = wilson_interval(measured.mean * measured.samples, measured.samples)
        text = f"{formatting.percent(measured.mean, places)} ({formatting.between(low, high, places)})"
    else:
        text = formatting.percent(measured.mean, places)
    return f"{text} at {measured.where}" if measured.where else text


def _about(reference: Reference) -> str:
    if reference.configuration:
        where = f"{reference.stage}: " if reference.stage else ""
        return where + pairs(reference.configuration)
    return "final" if reference.stage in (None, "final") else f"the best of {reference.stage}"


def pairs(configuration: Mapping[str, Any]) -> str:
    """Write a configuration: λ = 0, η = 0.1."""
    labels = formatting.labels(configuration)
    return ", ".join(f"{labels[key]} = {formatting.any_value(value)}" for key, value in configuration.items())


def _measured(frames: Frames, study: Study, reference: Reference) -> Measured | None:
    """Return the result of the configuration that a reference is about, None where there is none that has finished."""
    names = [stage.name for stage in stages_of(study, reference)] or ["final"]
    for name in names:
        stage = next((row for row in frames.stage_rows if row["name"] == name), None)
        trials = [trial for trial in frames.by_stage.get(name, []) if trial["rank"]]
        space = (stage["space"] or {}) if stage else {}
        wanted = separated({key: _branching(entry) for key, entry in space.items()}, reference.configuration)
        point = _point(space, trials, wanted) if stage else None
        chosen = [trial for trial in trials if trial["drawn"] == point]
        split, metric, column = reference.part, reference.measured, reference.metric
        if metric == frames.goal.metric and split != "train":
            column = column_of(frames.goal, split)
        values = tuple(trial[column] for trial in chosen if trial.get(column) is not None)
        if stage and values:
            samples = samples_of(frames, stage, chosen[0], split) if metric == "accuracy" else None
            there = {key: chosen[0]["params"][key] for key in wanted}
            differing = {key: there[key] for key in there if same(there[key]) != same(wanted[key])}
            folds = bool((stage["data"] or {}).get("folds"))
            known = seed_variance(frames, name, folds=folds, accuracy=True) if samples else None
            own = metric == frames.goal.metric and metric != "accuracy" and split != "train"
            sampling = sampling_variance(frames, chosen, split) if own and not folds else 0.0
            return Measured(values, samples, pairs(differing), known, sampling)
    return None


def _branching(entry: Mapping[str, Any]) -> Any:
    return Branching.of(entry) if "active" in entry else entry


def _point(space: Mapping[str, Any], trials: Sequence[Record], configuration: Mapping[str, Any]) -> int | None:
    """Return the point of the trial with the configuration or the nearest one; `trials` are sorted, the best first.

    An empty configuration means the best trial.
    """
    distances = [(_distance(space, trial["params"], configuration), trial["drawn"]) for trial in trials]
    close = [(distance, index, point) for index, (distance, point) in enumerate(distances) if distance is not None]
    return min(close)[2] if close else None


def _distance(space: Mapping[str, Any], params: Mapping[str, Any], configuration: Mapping[str, Any]) -> float | None:
    """Return the distance as a share of the ranges, None where the two are not comparable."""
    total = 0.0
    for key, wanted in configuration.items():
        if key not in params:
            return None
        if same(params[key]) == same(wanted):
            continue
        span = space.get(key) or {}
        if "low" not in span or not formatting.is_number(wanted) or (span.get("log") and wanted <= 0):
            return None
        scale = math.log if span.get("log") else float
        distance = abs(scale(params[key]) - scale(wanted)) / ((scale(span["high"]) - scale(span["low"])) or 1.0)
        if distance > NEAR:
            return None
        total += distance
    return total
