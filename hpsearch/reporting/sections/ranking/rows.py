"""The rows of a ranking table, every cell a text, for a stage with one trial per configuration.

`replicates` has the rows of a stage whose configurations have replicates. May import our frames, statistics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.files import without_folders
from hpsearch.reporting.formatting import NumberStyle
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.comparison import Record as Record
from hpsearch.reporting.sections.ranking.comparison import Verdict, interval_of
from hpsearch.reporting.sections.ranking.comparison import column_of as column_of
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.tests import tied
from hpsearch.storage.records import ACCURACY, Goal


@dataclass(frozen=True)
class Estimate:
    """A value of the objective as it was measured, or the mean over replicates, with its 95% interval.

    A single value of another objective than the accuracy has no interval where its samples' contributions are not known
    and no configuration of its table has replicates: `low` and `high` are the value.
    """

    value: float
    low: float
    high: float
    samples: int  # 0 where the number is not known
    deviation: float | None = None  # of the replicates, None where there are none
    goal: Goal = ACCURACY

    @property
    def text(self) -> str:
        """The value: 51.73%; with its standard deviation 51.73% ± 0.25."""
        places = formatting.decimals(self.samples)
        spread = "" if self.deviation is None else f" ± {goal_text.spread(self.goal, self.deviation, places)}"
        return goal_text.text(self.goal, self.value, places) + spread

    @property
    def has_interval(self) -> bool:
        """Whether it has an interval."""
        return self.deviation is not None or self.goal == ACCURACY or self.low < self.high

    @property
    def interval(self) -> str:
        """The interval: 50.75–52.71, or a dash."""
        if not self.has_interval:
            return formatting.MISSING
        return goal_text.interval(self.goal, self.low, self.high, formatting.decimals(self.samples))


@dataclass(frozen=True)
class Row:
    """One trial of a ranking table, or one configuration with all its replicates."""

    trial_ids: tuple[int, ...]
    state: str
    rank: str  # in the final, where all are one configuration, the replicate
    trial: str  # its name, coarse:3, or that of its replicates, coarse:5–7
    number: int  # of its first trial
    values: tuple[str, ...]  # of the hyperparameters
    validation: Estimate | None
    loss: str
    best_epoch: str
    test: Estimate | None
    seconds: float
    time: str
    mark: str  # best, tied, worse, or nothing
    remark: str
    diagnosis: str = ""
    diagnosis_reason: str = ""  # the numbers that it rests on
    diagnosis_epoch: int | None = None  # the epoch that it names, which a figure marks
    replicates: int = 1  # how many its rank rests on
    near: str = ""  # how probably it is equivalent to the best of its stage
    verdict: Verdict | None = None  # how it compares with the best
    cause: str = ""  # why it failed, or was stopped by a budget; the remark ends with it

    @property
    def short_remark(self) -> str:
        """The remark without the cause."""
        return self.remark.removesuffix(self.cause).rstrip(":; ") if self.cause else self.remark

    @property
    def objective(self) -> str:
        """The objective on the validation samples."""
        return self.validation.text if self.validation else formatting.MISSING

    @property
    def interval(self) -> str:
        """The interval of that."""
        return self.validation.interval if self.validation else formatting.MISSING

    @property
    def test_objective(self) -> str:
        """The objective on the test set, with its interval where it has one."""
        if self.test and not self.test.has_interval:
            return self.test.text
        return f"{self.test.text} ({self.test.interval})" if self.test else formatting.MISSING


def samples_of(frames: Frames, stage: Record, trial: Record, split: str) -> int | None:
    """Return how many samples of a split the trial was evaluated on, None where that is not known."""
    right = frames.correct(trial["id"], split)
    return right.size if right is not None else (stage["data"] or {}).get(split)


def estimate(frames: Frames, stage: Record, trial: Record, split: str) -> Estimate | None:
    """Return a trial's objective on a split, None where it was not evaluated; an accuracy with Wilson's interval."""
    value, samples = trial[column_of(frames.goal, split)], samples_of(frames, stage, trial, split)
    if frames.goal != ACCURACY:
        if value is None:
            return None
        low, high = interval_of(frames, [trial], split) or (value, value)
        return Estimate(value, low, high, samples or 0, goal=frames.goal)
    return (
        Estimate(value, *wilson_interval(value * samples, samples), samples) if value is not None and samples else None
    )


def trial_rows(
    frames: Frames,
    stage: Record,
    trials: Sequence[Record],
    styles: Mapping[str, NumberStyle],
    verdicts: Mapping[int, Verdict],
) -> list[Row]:
    """Return a row per trial; `styles` has the hyperparameters in column order, `verdicts` are by trial id."""
    again = one_again(stage, trials)
    return [_row(frames, stage, trial, styles, verdicts.get(trial["id"]), again=again) for trial in trials]


def one_again(stage: Record, trials: Sequence[Record]) -> bool:
    """Whether the trials are replicates of the one configuration that the final trains again."""
    return stage["kind"] == "final" and len({trial["drawn"] for trial in trials}) < 2


def _row(
    frames: Frames,
    stage: Record,
    trial: Record,
    styles: Mapping[str, NumberStyle],
    found: Verdict | None,
    *,
    again: bool,
) -> Row:
    # The final's trials are replicates of one configuration: they have a number instead of a rank.
    mark = "" if again else mark_of(trial["rank"], found)
    not_yet = trial["state"] == "complete" and not trial["rank"] and not again
    text = verdict(mark, found, stage, samples_of(frames, stage, trial, "validation"))
    loss = trial["validation_loss"]
    return Row(
        trial_ids=(trial["id"],),
        state="running" if not_yet else trial["state"],
        rank=str(trial["replicate"] if again else trial["rank"] or formatting.MISSING),
        trial=formatting.trial_names(stage["name"], [trial["number"]]),
        number=trial["number"],
        values=values_of(trial, styles),
        validation=estimate(frames, stage, trial, "validation"),
        loss=formatting.MISSING if loss is None else formatting.loss(loss),
        best_epoch=formatting.MISSING if trial["best_epoch"] is None else f"{trial['best_epoch']} of {trained(trial)}",
        test=estimate(frames, stage, trial, "test"),
        seconds=trial["seconds"],
        time=formatting.duration(trial["seconds"]) if trial["epochs_done"] else formatting.MISSING,
        mark=mark,
        remark=_remark(trial, NOT_YET if not_yet else text, stage, frames.goal),
        verdict=found,
        cause=why(trial) if trial["state"] == "failed" or out_of_time(trial) else "",
    )


def mark_of(rank: int | None, found: Verdict | None) -> str:
    """Return a row's mark: best for the first, tied or worse for those that were compared with it."""
    if rank == 1:
        return "best"
    return found.mark if found else ""


