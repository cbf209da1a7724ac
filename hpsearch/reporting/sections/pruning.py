"""The section on pruning: what it saved in each stage, and what it may have lost. May import our frames, statistics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.figures.pruning import drawn, pruning_figure
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.replicates import Replication, compare_configurations
from hpsearch.reporting.sections.ranking.rows import NOT_COMPARED, Record, distinction
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.rungs import Candidate, PruningHistory, pruning_histories
from hpsearch.reporting.statistics.pruning_loss import FEWEST, audit_needed, regret, share_above
from hpsearch.storage.records import ACCURACY, Goal

SHOWN = 12
"""At most so many rungs, and so many audited configurations, the best, have a row."""


@dataclass(frozen=True)
class RungRow:
    """The decisions at one rung, every cell a text."""

    epoch: str
    reached: str
    promoted: str
    pruned: str  # the audited among them
    audited: str
    worst: str  # objective of those that were promoted
    best: str  # objective of those that were pruned


@dataclass(frozen=True)
class AuditRow:
    """An audited configuration: what it reached although it would have been pruned, every cell a text."""

    trial: str
    rung: str
    before: str
    end: str
    difference: str
    verdict: str


@dataclass(frozen=True)
class Pruning:
    """One stage: sentences, the table of its rungs and that of its audited configurations, and the figure."""

    stage: str
    index: int  # of the stage in its study
    noun: str
    saved: str
    lost: tuple[str, ...]
    in_short: str  # both, for the summary
    rungs: tuple[RungRow, ...]
    audits: tuple[AuditRow, ...]
    caption: str
    figure: str
    goal: Goal = ACCURACY

    @property
    def worst(self) -> str:
        """What the worst value is."""
        return "highest" if self.goal.sign < 0 else "lowest"

    @property
    def best(self) -> str:
        """What the best value is."""
        return goal_text.better(self.goal, "est")


def view_pruning(frames: Frames, stages: Sequence[StageView]) -> list[Pruning]:
    """Return the section of each stage in which a pruner decided against any trial; none with several objectives.

    What pruning lost is estimated by the one objective that it went by.
    """
    found = {} if frames.goal.objectives else pruning_histories(frames)
    indexed = [(index, stage, found[stage.name]) for index, stage in enumerate(stages) if stage.name in found]
    return [_view(frames, index, stage, history) for index, stage, history in indexed]


def _view(frames: Frames, index: int, stage: StageView, history: PruningHistory) -> Pruning:
    noun = "configuration" if any(len(each.trials) > 1 for each in history.candidates) else "trial"
    stored = next(row for row in frames.stage_rows if row["name"] == stage.name)
    places = formatting.decimals((stored["data"] or {}).get("validation"))
    audited = sorted((c for c in history.pruned if c.audited and c.end is not None), key=lambda c: c.order)
    rungs = [rung for rung in history.rungs if any(each.pruned_at == rung for each in history.candidates)]
    left_out = [text] if (text := drawn(history)) else []
    left_out += [f"The table shows the first {SHOWN} of {len(rungs):,} rungs."] if len(rungs) > SHOWN else []
    if len(audited) > SHOWN:
        left_out.append(f"The table shows the best {SHOWN} of {len(audited):,} audited {noun}s.")
    cost = _cost(frames.by_stage[stage.name], history, frames.goal)
    lost, short = _lost(stage.name, history, audited, noun, _Writer(frames.goal, places))
    return Pruning(
        stage=stage.name,
        index=index,
        noun=noun,
        saved=_saved(cost, stage.name, history, noun),
        lost=tuple(lost),
        in_short=f"With pruning, stage {stage.name} ran {cost.share} of the {cost.unit}s of all its trials; {short}.",
        rungs=tuple(_rung(history, rung, _Writer(frames.goal, places)) for rung in rungs[:SHOWN]),
        audits=tuple(_audits(frames, stored, history, audited, _Writer(frames.goal, places))),
        caption=" ".join([_caption(history, frames.goal), *left_out]),
        figure=pruning_figure(frames, stage.name, index, history),
        goal=frames.goal,
    )


@dataclass(frozen=True)
class _Writer:
    """Writes scores as values of the objective."""

    goal: Goal
    places: int

    def __call__(self, score: float | None) -> str:
        return goal_text.text(self.goal, None if score is None else self.goal.sign * score, self.places)

    def difference(self, score: float) -> str:
        """Write the difference of two scores."""
        return goal_text.difference(self.goal, self.goal.sign * score, self.places)


def _caption(history: PruningHistory, goal: Goal) -> str:
    several = any(len(each.trials) > 1 for each in history.candidates)
    test = " Compared as in the ranking, with p adjusted over the table."
    if goal != ACCURACY:
        return f"Each {goal.metric} is the best up to that {goal.unit}.{test if several else ''}"
    return f"Accuracies are the best up to that epoch.{test}"


@dataclass(frozen=True)
class _Cost:
    """Epochs and seconds of a stage's trials, without confirming replicates, which are never pruned."""

    done: int
    saved: int
    spent: float
    spared: float  # computed with each trial's own time for an epoch
    audits: int  # epochs of the audited after the rung at which they would have been pruned
    unit: str  # epoch; of a function step

    @property
    def share(self) -> str:
        """The share of the epochs that was run."""
        return f"{100 * self.done / (self.done + self.saved):.0f}%"


