"""What pruning saved in each stage, and what it may have lost: sentences and tables. May import our races."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.pruning import drawn, pruning_figure
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.certainty import points
from hpsearch.reporting.sections.ranking_rows import Record
from hpsearch.reporting.sections.replicate_rows import Replication, compare_configurations
from hpsearch.reporting.sections.rungs import Race, Racer, races
from hpsearch.reporting.sections.stage import StageView
from hpsearch.reporting.statistics.comparison import tied
from hpsearch.reporting.statistics.pruning_loss import FEWEST, Chance, chance_of_loss, share_above

SHOWN = 12
"""At most so many rungs, and so many audited configurations, the best, have a row."""


@dataclass(frozen=True)
class RungRow:
    """What happened at one rung, every cell a text."""

    epoch: str
    came: str
    went_on: str
    cut: str
    audited: str
    lowest: str  # that went on
    highest: str  # that did not


@dataclass(frozen=True)
class AuditRow:
    """How one that was cut ended all the same, every cell a text."""

    trial: str
    cut: str
    before: str
    end: str
    difference: str
    verdict: str


@dataclass(frozen=True)
class Pruning:
    """One stage: sentences, the table of its rungs and of those that were audited, and the picture."""

    stage: str
    index: int  # of the stage in its study
    noun: str
    saved: str  # what it saved, in a sentence
    lost: tuple[str, ...]  # what it may have lost
    in_short: str  # both, for the summary
    rungs: tuple[RungRow, ...]
    audits: tuple[AuditRow, ...]
    caption: str
    figure: str


def view_pruning(frames: Frames, stages: Sequence[StageView]) -> list[Pruning]:
    """Return what pruning saved and may have lost in each stage that it decided in."""
    found = races(frames)
    indexed = [(index, stage, found[stage.name]) for index, stage in enumerate(stages) if stage.name in found]
    return [_view(frames, index, stage, race) for index, stage, race in indexed]


def _view(frames: Frames, index: int, stage: StageView, race: Race) -> Pruning:
    noun = "configuration" if any(len(racer.trials) > 1 for racer in race.racers) else "trial"
    stored = next(row for row in frames.stage_rows if row["name"] == stage.name)
    places = formatting.decimals((stored["data"] or {}).get("validation"))
    audited = sorted((r for r in race.cut if r.audited and r.end is not None), key=lambda r: r.place)
    rungs = [rung for rung in race.rungs if any(racer.cut == rung for racer in race.racers)]
    left_out = [text] if (text := drawn(race)) else []
    left_out += [f"{SHOWN} of {len(rungs):,} rungs are shown, the first."] if len(rungs) > SHOWN else []
    if len(audited) > SHOWN:
        left_out.append(f"Of {len(audited):,} that were audited the best {SHOWN} are shown.")
    cost = _cost(frames.by_stage[stage.name], race)
    lost, short = _lost(race, audited, noun, places)
    return Pruning(
        stage=stage.name,
        index=index,
        noun=noun,
        saved=_saved(cost, stage.name, race, noun),
        lost=tuple(lost),
        in_short=f"Pruning in stage {stage.name} trained {cost.share} of the epochs that all would need; {short}.",
        rungs=tuple(_rung(race, rung, places) for rung in rungs[:SHOWN]),
        audits=tuple(_audits(frames, stored, race, audited, places)),
        caption=" ".join([_caption(race), *left_out]),
        figure=pruning_figure(frames, stage.name, index, race),
    )


def _caption(race: Race) -> str:
    several = any(len(racer.trials) > 1 for racer in race.racers)
    test = "a paired t test over the replicates" if several else "an exact McNemar test on the same images"
    return f"Accuracies are the best until then. Compared by {test}, p adjusted over the table by Holm."


@dataclass(frozen=True)
class _Cost:
    """Epochs and seconds of a stage's trials, without the further replicates, which nobody prunes."""

    done: int
    saved: int
    spent: float
    spared: float  # by a trial's own time for an epoch
    audits: int  # epochs that went into the audited after they were out of the race

    @property
    def share(self) -> str:
        """The share of the epochs that was trained."""
        return f"{100 * self.done / (self.done + self.saved):.0f}%"


def _cost(trials: Sequence[Record], race: Race) -> _Cost:
    base = max((trial["replicate"] for racer in race.racers for trial in racer.trials), default=0)
    mine = [trial for trial in trials if trial["replicate"] <= base]
    cut = [trial for trial in mine if trial["state"] == "pruned" and trial["pruned_at"]]
    return _Cost(
        done=sum(trial["epochs_done"] for trial in mine),
        saved=sum(trial["epochs"] - trial["epochs_done"] for trial in cut),
        spent=sum(trial["seconds"] for trial in mine),
        spared=sum((t["epochs"] / t["epochs_done"] - 1) * t["seconds"] for t in cut if t["epochs_done"]),
        audits=sum(t["epochs_done"] - t["pruned_at"] for t in mine if t["state"] != "pruned" and t["pruned_at"]),
    )


