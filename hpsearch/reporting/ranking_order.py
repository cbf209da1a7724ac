"""The order of a stage's configurations in every table, which is the search's own (hpsearch/search/ranking.py).

May import pandas. Configurations with more replicates come first: they were confirmed, and the luck of the others never was.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import Any

import pandas as pd

STATES = ("complete", "pruned", "running", "waiting", "failed")
"""In the order in which a ranking lists them; only configurations whose trials are all complete have a rank."""

Record = dict[str, Any]
Standing = tuple[int, int, float, float, int]


def in_order(trials: pd.DataFrame, replicates: Mapping[str, int]) -> pd.DataFrame:
    """Sort trials by stage, standing of their configuration, and replicate, and add its `rank`, a missing one for the rest.

    `replicates` has how many trials each configuration of a stage was asked for with; further ones confirm it. A stage that
    it lacks has the fewest that any of its configurations has.
    """
    columns = ["stage", "position", "point", "replicate", "number", "state", "pruned_at", "value", "validation_loss"]
    rows = records(trials[columns])
    configurations: dict[tuple[int, int], list[Record]] = defaultdict(list)
    for row in rows:
        configurations[row["position"], row["point"]].append(row)
    fewest = {row["stage"]: len(configurations[row["position"], row["point"]]) for row in rows}
    for members in configurations.values():
        fewest[members[0]["stage"]] = min(fewest[members[0]["stage"]], len(members))
    base = {**fewest, **replicates}
    counted = {place: [r for r in rows if counts(r, base[r["stage"]])] for place, rows in configurations.items()}
    standings = {place: _standing(counted[place] or rows) for place, rows in configurations.items()}
    ranks = dict(_ranks(standings))
    keys = []
    for index, row in enumerate(rows):
        place = row["position"], row["point"]
        keys.append((row["position"], standings[place], row["replicate"], row["number"], index))
    order = [index for *_, index in sorted(keys)]
    held = {(row["position"], row["number"]) for members in counted.values() for row in members}
    placed = [rows[index] for index in order]
    rank = [ranks.get((r["position"], r["point"])) if (r["position"], r["number"]) in held else None for r in placed]
    return trials.iloc[order].reset_index(drop=True).assign(rank=pd.Series(rank, dtype="Int64"))


def counts(row: Record, base: int) -> bool:
    """Whether a trial counts for its configuration: no time was left for it, or it is a further one and not yet finished."""
    if row["state"] == "pruned":
        return row["pruned_at"] is not None
    return row["state"] not in ("waiting", "running") or bool(row["replicate"] < base)


def _ranks(standings: Mapping[tuple[int, int], Standing]) -> Iterator[tuple[tuple[int, int], int]]:
    complete = [place for place in standings if standings[place][0] == STATES.index("complete")]
    ordered = sorted(complete, key=lambda place: (place[0], standings[place]))
    for _, of_stage in groupby(ordered, lambda place: place[0]):
        yield from ((place, rank) for rank, place in enumerate(of_stage, start=1))


def _standing(counted: Sequence[Record]) -> Standing:
    """Return what configurations are sorted by: state, number of replicates, the means over them, the first trial's number.

    Higher validation accuracy comes first, then lower validation loss.
    """
    first = min(row["number"] for row in counted)
    state = STATES.index(configuration_state([row["state"] for row in counted]))
    if STATES[state] == "pruned":  # those first that came furthest
        reached = max(row["pruned_at"] or 0 for row in counted)
        return state, -reached, -fmean(row["value"] or 0.0 for row in counted), 0.0, first
    if STATES[state] != "complete":
        return state, 0, 0.0, 0.0, first
    accuracy = fmean(row["value"] or 0.0 for row in counted)
    loss = fmean(math.inf if row["validation_loss"] is None else row["validation_loss"] for row in counted)
    return state, -len(counted), -accuracy, loss, first


def configuration_state(states: Collection[str]) -> str:
    """Return the state of a configuration from those of its replicates: failed or pruned if one is, complete if all are."""
    for state in ("failed", "pruned"):
        if state in states:
            return state
    return next(iter(states)) if len(set(states)) == 1 else "running"


def records(frame: pd.DataFrame) -> list[Record]:
    """Return a frame's rows as Python values; None stands for every kind of missing one."""
    values = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in values.to_dict("records")]
