"""`replay`: reads the options and the stored curves, and prints what the replays came to. May import storage, rich."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hpsearch.cli.output import print_json
from hpsearch.cli.set_option import parse_toml
from hpsearch.errors import InputError, nearest
from hpsearch.search.replay.request import Request, replay_stage
from hpsearch.search.replay.search import Plan
from hpsearch.search.replay.stages import StageCurves, stages_of_study
from hpsearch.search.replay.summary import Spread, Summary
from hpsearch.spec import Hyperband, Study
from hpsearch.spec.options import pruner_and_sampler
from hpsearch.storage import reading
from hpsearch.storage.database import opened_to_read
from hpsearch.storage.records import PRUNED

LEAST = 2
"""The fewest configurations that a search chooses among."""

_LEFT_ALIGNED = ("stage", "search", "chosen most often")

Row = tuple[StageCurves, Summary, Plan]


def run(
    name: str,
    storage: str,
    pruner: str | None,
    sampler: str | None,
    trials: int | None,
    stage: str | None,
    orders: int | None,
    *,
    as_json: bool,
) -> None:
    """Replay the stages of a study, and print a table or JSON."""
    request = _request(pruner, sampler, trials, orders)
    with opened_to_read(storage) as connection:
        study, found = stages_of_study(connection, reading.get_study(connection, name))
    if found and found[0].goal.objectives:
        raise InputError(f"study {name!r} has several objectives, of which no search chooses one best configuration")
    rows, unfit = _replayed(study, _chosen(name, found, stage), request)
    if as_json:
        return print_json({"study": name, "stages": [_facts(*row) for row in rows], "unfit": unfit})
    _print(rows)
    for line in (*_remarks(rows, request), *unfit):
        print(line)
    return None


def _replayed(study: Study, stages: Sequence[StageCurves], request: Request) -> tuple[list[Row], list[str]]:
    """Replay the stages that the request fits, with a line on each other one. Raises InputError if it fits none."""
    rows: list[Row] = []
    errors: list[InputError] = []
    for each in stages:
        try:
            rows.append((each, *replay_stage(study, each, request)))
        except InputError as error:
            errors.append(error)
    if not rows:
        raise errors[0]
    return rows, [f"left out: {error}" for error in errors]


def _request(pruner: str | None, sampler: str | None, trials: int | None, orders: int | None) -> Request:
    if pruner is None and sampler is None and trials is None:
        raise InputError("nothing to replay; give --pruner '{ kind = \"halving\" }', --sampler or --trials")
    given: dict[str, Any] = {}
    for key, text in (("pruner", pruner), ("sampler", sampler)):
        if text is not None:
            given |= _table(key, text)
    table = given.get("sampler")
    if isinstance(table, dict) and table.get("kind") != "grid":
        if "trials" in table and trials is not None:
            raise InputError(f"--trials must not be given beside the sampler's trials, got {trials:,}")
        trials = table.get("trials", trials)
        given["sampler"] = {"trials": trials or 1} | table  # all of them, where neither says how many
    checked = pruner_and_sampler(given, "replay")
    return Request(checked[0], checked[1], trials, orders)


def _table(key: str, text: str) -> dict[str, Any]:
    try:
        return parse_toml(key, text, f"--{key}")
    except InputError:
        rule = "must be a table as TOML writes it"
        example = '{ kind = "halving", keep = 0.5 }' if key == "pruner" else '{ kind = "tpe", trials = 16 }'
        raise InputError(f"--{key} {rule}, e.g. '{example}', got {text!r}") from None


def _chosen(name: str, found: Sequence[StageCurves], stage: str | None) -> list[StageCurves]:
    """The stages to replay. Raises InputError where there is none."""
    names = [each.row.name for each in found]
    if stage is not None and stage not in names:
        raise InputError(f"study {name!r} has no stage {stage!r} that has begun{nearest(stage, names)}")
    left = [each for each in found if len(each.configurations) >= LEAST and stage in (None, each.row.name)]
    if not left:
        which = f"stage {stage!r}" if stage is not None else "no stage"
        has = "has fewer than" if stage is not None else "has at least"
        raise InputError(f"study {name!r}: {which} {has} {LEAST} configurations that trained to their end")
    return left


def _facts(found: StageCurves, summary: Summary, plan: Plan) -> dict[str, Any]:
    sign = found.goal.sign
    return {
        "stage": found.row.name,
        "metric": found.goal.metric,
        "configurations": len(found.configurations),
        "left_out": dict(found.left_out),
        "all_epochs": summary.all_epochs,
        "best": {"trial": summary.best.number, "value": sign * summary.best.end[0]},
        "trials": summary.trials,
        "orders": summary.orders,
        "rungs": _rungs(found, plan),
        "epochs": summary.epochs,
        "saved": summary.saved,
        "pruned": summary.pruned,
        "regret": summary.regret,
        "best_lost": summary.lost,
        "chosen": [{"trial": each.trial, "value": sign * each.score, "share": each.share} for each in summary.chosen],
    }


def _rungs(found: StageCurves, plan: Plan) -> list[int]:
    return list(plan.pruner.rungs_for(max(each.epochs for each in found.configurations))) if plan.pruner else []


def _print(rows: Sequence[Row]) -> None:
    unit = f"{rows[0][0].goal.unit}s"
    headings = ["stage", "search", "trials", unit, "saved", "behind the best", "best lost", "chosen most often"]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in _LEFT_ALIGNED else "right")
    for found, summary, plan in rows:
        best = f"trial {summary.best.number} ({found.goal.text(found.goal.sign * summary.best.end[0])})"
        everything = (f"{len(found.configurations):,}", f"{summary.all_epochs:,}", "", "", "", best)
        table.add_row(*map(Text, (found.row.name, "as trained", *everything)))
        most = summary.chosen[0]
        cells = (
            "",
            _search(found, plan),
            f"{summary.trials:,}",
            _spread(summary.epochs, lambda value, _: f"{value:,.0f}", found),
            f"{summary.saved:.0%}",
            _spread(summary.regret, _difference, found),
            f"{summary.lost:.0%}",
            f"trial {most.trial} ({found.goal.text(found.goal.sign * most.score)}), in {most.share:.0%}",
        )
        table.add_row(*map(Text, cells))
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


def _search(found: StageCurves, plan: Plan) -> str:
    if plan.pruner is None:
        return "no pruner"
    rungs = _rungs(found, plan)
    if not isinstance(plan.pruner, Hyperband) and len(rungs) > 6:
        return f"{plan.pruner.kind}, {found.goal.unit}s {rungs[0]:,}, {rungs[1]:,}, …, {rungs[-1]:,}"
    return f"{plan.pruner.kind}, {found.goal.unit}s {', '.join(f'{rung:,}' for rung in rungs)}"


def _difference(value: float, found: StageCurves) -> str:
    return f"{100 * value:.2f}" if found.goal.share else f"{value:.4g}"


def _spread(spread: Spread, text: Callable[[float, StageCurves], str], found: StageCurves) -> str:
    mean, low, high = (text(value, found) for value in (spread.mean, spread.low, spread.high))
    return mean if low == mean == high else f"{mean} ({low} to {high})"


def _remarks(rows: Sequence[Row], request: Request) -> Iterator[str]:
    """What the numbers mean, and what they leave out."""
    unit = " in percentage points" if rows[0][0].goal.share else ""
    yield (
        f"Means over {rows[0][1].orders:,} random orders, with the range of 95% of them; behind the best{unit}: of all "
        "that were trained. Nothing was trained for this."
    )
    if request.sampler is not None and request.sampler.kind != "random":
        yield (
            f"{request.sampler.kind} chose among the configurations that were trained: for each that it proposed, the "
            "nearest one not taken yet. Among others, it may find better ones."
        )
    if request.pruner is not None and request.pruner.audit:
        yield (
            f"The {rows[0][0].goal.unit}s count that {request.pruner.audit:.0%} of the pruned are trained on as an "
            "audit, on average; none of these is chosen."
        )
    for found, _, _ in rows:
        if found.left_out:
            parts = ", ".join(f"{many:,} {state}" for state, many in sorted(found.left_out.items()))
            total = sum(found.left_out.values()) + len(found.configurations)
            biased = "; those left are the better ones, so a pruner seems to save and to lose otherwise than it would"
            yield (
                f"stage {found.row.name}: {sum(found.left_out.values()):,} of {total:,} configurations cannot be "
                f"replayed, as they have no curve to their end ({parts}){biased if found.left_out.get(PRUNED) else ''}."
            )
