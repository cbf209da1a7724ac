"""The order of a stage's trials in every table, the same as in the search itself (hpsearch/search/ranking.py).

Configurations with more replicates come first, because they were confirmed with further seeds. Equal configurations
that a sampler drew several times are one here, and their trials are its replicates. May import pandas and storage's
records and fronts.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import Any

import pandas as pd

from hpsearch.storage.fronts import front_ranks
from hpsearch.storage.records import ACCURACY, Goal

STATES = ("complete", "pruned", "running", "waiting", "failed")
"""In the order of a ranking. Only configurations whose trials are all complete have a rank."""

Record = dict[str, Any]
SortKey = tuple[int, int, int, float, float, int]


def rank_trials(trials: pd.DataFrame, replicates: Mapping[str, int], goal: Goal = ACCURACY) -> pd.DataFrame:
    """Sort trials by stage, rank of their configuration, and replicate; add the `rank`, NA for those without one.

    `replicates` has the number of replicates that the study file asks for, by stage; further ones confirm a
    configuration. For other stages it is the smallest number that a configuration has. The column `drawn` has the first
    point with an equal configuration, and so is the same for all trials that are pooled: only finished ones are. With
    several objectives, which are columns as well, the front comes first; the trials then have their configuration's
    `front`, 1 for that one.
    """
    sign = goal.sign
    others = [f"validation_{each.metric}" for each in goal.objectives[1:]]
    columns = ["stage", "position", "point", "replicate", "number", "state", "pruned_at", "value", "validation_loss"]
    rows = records(trials[list(dict.fromkeys([*columns, "params", *others]))])
    points: dict[tuple[int, int], list[Record]] = defaultdict(list)
    for row in rows:
        points[row["position"], row["point"]].append(row)
    fewest = {row["stage"]: len(points[row["position"], row["point"]]) for row in rows}
    for members in points.values():
        fewest[members[0]["stage"]] = min(fewest[members[0]["stage"]], len(members))
    base = {**fewest, **replicates}
    drawn = _first_drawn(
        {key: [r for r in rows if counts(r, base[r["stage"]])] or rows for key, rows in points.items()}
    )
    configurations: dict[tuple[int, int], list[Record]] = defaultdict(list)
    for row in rows:
        row["drawn"] = drawn[row["position"], row["point"]]
        configurations[row["position"], row["drawn"]].append(row)
    counted = {key: [r for r in rows if counts(r, base[r["stage"]])] for key, rows in configurations.items()}
    sort_keys = {key: _sort_key(counted[key] or rows, sign) for key, rows in configurations.items()}
    sort_keys |= _not_yet(configurations, sort_keys)
    fronts = _fronts(counted, sort_keys, goal, others) if goal.objectives else {}
    sort_keys = {key: (*found[:2], fronts.get(key, 0), *found[3:]) for key, found in sort_keys.items()}
    ranks = dict(_ranks(sort_keys))
    keys = []
    for index, row in enumerate(rows):
        configuration = row["position"], row["drawn"]
        keys.append((row["position"], sort_keys[configuration], row["replicate"], row["number"], index))
    order = [index for *_, index in sorted(keys)]
    ranked = {(row["position"], row["number"]) for members in counted.values() for row in members}
    ordered = [rows[index] for index in order]
    rank = [
        ranks.get((row["position"], row["drawn"])) if (row["position"], row["number"]) in ranked else None
        for row in ordered
    ]
    found = trials.iloc[order].reset_index(drop=True)
    found = found.assign(
        rank=pd.Series(rank, dtype="Int64"), drawn=pd.Series([row["drawn"] for row in ordered], dtype="int64")
    )
    if not goal.objectives:
        return found
    front = [
        fronts[row["position"], row["drawn"]] + 1 if place is not None else None
        for row, place in zip(ordered, rank, strict=True)
    ]
    return found.assign(front=pd.Series(front, dtype="Int64"))


def _not_yet(
    configurations: Mapping[tuple[int, int], Sequence[Record]], sort_keys: Mapping[tuple[int, int], SortKey]
) -> dict[tuple[int, int], SortKey]:
    """Return other keys for audited configurations that ended before any that the pruner kept, while those train.

    They ended first because they wait for no rung: ranked now, one that would have been pruned would be the best.
    """
    kept = {key for key, rows in configurations.items() if not any(row["pruned_at"] for row in rows)}
    finished = {key[0] for key in kept if sort_keys[key][0] == STATES.index("complete")}
    training = {key[0] for key in kept if STATES[sort_keys[key][0]] in ("running", "waiting")} - finished
    return {
        key: (STATES.index("running"), 0, 0, 0.0, 0.0, found[-1])
        for key, found in sort_keys.items()
        if key[0] in training and key not in kept and STATES[found[0]] == "complete"
    }


def _fronts(
    counted: Mapping[tuple[int, int], Sequence[Record]],
    sort_keys: Mapping[tuple[int, int], SortKey],
    goal: Goal,
    others: Sequence[str],
) -> dict[tuple[int, int], int]:
    """The non-dominated rank of each finished configuration within its stage, 0 on the front."""
    complete = sorted(key for key in sort_keys if sort_keys[key][0] == STATES.index("complete"))
    found: dict[tuple[int, int], int] = {}
    for _, group in groupby(complete, lambda key: key[0]):
        keys = list(group)
        scores = []
        for key in keys:
            each = [goal.scores([row["value"], *(row[column] for column in others)]) for row in counted[key]]
            scores.append([fmean(column) for column in zip(*each, strict=True)])
        found |= zip(keys, front_ranks(scores), strict=True)
    return found


def _first_drawn(points: Mapping[tuple[int, int], Sequence[Record]]) -> dict[tuple[int, int], int]:
    """Return for each point the first one with an equal configuration, if the trials of both are complete."""
    first: dict[tuple[int, str], int] = {}
    found = {}
    for (stage, point), members in sorted(points.items()):
        found[stage, point] = point
        if configuration_state([row["state"] for row in members]) == "complete":
            found[stage, point] = first.setdefault((stage, json.dumps(members[0]["params"], sort_keys=True)), point)
    return found


def counts(row: Record, base: int) -> bool:
    """Whether a trial counts for its configuration: not if time ran out for it or a further one runs."""
    if row["state"] == "pruned":
        return row["pruned_at"] is not None
    return row["state"] not in ("waiting", "running") or bool(row["replicate"] < base)


def _ranks(sort_keys: Mapping[tuple[int, int], SortKey]) -> Iterator[tuple[tuple[int, int], int]]:
    complete = [key for key in sort_keys if sort_keys[key][0] == STATES.index("complete")]
    ordered = sorted(complete, key=lambda key: (key[0], sort_keys[key]))
    for _, of_stage in groupby(ordered, lambda key: key[0]):
        yield from ((key, rank) for rank, key in enumerate(of_stage, start=1))


def _sort_key(counted: Sequence[Record], sign: float) -> SortKey:
    """Return the key that sorts configurations: state, replicates, front, means over them, first trial's number.

    The better value of the objective comes first, then lower validation loss.
    """
    first = min(row["number"] for row in counted)
    state = STATES.index(configuration_state([row["state"] for row in counted]))
    if STATES[state] == "pruned":  # those pruned later come first
        reached = max(row["pruned_at"] or 0 for row in counted)
        return state, -reached, 0, -fmean(_score(row, sign) for row in counted), 0.0, first
    if STATES[state] != "complete":
        return state, 0, 0, 0.0, 0.0, first
    confirmed = max(Counter(row["point"] for row in counted).values())  # another draw confirms nothing
    score = fmean(_score(row, sign) for row in counted)
    loss = fmean(math.inf if row["validation_loss"] is None else row["validation_loss"] for row in counted)
    return state, -confirmed, 0, -score, loss, first


def _score(row: Record, sign: float) -> float:
    """The value of a trial, turned so that a higher one is better."""
    return -math.inf if row["value"] is None else sign * row["value"]


def configuration_state(states: Collection[str]) -> str:
    """Return a configuration's state from its replicates': failed or pruned if one is, complete if all are."""
    for state in ("failed", "pruned"):
        if state in states:
            return state
    return next(iter(states)) if len(set(states)) == 1 else "running"


def records(frame: pd.DataFrame) -> list[Record]:
    """Return a frame's rows as Python values, every kind of missing value as None."""
    values = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in values.to_dict("records")]
