"""The claims of the comparison with the best: false “worse”, the best among the ties, coverage, power.

Kinds of searches are drawn at random over the whole grid, so that the mean error over all of them can be named, and by
each of their properties; the worst are simulated again with fresh random numbers, since the worst of many measured
rates is partly chance. May import the made searches and our statistics.
"""

import argparse
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from judgement_searches import COLLAPSES, KINDS, SHAPES, Case, Floats
from judgement_table import Goal

from hpsearch.reporting.statistics.comparison.best import compare

CLAIMS = {
    "an equal one is “worse”": Goal("≤ 6% of tables", 0, 0.06),
    "the best is among the ties": Goal("≥ 95% of tables", 0.95, 1),
    "the interval of a configuration holds": Goal("93–97%", 0.93, 0.97),
    "the intervals of all differences hold together": Goal("≥ 95% of tables", 0.95, 1),
    "one 20 pp worse is “worse”": Goal("≥ 99%", 0.99, 1),
}
SHORT = ("an equal one “worse”", "best among ties", "interval holds", "all differences hold", "20 pp worse “worse”")
HEAD = "| true accuracies | k | n | R | seed deviation | other | " + " | ".join(SHORT) + " |"
LINE = "|---|---:|---:|---:|---:|---|" + "---:|" * len(SHORT)

EVERY: dict[str, tuple[object, ...]] = {
    "shape": tuple(SHAPES),
    "k": (2, 8, 64, 500),
    "n": (200, 1_000, 5_000),
    "seeds": (1, 2, 3, 5, 10, 20),
    "deviation": (0.0, 0.005, 0.01, 0.02),
    "accuracy": (0.5, 0.7, 0.9, 0.98),
    "interaction": (0.1, 0.3, 0.6),
    "kind": KINDS,
    "clustered": (False, True),
}
_USUAL = {"k": (0.25, 0.4, 0.3, 0.05), "kind": (0.55, 0.15, 0.15, 0.15), "clustered": (0.9, 0.1)}
_FOLDS = 0.12
"""The share of cases with folds, of 178 or 1,000 samples in all."""

_PREDICTIONS = 120_000_000
"""So many predictions are made of one kind of search at most, 200 tables or 5 at least."""

_WORST = 5

_POWER = {"seeds": (1, 2, 3, 5, 10, 20), "n": (200, 500, 1_000, 2_000, 5_000)}
"""The evidence that grows: more seeds at 1,000 samples, more samples at three seeds."""


def drawn(random: np.random.Generator) -> Case:
    """Draw a kind of search."""
    values = {key: of[random.choice(len(of), p=_USUAL.get(key))] for key, of in EVERY.items()}
    case = Case(**values)  # type: ignore[arg-type]
    if random.random() < _FOLDS:
        return replace(case, folds=True, seeds=5, n=int(random.choice((35, 200))), clustered=False)
    return case


def subset(shape: str | None, full: bool) -> list[Case]:
    """Return the grid of issue 12, of one shape if that is given."""
    shapes = [each for each in ("equal", "spread", "one good", "one 20 pp worse") if shape in (None, each)]
    axes = [EVERY[key] for key in ("k", "n", "seeds", "deviation")]
    if not full:
        axes = [(8, 64), (200, 1_000), (1, 2, 5), (0.01,)]
    return [Case(each, *axis) for each in shapes for axis in itertools.product(*axes)]  # type: ignore[arg-type]


