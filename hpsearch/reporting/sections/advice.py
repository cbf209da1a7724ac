"""The next steps that the results suggest, each with lines for the study file. May import spec, our frames and views.

docs/report.md states the rules. They use the last search stage.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpsearch import spec
from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.diagnosis_rules import IMPROVING, TOO_LOW
from hpsearch.reporting.sections.ranking.front import best_of_each, view_fronts
from hpsearch.reporting.sections.ranking.rows import Record, Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.rungs import pruning_histories
from hpsearch.reporting.sections.summary import configuration, final, last_search
from hpsearch.spec.spaces.branches import as_written, entry_from_json, written
from hpsearch.spec.writing import stage_lines
from hpsearch.storage.records import ACCURACY

TRIALS, SEEDS, AGAIN = 8, 5, 3
"""A suggested stage samples at least so many configurations, or trains with so many seeds the best so many again."""

LENGTHS = ("epochs", "cycles", "updates")

_KEYS = ("low", "high", "log", "integer", "step")
"""The keys of a range that a further stage repeats."""


@dataclass(frozen=True)
class Advice:
    """One suggestion: a title, the reason, TOML lines for the end of the study file, and what to do, in a few words."""

    title: str
    reason: str
    lines: str
    action: str


@dataclass(frozen=True)
class _LastSearch:
    """The last search stage: as shown, as stored, as written in the study file, and its study."""

    view: StageView
    stored: Record
    written: Mapping[str, Any]
    study: spec.Study
    trials: Sequence[Record]  # of finished configurations, the best first

    def params(self, row: Row) -> dict[str, Any]:
        """Return the hyperparameters of a row."""
        return self._params[row.trial_ids[0]]

    @cached_property
    def _params(self) -> dict[int, dict[str, Any]]:
        return {trial["id"]: dict(trial["params"]) for trial in self.trials}


def advise(frames: Frames, stages: Sequence[StageView]) -> list[Advice]:
    """Return the suggestions, none while the last search stage is not complete."""
    search = _last_search(frames, stages)
    if search is None or search.stored["state"] != "complete":
        return []
    compared = [row for row in search.view.ranked if row.mark in ("tied", "worse")]
    fronts = [each for each in view_fronts(frames, stages) if each.stage == search.view.name]
    best = [search.params(row) for front in fronts for row in best_of_each(front)]
    if len(compared) > 1 and all(_equivalent(row) for row in compared) and not _pruned_below(frames, search):
        found = [_stop(search, len(compared))]
    elif len(compared) > 1 and all(row.mark == "tied" for row in compared):
        found = [*(_extensions(search, best) if search.view.any_pruned else []), _again(search, compared)]
    else:
        found = _extensions(search, best)
    longer = _longer(search, final(stages))
    return [*found, longer] if longer else found


def _last_search(frames: Frames, stages: Sequence[StageView]) -> _LastSearch | None:
    view = last_search(stages)
    if view is None:
        return None
    if frames.written is None:  # a file of another version
        return None
    written = tomllib.loads(frames.study["text"])["stage"]
    stored = next(row for row in frames.stage_rows if row["name"] == view.name)
    mine: Mapping[str, Any] = next((each for each in written if each.get("name") == view.name), {})
    trials = frames.by_stage[view.name]
    ranked = sorted((row for row in trials if row["rank"]), key=lambda row: (row["rank"], row["replicate"]))
    return _LastSearch(view, stored, mine, frames.written, ranked + [row for row in trials if not row["rank"]])


def _pruned_below(frames: Frames, search: _LastSearch) -> bool:
    """Whether any pruned configuration may have been below the best that was not, at its own rung, by what matters.

    The pruned are most of a stage: that its survivors are equivalent says nothing of its ranges.
    """
    history = pruning_histories(frames).get(search.view.name)
    if history is None or not (pruned := history.pruned):
        return False
    samples = (search.stored["data"] or {}).get("validation")
    if history.survivor is None or frames.goal != ACCURACY or not samples:
        return True
    for each in pruned:
        rung = each.pruned_at or 0
        share, best = each.at.get(rung), history.survivor.at.get(rung)
        if share is None or best is None:
            return True
        middle = (share + best) / 2
        if best - share + 1.96 * math.sqrt(2 * middle * (1 - middle) / samples) > (frames.rope or 0.0):
            return True
    return False


def _equivalent(row: Row) -> bool:
    return row.verdict is not None and row.verdict.equivalent


def _stop(search: _LastSearch, others: int) -> Advice:
    """All configurations are equivalent: no difference within the stage's ranges is large enough to matter."""
    view = search.view
    assert view.rope is not None, "else nothing is equivalent"
    return Advice(
        "Stop this search",
        f"Each of the {others:,} other configurations of {view.name} is shown to be within"
        f" {goal_text.region(view.goal, view.rope)} of its best. A search in narrower ranges has nothing to find: use"
        f" the best ({configuration(view, view.ranked[0])}).",
        "",
        "use the best",
    )


