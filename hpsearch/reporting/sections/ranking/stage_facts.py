"""The sentences above and below a stage's table: its size, what changed it, the tracebacks of failures in a model.

May import our rows and formatting.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting
from hpsearch.reporting.files import without_folders
from hpsearch.reporting.sections.ranking.replicates import Replication, configurations_of, points_of
from hpsearch.reporting.sections.ranking.rows import Record, out_of_time
from hpsearch.spec import limit_of
from hpsearch.storage.records import Goal

_KINDS = {
    "random": "random search",
    "grid": "grid search",
    "list": "listed in the study file",
    "qmc": "quasi-random search",
    "tpe": "sampled by TPE",
    "cmaes": "sampled by CMA-ES",
    "gp": "sampled by a Gaussian process",
    "nsga2": "sampled by NSGA-II",
    "priorband": "sampled by PriorBand",
    "python": "sampled by a class of the workspace",
    "final": "the best configuration, trained again",
}

TRACEBACKS = 5
"""At most so many different tracebacks of a stage are shown."""


@dataclass(frozen=True)
class Traceback:
    """A traceback from the model file, and a title that names the trials that failed with it."""

    title: str
    text: str


def size(stage: Record, trials: Sequence[Record], replication: Replication | None) -> str:
    """Write the stage's number of trials, of epochs, and of samples."""
    planned = stage["trials"] or len(trials)
    number = formatting.count(planned, "trial") if planned else "trials not yet known"
    if replication:
        configurations = formatting.count(len(configurations_of(trials)), "configuration")
        each = f" × {replication.text}" if replication.even else f" with {replication.text} each"
        number = f"{configurations}{each}, {number}"
    parts = [f"{number}, {_KINDS.get(stage['kind'], stage['kind'])}"]
    epochs = sorted({trial["epochs"] for trial in trials})
    goal = Goal.of(stage["data"] or {})
    if epochs and not (goal.of_function and epochs == [1]):
        what = goal.unit
        parts.append(
            formatting.count(epochs[0], what) if len(epochs) == 1 else f"{epochs[0]:,} to {epochs[-1]:,} {what}s"
        )
    data = stage["data"] or {}
    if data.get("train") and data.get("validation"):
        each = " in each fold" if data.get("folds") else ""
        parts.append(f"{data['train']:,} training and {data['validation']:,} validation samples{each}")
    return "; ".join(parts)


def changes(stage: Record, trials: Sequence[Record]) -> Iterator[str]:
    """Yield sentences on what changed the stage's size after it began: confirmation, budgets, growth."""
    configurations = points_of(trials)
    sizes = [len(members) for members in configurations]
    further = sum(sizes) - len(sizes) * min(sizes, default=0)
    if further and stage["kind"] != "final":
        many = formatting.count(sum(number > min(sizes) for number in sizes), "configuration")
        got = formatting.count(further, "further trial")
        yield f"Confirmed: {many} got {got}, with up to {max(sizes):,} seeds in all."
    if stage["ended"]:
        yield stage["ended"]
    late = sum(out_of_time(trial) for trial in trials)
    if late:
        yield f"{formatting.count(late, 'trial')} had not finished when the budget ended: not ranked."
    yield from _limited(trials)
    grown = [f"{number:,}" for number in stage["batches"] or ()]
    if grown:
        yield f"The study file was changed to add configurations when the stage had {formatting.listing(grown)}."
    if stage["stale"]:
        yield "An earlier stage has grown since this one began, whose ranges rest on fewer results than there are now."


def _limited(trials: Sequence[Record]) -> Iterator[str]:
    """Yield a sentence for each limit that ended trials."""
    found = Counter(trial["reason"] for trial in trials if limit_of(trial["reason"]))
    for reason, number in found.items():
        ended, it = formatting.count(number, "trial"), "it" if number == 1 else "they"
        if limit_of(reason) == "updates":
            yield f"{ended} {reason} before the end, and ranked by what {it} had reached."
        else:
            yield f"{ended} {reason} and failed. This depends on the machine."


def tracebacks(stage: str, trials: Sequence[Record]) -> Iterator[Traceback]:
    """Yield each different traceback once, the most frequent first."""
    found = Counter(trial["traceback"] for trial in trials if trial["traceback"])
    for text, _ in found.most_common(TRACEBACKS):
        numbers = sorted(trial["number"] for trial in trials if trial["traceback"] == text)
        which = "trial" if len(numbers) == 1 else "trials"
        yield Traceback(f"Traceback of {which} {formatting.trial_names(stage, numbers)}", without_folders(text))
    more = len(found) - TRACEBACKS
    if more > 0:
        what = formatting.count(more, "further traceback")
        yield Traceback(f"{what} not shown", "`hpsearch status NAME --failures` shows all.")
