"""What is said above and below a stage's table: its size, what became of what was asked for, what failed in a model.

May import our rows and words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting
from hpsearch.reporting.sections.ranking_rows import Record, out_of_time
from hpsearch.reporting.sections.replicate_rows import Replication, configurations_of

_KINDS = {
    "random": "drawn at random",
    "grid": "on a grid",
    "list": "as listed",
    "qmc": "quasi-random",
    "tpe": "as TPE asked",
    "cmaes": "as CMA-ES asked",
    "gp": "as a Gaussian process asked",
    "final": "the winner, trained again",
}

TRACEBACKS = 5
"""At most so many different tracebacks of a stage are shown."""


@dataclass(frozen=True)
class Traceback:
    """Where trials failed in a model file: a heading that says which trials, and the traceback."""

    title: str
    text: str


def size(stage: Record, trials: Sequence[Record], replication: Replication | None) -> str:
    """Write how many trials of how many epochs on how many images the stage has."""
    planned = stage["trials"] or len(trials)
    number = formatting.count(planned, "trial") if planned else "trials not yet known"
    if replication:
        configurations = formatting.count(len(configurations_of(trials)), "configuration")
        each = f" × {replication.text}" if replication.even else f" with {replication.text} each"
        number = f"{configurations}{each}, {number}"
    parts = [f"{number}, {_KINDS.get(stage['kind'], stage['kind'])}"]
    epochs = sorted({trial["epochs"] for trial in trials})
    if epochs:
        parts.append(
            formatting.count(epochs[0], "epoch") if len(epochs) == 1 else f"{epochs[0]:,} to {epochs[-1]:,} epochs"
        )
    data = stage["data"] or {}
    if data.get("train") and data.get("validation"):
        each = " in each fold" if data.get("folds") else ""
        parts.append(f"{data['train']:,} images to train on, {data['validation']:,} to validate on{each}")
    return "; ".join(parts)


def course(stage: Record, trials: Sequence[Record]) -> Iterator[str]:
    """Say what made a stage other than it was first asked for: confirmation, budgets, growth."""
    configurations = configurations_of(trials)
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
        yield f"{formatting.count(late, 'trial')} had not finished when the time was over, and did not count."
    grown = [f"{number:,}" for number in stage["batches"] or ()]
    if grown:
        yield f"The study file was changed to ask for more when it had {formatting.listing(grown)} configurations."
    if stage["stale"]:
        yield "An earlier stage has grown since this one began: what it searches rests on fewer results than there are."


def tracebacks(trials: Sequence[Record]) -> Iterator[Traceback]:
    """Return each different traceback once, the commonest first."""
    found = Counter(trial["traceback"] for trial in trials if trial["traceback"])
    for text, _ in found.most_common(TRACEBACKS):
        numbers = sorted(trial["number"] for trial in trials if trial["traceback"] == text)
        which = "trial" if len(numbers) == 1 else "trials"
        yield Traceback(f"Traceback of {which} {formatting.numbers(numbers)}", text)
    more = len(found) - TRACEBACKS
    if more > 0:
        what = formatting.count(more, "further traceback")
        yield Traceback(f"{what} not shown", "hpsearch status NAME --failures shows all")
