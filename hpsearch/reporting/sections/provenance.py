"""The provenance of each stage: what ran, how long it took, and where its ranges come from. May import spec."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import STATES
from hpsearch.reporting.sections.ranking.rows import Record, stopped_early
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.spec import Around


@dataclass(frozen=True)
class StageProvenance:
    """One stage's row, every cell a text; `ranges` has a sentence for each range around an earlier best."""

    name: str
    trials: str
    epochs: str
    time: str
    began: str
    ranges: tuple[str, ...]


def stage_provenance(frames: Frames, stages: Sequence[StageView]) -> list[StageProvenance]:
    """Return the provenance of each stage, in order."""
    around = _arounds(frames)
    trials = frames.by_stage
    views = {view.name: view for view in stages}
    return [
        StageProvenance(
            stage["name"],
            _counts(trials[stage["name"]]),
            _epochs(trials[stage["name"]]),
            formatting.duration(sum(trial["seconds"] for trial in trials[stage["name"]])),
            _when(stage),
            tuple(_range(key, each, views[each.around]) for key, each in around.get(stage["name"], {}).items()),
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


def _range(key: str, around: Around, source: StageView) -> str:
    """Name the trials that a range lies around, with their value and accuracy."""
    label = formatting.label(key)
    best = source.ranked[: around.best]
    if not best:
        return f"{label}: around the best of {around.around}, which has no finished trial yet."
    which = "the best" if len(best) == 1 else f"the best {len(best)}"
    places = dict(zip(source.labels, range(len(source.labels)), strict=True))
    column = places.get(label, places.get(key))
    trials = [f"{row.trial} ({'' if column is None else f'{row.values[column]}, '}{row.accuracy})" for row in best]
    return f"{label}: around {which} of {around.around}, {formatting.listing(trials)}."


def _counts(trials: Sequence[Record]) -> str:
    states = [trial["state"] for trial in trials]
    early = sum(stopped_early(trial) for trial in trials)
    counts = [f"{states.count(state):,} {state}" for state in STATES if state in states]
    return ", ".join([*counts, *([f"{early:,} of them stopped early"] if early else [])]) or "none yet"


def _epochs(trials: Sequence[Record]) -> str:
    """Write the epochs trained, and those that pruning, early stopping and failures saved."""
    done = sum(trial["epochs_done"] for trial in trials)
    ended = [trial for trial in trials if trial["state"] in ("complete", "pruned", "failed")]
    saved = sum(trial["epochs"] - trial["epochs_done"] for trial in ended)
    return f"{done:,}" + (f" ({saved:,} saved)" if saved > 0 else "")


def _when(stage: Mapping[str, Any]) -> str:
    """Write when a stage began, and how long it took, pauses included."""
    began, ended = stage["started_at"], stage["finished_at"]
    if not began:
        return formatting.MISSING
    try:
        whole = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds() if ended else None
    except (TypeError, ValueError):
        return str(began)
    return str(began) + (f", for {formatting.duration(whole)}" if whole is not None else "")
