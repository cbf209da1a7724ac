"""Whether a study file only extends the one that was launched. May import nothing but this package."""

import json
import math
import re
from dataclasses import dataclass

from hpsearch.spec.longer import is_longer, is_relief, lengthened, relieved
from hpsearch.spec.messages import show
from hpsearch.spec.reading import differences, parse
from hpsearch.spec.resolve import length_of, resolve
from hpsearch.spec.tables.pruners import Hyperband
from hpsearch.spec.tables.samplers import Grid
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study


@dataclass(frozen=True)
class Growth:
    """What a changed study file asks for: `refused` are the differences that are no growth, one line each.

    `grown` are the stages that have more trials, a longer budget or more replicates to confirm with, `added` those
    that are new at the end, `longer` those, or "final", whose trials train longer, `relieved` those with
    a higher limit of their trials' time or memory; all in the file's order.
    """

    refused: list[str]
    grown: tuple[str, ...]
    added: tuple[str, ...]
    longer: tuple[str, ...] = ()
    relieved: tuple[str, ...] = ()


def growth(old_text: str, new_text: str) -> Growth:
    """Compare a study file with the one that was launched. Raises StudyFileError if one of them is not valid."""
    before_all, after_all = parse(old_text, "old study file"), parse(new_text, "new study file")
    old, new = before_all.stages, after_all.stages
    refused: list[str] = []
    grown: set[str] = set()
    changes = differences(old_text, new_text)
    lines = [line for key, line in changes.items() if is_longer(key, before_all, after_all)]
    longer = lengthened(before_all, after_all) if lines else {}
    for key, line in changes.items():
        if line in lines:
            continue
        if is_relief(key, before_all, after_all):
            continue
        number, inner = _in_stage(key)
        if number is not None and number >= len(old):
            continue
        change = None if number is None or number >= len(new) else _change(old[number], new[number], inner)
        if number is None or change is None or change < 0:
            refused.append(line)
        elif change > 0:
            grown.add(new[number].name)
    refused += [f"{', '.join(lines)}, but {why}" for why in longer.values() if why]
    for i, (before, after) in enumerate(zip(old, new, strict=False)):
        refused += _reordered(i, before, after) + _regrouped(i, before, after)
        if isinstance(before.pruner, Hyperband) and before.configurations and after.configurations:
            refused += _rebracketed(i, _longest(before_all, before), _longest(after_all, after))
    names = tuple(stage.name for stage in new)
    return Growth(
        refused,
        tuple(name for name in names if name in grown),
        names[len(old) :],
        tuple(longer),
        relieved(before_all, after_all),
    )


def _in_stage(key: str) -> tuple[int | None, str]:
    match = re.fullmatch(r"stage\[(\d+)\]\.(.+)", key, re.DOTALL)
    return (int(match[1]), match[2]) if match else (None, key)


def _change(before: Stage, after: Stage, key: str) -> float | None:
    """Return by how much the value of this key has grown: below 0 if it is less now, None if it is no amount."""
    if key == "sampler.trials":
        return _trials(after) - _trials(before)
    if key.startswith("configurations["):
        return _appended(before, after)
    head, _, name = key.partition(".")
    if head == "budget":
        old, new = (getattr(stage.budget, name) for stage in (before, after))
        return 0 if old == new else _limit(new) - _limit(old)
    if head == "confirm" and before.confirm and after.confirm and before.confirm.best == after.confirm.best:
        return after.confirm.replicates - before.confirm.replicates
    return None


def _trials(stage: Stage) -> int:
    return 0 if stage.sampler is None or isinstance(stage.sampler, Grid) else stage.sampler.trials


def _limit(limit: float | None) -> float:
    return math.inf if limit is None else limit


def _appended(before: Stage, after: Stage) -> int | None:
    """Return how many configurations come after all that there were; None if those are not the same."""
    old, new = ([json.dumps(row, sort_keys=True) for row in stage.configurations or ()] for stage in (before, after))
    return len(new) - len(old) if new[: len(old)] == old else None


def _reordered(i: int, before: Stage, after: Stage) -> list[str]:
    """Return the line for a space with its hyperparameters in another order, which grid points and draws follow."""
    old, new = list(before.space), list(after.space)
    if old == new or set(old) != set(new):
        return []
    return [f"stage[{i}].space: {show(old)} → {show(new)}"]


def _regrouped(i: int, before: Stage, after: Stage) -> list[str]:
    """Return the line for a budget that was removed where its batches are those that a pruner compares trials in."""
    size, removed = before.batch_size_of_points, before.budget.counted and not after.budget.counted
    if not removed or size == after.batch_size_of_points or before.pruner is None or not before.pruner.in_batches:
        return []
    return [f"stage[{i}].budget: raise it; without it the pruner would no longer compare trials in batches of {size}"]


def _longest(study: Study, stage: Stage) -> int:
    """Return the epochs of the longest training among a stage's listed configurations."""
    return max(
        length_of(study, stage, resolve(study, stage, configuration).training)
        for configuration in stage.configurations or ()
    )


def _rebracketed(i: int, before: int, after: int) -> list[str]:
    """Return the line for a configuration longer than all before it, which would assign those to other brackets."""
    if before == after:
        return []
    rule = f"must not come to more than {before:_} epochs, the longest so far, by which hyperband has its brackets"
    return [f"stage[{i}].configurations: {rule}, got {after:_}"]
