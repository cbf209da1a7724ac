"""One stage's ranking as it is shown, in HTML and in Markdown: every cell a text, every mark decided.

May import our frames, statistics and words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.reporting import words
from hpsearch.reporting.frames import Frames, records
from hpsearch.reporting.statistics import Comparison, compare_with_best, wilson_interval
from hpsearch.reporting.words import NumberStyle

Trial = dict[str, Any]
"""A row of `Frames.trials`."""


@dataclass(frozen=True)
class Estimate:
    """An accuracy as it was measured, with Wilson's 95% interval."""

    share: float
    low: float
    high: float
    images: int

    @property
    def accuracy(self) -> str:
        """The accuracy: 51.73%."""
        return words.percent(self.share, words.decimals(self.images))

    @property
    def interval(self) -> str:
        """The interval: 50.75–52.71."""
        return words.between(self.low, self.high, words.decimals(self.images))


@dataclass(frozen=True)
class Row:
    """One trial of a ranking table."""

    trial_id: int
    state: str
    rank: str
    trial: str
    values: tuple[str, ...]  # of the searched keys
    validation: Estimate | None
    accuracy: str
    interval: str
    loss: str
    best_epoch: str
    test: Estimate | None
    test_accuracy: str
    seconds: float
    time: str
    mark: str  # best, tied, worse, or nothing
    remark: str


@dataclass(frozen=True)
class StageView:
    """One stage: what it searched, its ranking table, and what the table's marks mean."""

    name: str
    kind: str
    state: str
    space: tuple[str, ...]
    notes: tuple[str, ...]
    size: str
    labels: tuple[str, ...]  # of the searched keys
    rows: tuple[Row, ...]
    tested: bool
    caption: str

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The finished trials, best first."""
        return tuple(row for row in self.rows if row.state == "complete")

    @property
    def scale(self) -> tuple[float, float]:
        """The range that the table's intervals span, as shares."""
        estimates = [row.validation for row in self.rows if row.validation]
        return min(each.low for each in estimates), max(each.high for each in estimates)