def measured(case: Case, tables: int, key: Sequence[int]) -> Floats:
    """Simulate searches: a row for each, a column for each claim, NaN where it has nothing to say."""
    number = max(5, min(tables, _PREDICTIONS // case.cost, 200_000 // case.k**2 if case.k > 64 else tables))
    return np.array([_searched(case, np.random.default_rng([*key, index])) for index in range(number)])


def _searched(case: Case, random: np.random.Generator) -> tuple[float, ...]:
    made, truth = case.make(random)
    evidence, compared = compare(made)
    worse = np.array([each is not None and each.worse for each in compared])
    best = truth >= truth.max() - 1e-9
    far = truth < truth.max() - 0.195
    intervals = [evidence.interval(index) for index in range(case.k)]
    held = [low <= t <= high for t, (low, high) in zip(truth, (e for e in intervals if e), strict=True)]
    all_held = all(e.low <= t - truth[0] <= e.high for t, e in zip(truth, compared, strict=True) if e)
    return (
        float(worse[best].any()),
        float(not worse[best].all()),
        float(np.mean(held)),
        float(all_held),
        float(worse[far].mean()) if far.any() else math.nan,
    )


def comparison(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of claims, then of each property, then the worst cases with fresh random numbers."""
    random = np.random.default_rng(options.seed)
    grid = subset(options.shape, options.full) if options.full or options.grid else []
    cases = grid or [drawn(random) for _ in range(options.cells)]
    found = [measured(case, options.tables, (options.seed, number)) for number, case in enumerate(cases)]
    means = np.array([_mean(each) for each in found])
    yield from _claims(cases, found, means)
    yield from _properties(cases, means)
    yield from _worst(cases, means, options)
    if options.details or grid:
        yield from ("", HEAD, LINE)
        for case, each in zip(cases, found, strict=True):
            yield _row(case, each)


def _claims(cases: Sequence[Case], found: Sequence[Floats], means: Floats) -> Iterator[str]:
    """Yield a line a claim: all cases together, and those in which every assumption of the claim holds."""
    yield from ("| claim | goal | measured | met |", "|---|---|---|---|")
    usual = np.array([assumed(case) for case in cases])
    for column, (name, goal) in enumerate(CLAIMS.items()):
        for which, said in ((usual, "as assumed"), (~usual, "assumptions broken")):
            here = means[which, column]
            here = here[~np.isnan(here)]
            if not here.size:
                continue
            error = here.std(ddof=1) / math.sqrt(here.size) if here.size > 1 else 0.0
            tables = sum(len(each) for each, kept in zip(found, which, strict=True) if kept)
            text = f"{100 * here.mean():.1f}% (SE {100 * error:.1f}; {here.size} kinds, {tables:,} tables)"
            yield f"| {name}, {said} | {goal.text} | {text} | {goal.met(float(here.mean()), error)} |"


def assumed(case: Case) -> bool:
    """Whether the samples are independent draws, and the seeds' deviations about normal and of like size."""
    quiet = case.seeds == 1 or case.deviation == 0
    return not case.clustered and (case.kind == "normal" or (quiet and case.kind != COLLAPSES) or case.seeds == 1)


def _properties(cases: Sequence[Case], means: Floats) -> Iterator[str]:
    yield from ("", "| property | value | kinds | " + " | ".join(SHORT) + " |", "|---|---|---:|" + "---:|" * len(SHORT))
    for key, values in {**EVERY, "folds": (False, True)}.items():
        for value in values:
            here = np.array([getattr(case, key) == value and (key == "folds" or not case.folds) for case in cases])
            if key != "clustered" and not (key == "kind" and value == COLLAPSES):
                here &= np.array([not case.clustered for case in cases])
            if here.any():
                cells = [share(means[here, column]) for column in range(means.shape[1])]
                yield f"| {key} | {value} | {here.sum()} | " + " | ".join(cells) + " |"


def _worst(cases: Sequence[Case], means: Floats, options: argparse.Namespace) -> Iterator[str]:
    """Yield the worst kinds by each claim, simulated again."""
    yield from (
        "",
        "The worst kinds by each claim, again with fresh random numbers:",
        "",
        "| claim " + HEAD,
        "|---" + LINE,
    )
    for column, (name, goal) in enumerate(CLAIMS.items()):
        short = np.array([goal.missing(value) for value in means[:, column]])
        for place in np.argsort(-short, kind="stable")[:_WORST]:
            if short[place] > 0:
                again = measured(cases[place], options.tables, (options.seed, 1_000_000 + place))
                yield f"| {name} {_row(cases[place], again)}"


def one_seed(options: argparse.Namespace) -> Iterator[str]:
    """Yield what a table of single runs says of configurations, whose seed variance nothing tells."""
    yield from ("| k | n | seed deviation | a network of an equal configuration is “worse” |", "|---:|---:|---:|---:|")
    for number, (k, deviation) in enumerate(itertools.product((2, 8, 64), (0.005, 0.01))):
        case, wrong = Case("equal", k, 1_000, 1, deviation), []
        for index in range(options.tables):
            made, _ = case.make(np.random.default_rng([options.seed, 7, number, index]))
            wrong.append(float(any(each is not None and each.worse for each in compare(made)[1])))
        yield f"| {k} | {case.n:,} | {100 * deviation:.1f} pp | {share(np.array(wrong))} |"


def power(options: argparse.Namespace) -> Iterator[str]:
    """Yield how often a configuration 3 points below the only good one is “worse”, by seeds and by samples.

    More evidence must not find less: the last column has the largest fall from one row to the next, in standard errors.
    One seed is a statement about the networks, so that the fall from it is no fall of the same claim.
    """
    yield from ("| evidence | seed deviation | “worse”, least evidence to most | largest fall |", "|---|---:|---|---:|")
    for key, deviation in itertools.product(_POWER, (0.0, 0.005, 0.01, 0.02)):
        found = []
        for value in _POWER[key]:
            case = replace(Case("one good", 8, 1_000, 3, deviation), **{key: value})
            found.append(np.array([_found(case, [options.seed, 8, index]) for index in range(options.tables)]))
        compared = found[1:] if key == "seeds" and deviation else found
        falls = [_fall(first, second) for first, second in itertools.pairwise(compared)]
        said = ", ".join(f"{value:,}: {share(each)}" for value, each in zip(_POWER[key], found, strict=True))
        name = "seeds" if key == "seeds" else "samples"
        yield f"| {name} | {100 * deviation:.1f} pp | {said} | {max(falls):.1f} SE |"


def _found(case: Case, key: Sequence[int]) -> float:
    made, truth = case.make(np.random.default_rng(key))
    worse = [each is not None and each.worse for each in compare(made)[1]]
    return float(np.array(worse)[truth < truth.max() - 1e-9].mean())


def _fall(first: Floats, second: Floats) -> float:
    error = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / first.size)
    fall = float(first.mean() - second.mean())
    return fall / error if error else math.copysign(math.inf, fall) if fall else 0.0


def _row(case: Case, found: Floats) -> str:
    return "| " + " | ".join([*case.row, *(share(found[:, column]) for column in range(found.shape[1]))]) + " |"


def _mean(found: Floats) -> list[float]:
    return [float(column[~np.isnan(column)].mean()) if (~np.isnan(column)).any() else math.nan for column in found.T]


def share(values: Floats) -> str:
    """Write a mean in percent with its standard error."""
    known = values[~np.isnan(values)]
    if not known.size:
        return "–"
    error = known.std(ddof=1) / math.sqrt(known.size) if known.size > 1 else 0.0
    return f"{100 * known.mean():.1f} ({100 * error:.1f})"