def _again(search: _LastSearch, compared: Sequence[Row]) -> Advice:
    """All configurations are ties, but large differences are not excluded: more evidence is needed."""
    view = search.view
    samples = view.ranked[0].validation.samples if view.ranked[0].validation else 0
    on = f"over {view.replication.over}" if view.replication else f"on {samples:,} samples"
    again = view.ranked[:AGAIN]
    folds = bool(view.replication and view.replication.noun == "fold")
    stage = _stage(search, "again", {} if folds else {"replicates": SEEDS})
    stage["configurations"] = [written(search.params(row)) for row in again]
    how = "on more samples" if folds else f"with {SEEDS} seeds each"
    do = f"{'evaluate' if view.goal.of_function else 'train'} the best {len(again)} again {how}"
    most = max((-row.verdict.found.low for row in compared if row.verdict), default=0.0)
    return Advice(
        "Compare the best again",
        f"None of the {len(compared):,} other configurations of {view.name} is statistically distinguishable from its"
        f" best {on}, so a search in narrower ranges would select by chance. But they are not shown to be equivalent:"
        f" differences of up to {goal_text.size(view.goal, most, 1)} cannot be excluded. {do[:1].upper()}{do[1:]}:",
        stage_lines(stage),
        do,
    )


def _extensions(search: _LastSearch, best: Sequence[Mapping[str, Any]]) -> list[Advice]:
    """The best value of a hyperparameter is at the edge of its range: extend the range in that direction.

    With several objectives it must be so for the `best` of each: else one is traded for another there.
    """
    space, sentences, extended = dict(search.stored["space"] or {}), [], []
    for key, entry in list(space.items()):
        found = _beyond(search, key, entry)
        if found and len({_end(entry, params.get(key)) for params in best}) < 2:
            space[key], sentence = found
            sentences.append(sentence)
            extended.append(formatting.label(key))
    if not sentences:
        return []
    stage = _stage(search, "further", {"sampler": {"kind": "random", "trials": max(TRIALS, len(sentences) * TRIALS)}})
    if "constraints" in search.written:
        stage["constraints"] = search.written["constraints"]
    stage["space"] = _space(space)
    reason = f"{' '.join(sentences)} The optimum may lie beyond:"
    action = f"search beyond the ends for {formatting.listing(extended)}"
    return [Advice("Extend the search space", reason, stage_lines(stage), action)]


def _end(entry: Mapping[str, Any], value: Any) -> str:
    """Say which end of its range a value is at: in the outermost tenth, or the outermost choice."""
    if "choices" in entry:
        numbers = [choice for choice in entry["choices"] if formatting.is_number(choice)]
        return {min(numbers, default=None): "low", max(numbers, default=None): "high"}.get(value, "")
    if value is None:
        return ""
    scale = math.log if entry.get("log") else float
    low, high = scale(entry["low"]), scale(entry["high"])
    share = (scale(value) - low) / ((high - low) or 1.0)
    return "low" if share <= 0.1 else "high" if share >= 0.9 else ""