def searched_keys(params: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all keys that any trial's setting has, in the order in which they first appear."""
    return list(dict.fromkeys(key for setting in params for key in setting))


def number_styles(frames: Frames) -> dict[str, NumberStyle]:
    """Return how each searched key's numbers are written, the same in every stage."""
    params = list(frames.trials["params"])
    return {key: NumberStyle(each[key] for each in params if key in each) for key in searched_keys(params)}


def view_stages(frames: Frames) -> list[StageView]:
    """Return a view per stage, in order."""
    styles = number_styles(frames)
    trials = records(frames.trials)
    return [
        _view(frames, stage, [t for t in trials if t["stage_id"] == stage["id"]], styles)
        for stage in records(frames.stages)
    ]


def _view(frames: Frames, stage: dict[str, Any], trials: list[Trial], styles: Mapping[str, NumberStyle]) -> StageView:
    keys = searched_keys(trial["params"] for trial in trials)
    comparisons = {} if stage["kind"] == "final" else compare(frames, trials)
    rows = tuple(_row(frames, stage, trial, keys, styles, comparisons) for trial in trials)
    return StageView(
        name=stage["name"],
        kind=stage["kind"],
        state=stage["state"],
        space=tuple(_space(key, spec) for key, spec in (stage["space"] or {}).items()),
        notes=tuple(stage["notes"] or ()),
        size=_size(stage, trials),
        labels=tuple(words.label(key) for key in keys),
        rows=rows,
        tested=any(row.test for row in rows),
        caption=_caption(rows, comparisons),
    )


def compare(frames: Frames, trials: Sequence[Trial]) -> dict[int, Comparison]:
    """Compare the finished trials of one table with its best, by trial id; those without predictions are left out."""
    finished = [(trial["id"], frames.correct(trial["id"])) for trial in trials if trial["state"] == "complete"]
    if not finished or finished[0][1] is None:
        return {}
    best = finished[0][1]
    others = [(trial, right) for trial, right in finished[1:] if right is not None and right.size == best.size]
    return dict(
        zip((trial for trial, _ in others), compare_with_best(best, [right for _, right in others]), strict=True)
    )


def estimate(frames: Frames, stage: Mapping[str, Any], trial: Trial, split: str) -> Estimate | None:
    """Return a trial's accuracy on a split with its interval, None where it was not measured."""
    share = trial[f"{split}_accuracy"]
    right = frames.correct(trial["id"], split)
    images = right.size if right is not None else (stage["data"] or {}).get(split)
    return Estimate(share, *wilson_interval(share * images, images), images) if share is not None and images else None


def _row(
    frames: Frames,
    stage: Mapping[str, Any],
    trial: Trial,
    keys: Sequence[str],
    styles: Mapping[str, NumberStyle],
    comparisons: Mapping[int, Comparison],
) -> Row:
    validation, test = (estimate(frames, stage, trial, split) for split in ("validation", "test"))
    comparison = comparisons.get(trial["id"])
    mark = ""
    if trial["rank"] == 1 and stage["kind"] != "final":
        mark = "best"
    elif comparison:
        mark = "tied" if comparison.tied else "worse"
    loss = trial["validation_loss"]
    return Row(
        trial_id=trial["id"],
        state=trial["state"],
        rank=str(trial["rank"] or words.MISSING),
        trial=str(trial["number"]),
        values=tuple(styles[key](trial["params"][key]) if key in trial["params"] else words.MISSING for key in keys),
        validation=validation,
        accuracy=validation.accuracy if validation else words.MISSING,
        interval=validation.interval if validation else words.MISSING,
        loss=words.MISSING if loss is None else f"{loss:.4f}",
        best_epoch=words.MISSING if trial["best_epoch"] is None else f"{trial['best_epoch']} of {trial['epochs']}",
        test=test,
        test_accuracy=f"{test.accuracy} ({test.interval})" if test else words.MISSING,
        seconds=trial["seconds"],
        time=words.duration(trial["seconds"]) if trial["epochs_done"] else words.MISSING,
        mark=mark,
        remark=_remark(trial, mark, comparison, stage),
    )


def _remark(trial: Trial, mark: str, comparison: Comparison | None, stage: Mapping[str, Any]) -> str:
    state, done = trial["state"], f"epoch {trial['epochs_done']:,} of {trial['epochs']:,}"
    if state in ("failed", "pruned"):
        return f"{state} after {done}: {trial['reason'] or 'no reason was kept'}"
    if state != "complete":
        return f"running, {done} done" if state == "running" else state
    if stage["kind"] == "final":
        return f"replicate {trial['replicate']}"
    if mark == "best":
        return "best" if stage["state"] == "complete" else "best so far"
    if comparison is None:
        return "not compared: which images it gets right was not kept"
    return f"{'≈ best' if comparison.tied else 'worse'} ({words.p_value(comparison.p)})"


def _space(key: str, spec: Mapping[str, Any]) -> str:
    """Write one key's range or choices as a line."""
    if "choices" in spec:
        return f"{words.label(key)}: {words.listing(words.alike(spec['choices']), 'or')}"
    scale = ", on a log scale" if spec.get("log") else ""
    whole = ", whole numbers" if spec.get("integer") else ""
    low, high = words.alike([spec["low"], spec["high"]])
    return f"{words.label(key)}: {low} to {high}{scale}{whole}"


_KINDS = {"random": "drawn at random", "grid": "on a grid", "list": "as listed", "final": "the winner, trained again"}


def _size(stage: Mapping[str, Any], trials: Sequence[Trial]) -> str:
    """Write how many trials of how many epochs on how many images the stage has."""
    planned = stage["trials"] or len(trials)
    number = words.count(planned, "trial") if planned else "trials not yet known"
    parts = [f"{number}, {_KINDS.get(stage['kind'], stage['kind'])}"]
    epochs = sorted({trial["epochs"] for trial in trials})
    if epochs:
        parts.append(words.count(epochs[0], "epoch") if len(epochs) == 1 else f"{epochs[0]:,} to {epochs[-1]:,} epochs")
    data = stage["data"] or {}
    if data.get("train") and data.get("validation"):
        parts.append(f"{data['train']:,} images to train on, {data['validation']:,} to validate on")
    return "; ".join(parts)


def _caption(rows: Sequence[Row], comparisons: Mapping[int, Comparison]) -> str:
    """Say what the table's numbers and marks mean."""
    sizes = {row.validation.images for row in rows if row.validation}
    if not sizes:
        return "No trial has a validation accuracy yet."
    images = f"{sizes.pop():,} images" if len(sizes) == 1 else "the validation images"
    text = f"Accuracies in % with Wilson's 95% interval; validation on {images}; metrics at the best epoch."
    if comparisons:
        tests = f"its {len(comparisons):,} tests" if len(comparisons) > 1 else "its one test"
        text += (
            " “≈ best”: cannot be told from the best by an exact McNemar test on the same images, at 5% over the"
            f" whole table (p adjusted for {tests} by Holm)."
        )
    return text
