"""How the results came about, stage by stage: what justified its range, what ran, what it took. May import spec."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import STATES
from hpsearch.reporting.sections.ranking_rows import Record, stopped_early
from hpsearch.reporting.sections.stage import StageView
from hpsearch.spec import Around


@dataclass(frozen=True)
class StageOrigin:
    """One stage's row of the table, every cell a text; `because` has a sentence for each range that was narrowed."""

    name: str
    trials: str
    epochs: str
    time: str
    began: str
    because: tuple[str, ...]


def stage_origins(frames: Frames, stages: Sequence[StageView]) -> list[StageOrigin]:
    """Return how each stage came about, in order."""
    around = _arounds(frames)
    trials = frames.by_stage
    views = {view.name: view for view in stages}
    return [
        StageOrigin(
            stage["name"],
            _counts(trials[stage["name"]]),
            _epochs(trials[stage["name"]]),
            formatting.duration(sum(trial["seconds"] for trial in trials[stage["name"]])),
            _when(stage),
            tuple(_because(key, each, views[each.around]) for key, each in around.get(stage["name"], {}).items()),
        )
        for stage in frames.stage_rows
    ]


def _arounds(frames: Frames) -> dict[str, dict[str, Around]]:
    if frames.written is None:  # a file of another version: its stages' notes still say where their ranges came from
        return {}
    return {
        stage.name: {key: entry for key, entry in stage.space.items() if isinstance(entry, Around)}
        for stage in frames.written.stages
    }


def _because(key: str, around: Around, source: StageView) -> str:
    """Name the trials that a range was put around, with their value and accuracy."""
    label = formatting.label(key)
    best = source.ranked[: around.best]
    if not best:
        return f"{label}: around the best of {around.around}, which has none yet."
    which = "the best" if len(best) == 1 else f"the best {len(best)}"
    places = dict(zip(source.labels, range(len(source.labels)), strict=True))
    column = places.get(label, places.get(key))
    said = [
        f"{'trials' if len(row.trial_ids) > 1 else 'trial'} {row.trial}"
        f" ({'' if column is None else f'{row.values[column]}, '}{row.accuracy})"
        for row in best
    ]
    return f"{label}: around {which} of {around.around}, {formatting.listing(said)}."


def _counts(trials: Sequence[Record]) -> str:
    states = [trial["state"] for trial in trials]
    early = sum(stopped_early(trial) for trial in trials)
    said = [f"{states.count(state):,} {state}" for state in STATES if state in states]
    return ", ".join([*said, *([f"{early:,} of them stopped early"] if early else [])]) or "none yet"


def _epochs(trials: Sequence[Record]) -> str:
    """Write the epochs trained, and those that pruning, stopping early and failing saved."""
    done = sum(trial["epochs_done"] for trial in trials)
    ended = [trial for trial in trials if trial["state"] in ("complete", "pruned", "failed")]
    saved = sum(trial["epochs"] - trial["epochs_done"] for trial in ended)
    return f"{done:,}" + (f" ({saved:,} saved)" if saved > 0 else "")


def _when(stage: Mapping[str, Any]) -> str:
    """Write when a stage began, and how long it was under way, pauses among it."""
    began, ended = stage["started_at"], stage["finished_at"]
    if not began:
        return formatting.MISSING
    try:
        whole = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds() if ended else None
    except (TypeError, ValueError):
        return str(began)
    return str(began) + (f", for {formatting.duration(whole)}" if whole is not None else "")