def _cost(trials: Sequence[Record], history: PruningHistory, goal: Goal) -> _Cost:
    base = max((trial["replicate"] for each in history.candidates for trial in each.trials), default=0)
    mine = [trial for trial in trials if trial["replicate"] <= base]
    pruned = [trial for trial in mine if trial["state"] == "pruned" and trial["pruned_at"]]
    return _Cost(
        done=sum(trial["epochs_done"] for trial in mine),
        saved=sum(trial["epochs"] - trial["epochs_done"] for trial in pruned),
        spent=sum(trial["seconds"] for trial in mine),
        spared=sum((t["epochs"] / t["epochs_done"] - 1) * t["seconds"] for t in pruned if t["epochs_done"]),
        audits=sum(t["epochs_done"] - t["pruned_at"] for t in mine if t["state"] != "pruned" and t["pruned_at"]),
        unit=goal.unit,
    )


def _saved(cost: _Cost, stage: str, history: PruningHistory, noun: str) -> str:
    number = len(history.pruned) - sum(each.audited for each in history.pruned)
    text = (
        f"The pruner stopped {number:,} of {formatting.count(len(history.candidates), noun)} in {stage}:"
        f" {cost.done:,} of {cost.done + cost.saved:,} {cost.unit}s were run ({cost.share})"
    )
    if cost.spared:
        spent, instead = formatting.duration(cost.spent), formatting.duration(cost.spent + cost.spared)
        text += f", in {spent} instead of about {instead}"
    return text + (f"; {cost.audits:,} of these {cost.unit}s were of audited {noun}s." if cost.audits else ".")