def values_of(trial: Record, styles: Mapping[str, NumberStyle]) -> tuple[str, ...]:
    """Write the values of the hyperparameters, a dash where the trial has none."""
    params = trial["params"]
    return tuple(style(params[key]) if key in params else formatting.MISSING for key, style in styles.items())


def trained(trial: Record) -> int:
    """Return how many epochs a trial trains: its number of epochs, or fewer if it ended early."""
    return int(trial["epochs_done"] if stopped_early(trial) or trial["state"] == "pruned" else trial["epochs"])


def stopped_early(trial: Record) -> bool:
    """Whether a trial ended well before its last epoch."""
    return trial["state"] == "complete" and bool(trial["reason"]) and trial["epochs_done"] < trial["epochs"]


def early_reason(trial: Record) -> tuple[str, str]:
    """Split the reason of a trial that ended early into a short text and the details.

    >>> early_reason({"reason": "stopped early: no better validation accuracy for 5 epochs"})
    ('stopped early', 'no better validation accuracy for 5 epochs')
    """
    short, _, why = trial["reason"].partition(": ")
    return short, why


NOT_COMPARED = "not compared: its predictions were not stored"

NOT_YET = "ended, but is not ranked before one that the pruner kept"
"""Of an audited one, while those train that the pruner kept."""


def distinction(otherwise: str, p: float) -> str:
    """Write the result of a test: that two are not statistically distinguishable, or otherwise a text; with p."""
    return f"{'not statistically distinguishable' if tied(p) else otherwise} ({formatting.p_value(p)})"


def verdict(mark: str, found: Verdict | None, stage: Record, samples: int | None) -> str:
    """Write a mark as a text, with the difference from the best."""
    if mark == "best":
        return "best" if stage["state"] == "complete" else "best so far"
    return found.text(formatting.decimals(samples)) if found else ""


def why(trial: Record) -> str:
    """Return why a trial failed or was ended, with the last line of its traceback where that says more.

    >>> trace = "Traceback:\\nhpsearch.errors.InputError: no  such layer: x"
    >>> why({"reason": "no such layer: x", "traceback": trace})
    'no such layer: x'
    """
    reason = trial["reason"] or "no reason was stored"
    last = " ".join((trial["traceback"] or "").strip().rpartition("\n")[2].split())
    message = last.partition(": ")[2] or last  # the traceback names the error's module too
    # A reason is cut after some hundred characters.
    known = not last or message in reason or message.startswith(reason.rstrip("…").partition(": ")[2] or "\n")
    return without_folders(reason if known else f"{reason}: {last}")


def out_of_time(trial: Record) -> bool:
    """Whether a budget of the stage ended a trial, and not the pruner."""
    return trial["state"] == "pruned" and trial["pruned_at"] is None


def audited(trial: Record) -> bool:
    """Whether a trial would have been pruned, but was selected to train to the end."""
    return trial["state"] not in ("pruned", "failed") and trial["pruned_at"] is not None


def pruned(trial: Record, goal: Goal = ACCURACY) -> str:
    """Write in short where and why a trial was pruned; ranking.csv has the whole reason.

    >>> reason = "place 22 of 40 after epoch 1, where the best 14 went on"
    >>> pruned({"pruned_at": 1, "reason": reason, "traceback": None})
    'pruned at epoch 1: place 22 of 40'
    """
    reason = why(trial).replace(f" after epoch {trial['pruned_at']}", "")
    where = f"{goal.unit} {trial['pruned_at']:,}"
    return f"pruned at {where}: {reason.partition(', where')[0].partition(', the median')[0]}"


def _remark(trial: Record, text: str, stage: Record, goal: Goal) -> str:
    state, done = trial["state"], f"{goal.unit} {trial['epochs_done']:,} of {trial['epochs']:,}"
    if state == "pruned" and not out_of_time(trial):
        return pruned(trial, goal)
    if state in ("failed", "pruned"):
        after = "" if goal.of_function and trial["epochs"] == 1 else f" after {done}"
        return f"{'failed' if state == 'failed' else 'stopped'}{after}: {why(trial)}"
    if state != "complete":
        return f"running, {done} done" if state == "running" else state
    if not text and stage["kind"] != "final" and goal == ACCURACY:
        text = NOT_COMPARED
    early = f"{early_reason(trial)[0]} after {done}" if stopped_early(trial) else ""
    return "; ".join(part for part in (text, early, would_be_pruned(trial["pruned_at"], goal)) if part)


def would_be_pruned(at: int | None, goal: Goal) -> str:
    """Write at which epoch an audited one would have been pruned, "" of others."""
    return f"audited (would have been pruned at {goal.unit} {at:,})" if at else ""