def _space(space: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if any("active" in entry for entry in space.values()):
        return as_written({key: entry_from_json(entry) for key, entry in space.items()})
    return {key: _entry(entry) for key, entry in space.items()}


def _beyond(search: _LastSearch, key: str, entry: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
    """Return the extended range or choices if the best value is at an edge, and a sentence that says so."""
    name, label = search.view.name, formatting.label(key)
    stage = next(each for each in search.study.stages if each.name == name)
    best = search.params(search.view.ranked[0]).get(key)
    if best is None or "active" in entry:
        return None  # it belongs to a choice that the best configuration does not take, or others belong to it
    low, high = spec.limits(search.study, stage, key)
    if "choices" in entry:
        more = _next_choice(entry["choices"], best, low, high)
        if more is None:
            return None
        wider_choices, edge = sorted([*entry["choices"], more]), "largest" if more > best else "smallest"
        said = f"The best {label} of {name}, {formatting.short(best)}, is the {edge} of its choices."
        return {"choices": wider_choices}, said
    span = entry_from_json({each: entry[each] for each in _KEYS if each in entry})
    assert isinstance(span, spec.Range)
    tried = [trial["params"][key] for trial in search.trials if key in trial["params"]]
    finished = [search.params(row)[key] for row in search.view.ranked if key in search.params(row)]
    around = spec.Around(around=name, best=min(AGAIN, len(finished)))
    wider, edge_note = spec.narrow(key, around, span, finished, tried, (low, high))
    assert isinstance(wider, spec.Range)
    if edge_note is None or (wider.low >= span.low and wider.high <= span.high):
        return None
    edge = "upper" if wider.high > span.high else "lower"
    outermost = "highest" if edge == "upper" else "lowest"
    ends = f"near the {edge} end of its range ({' to '.join(formatting.uniform([span.low, span.high]))})"
    return (
        _rounded(wider, low, high),
        f"The best {label} of {name}, {formatting.short(best)}, is the {outermost} that was tried, {ends}.",
    )


def _rounded(span: spec.Range, lowest: float, highest: float) -> dict[str, Any]:
    """Return a range with its ends rounded outwards to three digits, but within what the hyperparameter allows."""
    entry = span.model_dump(exclude_none=True)
    if not span.integer and span.step is None:
        entry |= {
            "low": max(_digits(span.low, math.floor), lowest),
            "high": min(_digits(span.high, math.ceil), highest),
        }
    return entry


def _digits(value: float, to: Any) -> float:
    if value == 0:
        return 0.0
    power = math.floor(math.log10(abs(value))) - 2
    return float(f"{to(value / 10.0**power)}e{power}")


def _next_choice(choices: Sequence[Any], best: Any, low: float, high: float) -> float | int | None:
    """Return the choice that continues the series beyond the best, None where that is not the first or the last."""
    if len(choices) < 2 or not all(formatting.is_number(choice) and choice > 0 for choice in choices):
        return None
    ordered = sorted(choices)
    if best not in (ordered[0], ordered[-1]):
        return None
    outer, inner = (ordered[-1], ordered[-2]) if best == ordered[-1] else (ordered[0], ordered[1])
    more = outer * min(max(outer / inner, 0.1), 10.0)  # a gap of more than ten times is no series to continue
    more = round(more) if all(isinstance(choice, int) for choice in choices) else float(f"{more:.4g}")
    return more if low <= more <= high and more not in choices and more > 0 else None


def _longer(search: _LastSearch, last: StageView | None) -> Advice | None:
    """The best was still improving when its training ended: train it for twice as long."""
    best = search.view.ranked[0]
    trial = next(each for each in search.trials if each["id"] == best.trial_ids[0])
    if not best.diagnosis.startswith((IMPROVING, TOO_LOW)):
        return None
    if last is not None and not any(row.diagnosis.startswith((IMPROVING, TOO_LOW)) for row in last.ranked):
        return None  # the final has trained it long enough
    training = trial["configuration"].get("training", {})
    key = next((each for each in LENGTHS if training.get(each)), None)
    if key is None or key in search.params(best):
        return None
    stage = _stage(search, "longer", {})
    given = stage.get("training", {})
    kept = {name: value for name, value in given.items() if name not in LENGTHS}
    stage |= {"training": kept | {key: 2 * training[key]}, "configurations": [written(search.params(best))]}
    which = f"The best of {search.view.name} ({configuration(search.view, best)})"
    reason = [f"{which} was still improving after its {training[key]:,} {key}.", best.diagnosis_reason]
    why = f"{' '.join(filter(None, reason))} Train it for twice as long:"
    return Advice("Train longer", why, stage_lines(stage), "train the best for twice as long")


def _stage(search: _LastSearch, name: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new stage with the last stage's training, model and augmentation."""
    taken = {stage.name for stage in search.study.stages}
    unique = next(each for each in (name, *(f"{name} {i}" for i in range(2, 10_000))) if each not in taken)
    kept = {
        key: search.written[key] for key in ("training", "model", "augmentation", "replicates") if key in search.written
    }
    return {"name": unique, **kept, **more}


def _entry(entry: Mapping[str, Any]) -> Any:
    if "choices" in entry:
        return entry["choices"]
    return {key: value for key, value in entry.items() if key in ("low", "high") or (key in _KEYS and value)}