def _lost(
    stage: str, history: PruningHistory, audited: Sequence[Candidate], noun: str, write: _Writer
) -> tuple[list[str], str]:
    """Say what is known of what the pruned would have reached; and in short, for the summary."""
    pruned, survivor = history.pruned, history.survivor
    finished = sum(each.audited and each.finished for each in pruned)
    others = len(pruned) - sum(each.audited for each in pruned)
    if not finished or survivor is None:
        reason = f"no {noun} was audited" if not finished else f"no {noun} that the pruner kept has finished"
        if not finished and history.audit:
            reason += f" ({100 * history.audit:.3g}% were to be, but the random selection chose none)"
        more = "" if history.audit else "; with `audit = 0.1` in the stage's pruner, one in ten is"
        said = f"It is not known what the pruned {noun}s would have reached, since {reason}{more}."
        return [said], f"what it lost is not known, since {reason}"
    names = formatting.trial_names(stage, [survivor.number])
    best = f"{names}, {write(survivor.end)}"
    ends = [each.end for each in audited if each.end is not None]
    if others and len(ends) < FEWEST:
        few = formatting.count(finished, f"audited {noun}")
        enough = (
            f"Of the {len(pruned):,} {noun}s that the pruner decided against, only {few} finished. That is too few to"
            f" say what the others would have reached: it takes at least {FEWEST}, which"
            f" `audit = {audit_needed(len(pruned)):.2g}` gives in nine of ten searches of this size."
        )
        return [enough], f"what it lost is not known, since only {few} finished"
    above = sum(end > (survivor.end or 0.0) for end in ends)
    over = "above" if write.goal.sign > 0 else "below"
    number = "None" if not above else f"{above:,}"
    said = (
        f"Of the {len(pruned):,} {noun}s that the pruner decided against, {finished:,} were selected at random and"
        f" audited, that is, run to the end. {number} of them ended {over} the best that was not pruned ({best})"
    )
    lost = goal_text.size(write.goal, regret(ends, survivor.end or 0.0), write.places)
    said += f", the best by {lost}. An audited {noun} is ranked as any other." if above else "."
    many = formatting.count(finished, f"audited {noun}")
    short = f"of {many} {number.lower()} ended {over} the best that was not pruned"
    if above:
        short += f", the best by {lost}"
    if not others:
        all_known = "No other was pruned, so nothing else was lost."
        return [said, all_known], f"all that it pruned were audited, and {short}"
    bound = (
        f"With 95% confidence, at most {100 * share_above(above, finished):.0f}% of all the pruned would have. How far"
        f" the best of the {others:,} others would have ended {over} it cannot be estimated from so few."
    )
    return [said, bound], short


def _rung(history: PruningHistory, rung: int, write: _Writer) -> RungRow:
    reached = [each for each in history.candidates if each.reached(rung)]
    promoted = [each for each in reached if each.promoted(rung)]
    pruned = [each for each in reached if each.pruned_at == rung]
    return RungRow(
        epoch=f"{rung:,}",
        reached=f"{len(reached):,}",
        promoted=f"{len(promoted):,}",
        pruned=f"{len(pruned):,}",
        audited=f"{sum(each.audited for each in pruned):,}",
        worst=write(min((each.at[rung] for each in promoted), default=None)),
        best=write(max((each.at[rung] for each in pruned), default=None)),
    )


def _audits(
    frames: Frames, stored: Record, history: PruningHistory, audited: Sequence[Candidate], write: _Writer
) -> Iterator[AuditRow]:
    """Compare each audited configuration with the best that was not pruned, by seeds or on the same samples."""
    survivor = history.survivor
    if survivor is None or survivor.end is None or not audited:
        return
    each = len(survivor.trials)
    data = stored["data"] or {}
    folds = bool(data.get("folds"))
    how = Replication("fold" if folds else "seed", each, data["validation"] / data["train"] if folds else 0.0, each)
    p = compare_configurations(frames, stored, [survivor.trials, *(other.trials for other in audited)], how)
    for candidate in audited[:SHOWN]:
        difference = (candidate.end or 0.0) - survivor.end
        yield AuditRow(
            trial=formatting.trial_names(stored["name"], [trial["number"] for trial in candidate.trials]),
            rung=f"{candidate.pruned_at:,}",
            before=write(candidate.at.get(candidate.pruned_at or 0)),
            end=write(candidate.end),
            difference=write.difference(difference),
            verdict=_verdict(difference, p.get(candidate.trials[0]["point"]), frames.goal),
        )


def _verdict(difference: float, p: float | None, goal: Goal) -> str:
    if p is None:
        return NOT_COMPARED if goal == ACCURACY else "not compared: single runs"
    return distinction("better" if difference > 0 else "worse", p)