def _saved(cost: _Cost, stage: str, race: Race, noun: str) -> str:
    number = len(race.cut) - sum(racer.audited for racer in race.cut)
    text = (
        f"Pruning cut {number:,} of {formatting.count(len(race.racers), noun)} in {stage}: of the"
        f" {cost.done + cost.saved:,} epochs that all would have needed, {cost.done:,} were trained ({cost.share})"
    )
    if cost.spared:
        text += (
            f", in {formatting.duration(cost.spent)} instead of about {formatting.duration(cost.spent + cost.spared)}"
        )
    return text + (f"; {cost.audits:,} of these epochs went into audited {noun}s." if cost.audits else ".")


def _lost(race: Race, audited: Sequence[Racer], noun: str, places: int) -> tuple[list[str], str]:
    """Say what is known of how those that were cut would have ended; and in short, for the summary."""
    cut, survivor = race.cut, race.survivor
    tried = sum(racer.audited and racer.finished for racer in cut)
    others = len(cut) - sum(racer.audited for racer in cut)
    if not tried or survivor is None:
        lot = f" ({100 * race.audit:.3g}% were to be, and chance took none)" if race.audit and not tried else ""
        what = f"None that was cut trained on to the end{lot}" if not tried else f"No {noun} went on to the end"
        more = "" if race.audit else ": with `audit = 0.1` in the stage's pruner every tenth would"
        said = f"{what}, so nothing is known of how they would have ended{more}."
        return [said], "what it lost is not known, since none that was cut trained on"
    best = f"trial {survivor.number}, {formatting.percent(survivor.end, places)}"
    above = sum((racer.end or 0.0) > (survivor.end or 0.0) for racer in audited)
    number = "None" if not above else f"{above:,}"
    said = (
        f"Of the {len(cut):,} that were decided against, {tried:,}, drawn by lot, trained on to the end. {number} of"
        f" them ended above the best that went on ({best}): {_bound(above, tried)}."
    )
    said += " An audited one is ranked as any other." if above else ""
    if not others:
        return [said, "No other was cut, so nothing was lost."], "it lost nothing, since all that it cut were audited"
    chance = chance_of_loss(race.went)
    if chance is None:
        few = f"How likely any of the {others:,} others would have ended above all that finished cannot be told from"
        short = f"of {formatting.count(tried, f'audited {noun}')} {number.lower()} ended above the best that went on"
        return [said, f"{few} fewer than {FEWEST} audited {noun}s."], short
    what = f"any of the {others:,} that it cut would have ended above all that finished"
    model = f"The chance that {what} is {_chance(chance)}, by how the finished went on from the same rungs."
    return [said, model], f"the chance that {what} is {_chance(chance)}"


def _bound(above: int, tried: int) -> str:
    low, high = share_above(above, tried)
    if not above:
        return f"with 95% confidence at most {100 * high:.0f}% of all that were cut would have"
    return f"of all that were cut {100 * low:.0f} to {100 * high:.0f}% would have (95%)"


def _chance(chance: Chance) -> str:
    """Write it as roughly as it is known."""
    share, low, high = (100 * each for each in (chance.share, chance.low, chance.high))
    about = "below 5%" if share < 5 else "above 95%" if share > 95 else f"about {share:.0f}%"
    vague = "; a guess rather than a measurement" if high - low > 80 else ""
    return f"{about} (95% interval {low:.0f} to {high:.0f}%{vague})"


def _rung(race: Race, rung: int, places: int) -> RungRow:
    came = [racer for racer in race.racers if racer.came(rung)]
    on = [racer for racer in came if racer.went_on(rung)]
    cut = [racer for racer in came if racer.cut == rung]
    return RungRow(
        epoch=f"{rung:,}",
        came=f"{len(came):,}",
        went_on=f"{len(on):,}",
        cut=f"{len(cut):,}",
        audited=f"{sum(racer.audited for racer in cut):,}",
        lowest=formatting.percent(min((racer.at[rung] for racer in on), default=None), places),
        highest=formatting.percent(max((racer.at[rung] for racer in cut), default=None), places),
    )


def _audits(frames: Frames, stored: Record, race: Race, audited: Sequence[Racer], places: int) -> Iterator[AuditRow]:
    """Compare each audited configuration with the best that went on, seed by seed, or on the same images."""
    survivor = race.survivor
    if survivor is None or survivor.end is None or not audited:
        return
    each = len(survivor.trials)
    data = stored["data"] or {}
    folds = bool(data.get("folds"))
    how = Replication("fold" if folds else "seed", each, data["validation"] / data["train"] if folds else 0.0, each)
    p = compare_configurations(frames, stored, [survivor.trials, *(racer.trials for racer in audited)], how)
    for racer in audited[:SHOWN]:
        apart = (racer.end or 0.0) - survivor.end
        yield AuditRow(
            trial=formatting.numbers([trial["number"] for trial in racer.trials]),
            cut=f"{racer.cut:,}",
            before=formatting.percent(racer.at.get(racer.cut or 0), places),
            end=formatting.percent(racer.end, places),
            difference=points(apart, places),
            verdict=_verdict(apart, p.get(racer.trials[0]["point"])),
        )


def _verdict(apart: float, p: float | None) -> str:
    if p is None:
        return "not compared: which images they get right was not kept"
    if tied(p):
        return f"cannot be told apart ({formatting.p_value(p)})"
    return f"{'better' if apart > 0 else 'worse'} ({formatting.p_value(p)})"
