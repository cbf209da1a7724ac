"""`top`: draw a frame in a terminal of a given size. May import reporting and rich."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from hpsearch.api.progress_text import duration
from hpsearch.cli.top.frame import CohortFacts, Frame, StageFacts, TrialFacts
from hpsearch.reporting.formatting import count, is_number, numbers
from hpsearch.storage.records import COMPLETE, RUNNING, WAITING, Goal
from hpsearch.text import visible_line

LEADERS = 8
CURVE = 24
"""The most characters of a curve."""
BAR, MIN_WIDTH = 28, 4
"""Characters of a stage's bar, where there is room; a column that would have fewer than MIN_WIDTH is left out."""
STAGE = 16
"""The most characters of a stage's name before a trial's number."""

Scale = tuple[float, float]
_BLOCKS, _ASCII = "▁▂▃▄▅▆▇█", "._-=+*#@"
_COLUMNS: tuple[tuple[JustifyMethod, str], ...] = (
    ("left", ""),
    ("right", ""),
    ("right", ""),
    ("left", "green"),
    ("left", "dim"),
)
"""The columns of a table of trials or cohorts: name, objective, epochs, curve, configuration."""
_STYLE = {"running": "bold green", "complete": "bold cyan", "interrupted": "bold yellow", "failed": "bold red"}


def draw(frame: Frame, console: Console, *, rate: float | None, height: int | None, live: bool) -> RenderableType:
    """Draw a frame in at most `height` lines (None: any number); `rate` is in epochs per second."""
    parts: list[RenderableType] = [_head(frame, rate), _stages(frame, rate, console.width)]
    room = 10_000 if height is None else height - 2 - len(frame.stages) - live
    messages = _messages(frame)[: max(0, min(4, room // 4))]
    room -= len(messages) + bool(messages)
    utf = console.encoding.lower().startswith("utf")
    blocks = _BLOCKS if utf else _ASCII
    stage, scale = _short(frame.stage or "", STAGE), _scale([*frame.leaders[:LEADERS], *frame.cohorts], frame.goal)
    best = "front" if frame.goal.objectives else "best configurations"
    means = ", means over replicates" if any(len(each.trials) > 1 for each in frame.leaders) else ""
    rows: Sequence[TrialFacts | CohortFacts]
    for title, rows, share in (
        (f"{best} of stage {stage}{means}{_range(scale, frame.goal)}", frame.leaders[:LEADERS], 0.5),
        (_under_way(frame), frame.cohorts, 1.0),
    ):
        shown = rows[: max(0, int((room - 1) * share if height is not None else 10))]
        if shown:
            parts += [_rule(title), _table(shown, stage, console.width, scale, blocks, frame.goal)]
            room -= len(shown) + 1
    if frame.state == RUNNING and not frame.cohorts and room > 0:
        parts.append(_line(Text("under way: trials in their first segment, about 3 s of work", style="dim")))
    if messages:
        parts += [_rule("messages"), *messages]
    if live:
        parts.append(_line(Text("q quits; the study goes on", style="dim")))
    return Group(*parts) if utf else _Encodable(Group(*parts))


@dataclass(frozen=True)
class _Encodable:
    """The same in the characters of the terminal's encoding, one for one: escapes would widen the lines."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.content, options):
            text = segment.text.replace("…", ".").encode(console.encoding, "replace").decode(console.encoding)
            yield Segment(text, segment.style, segment.control)


def _head(frame: Frame, rate: float | None) -> Text:
    text = Text.assemble((visible_line(frame.study), "bold"), "  ", (frame.state, _STYLE.get(frame.state, "")))
    for part in (frame.coordinator, None if rate is None else f"{rate:,.1f} {frame.goal.unit}s/s"):
        if part:
            text.append(f"  {part}", style="dim")
    return _line(text)


def _stages(frame: Frame, rate: float | None, room: int) -> Table:
    names = [_short(stage.name, 24) for stage in frame.stages]
    texts = ["" if stage.state == WAITING else _summary(stage, rate) for stage in frame.stages]
    name_width, text_width = max(map(cell_len, names)), max(map(cell_len, texts))
    bar = max(MIN_WIDTH, min(BAR, room - name_width - text_width - 10))  # shrinks first, so that no number is cut
    table = Table.grid(padding=(0, 2, 0, 0))
    for column, width in enumerate((name_width, bar, 4, max(1, room - name_width - bar - 10))):
        table.add_column(justify="right" if column == 2 else "left", no_wrap=True, overflow="ellipsis", width=width)
    for name, stage, text in zip(names, frame.stages, texts, strict=True):
        if stage.state == WAITING:
            table.add_row(Text(name, style="dim"), Text("waiting", style="dim"), "", "")
            continue
        total = max(stage.epochs, stage.epochs_done, 1)
        percent = f"{100 * stage.epochs_done // total}%"
        table.add_row(Text(name), ProgressBar(total=total, completed=stage.epochs_done, width=bar), percent, Text(text))
    return table


def _summary(stage: StageFacts, rate: float | None) -> str:
    ended = stage.done + stage.pruned + stage.failed
    parts = [f"{ended:,}/{stage.trials or ended:,} trials"]
    parts += [f"{number:,} {what}" for number, what in ((stage.pruned, "pruned"), (stage.failed, "failed")) if number]
    parts += [
        f"{what} {stage.goal.named(value)}"
        for what, value in (("best", stage.best), ("test", stage.test))
        if value is not None
    ]
    if stage.state == RUNNING and rate:
        parts.append(f"{duration((stage.epochs - stage.epochs_done) / rate)} left")
    if stage.ended and stage.state == COMPLETE:
        parts.append(visible_line(stage.ended))
    return ", ".join(parts)


def _under_way(frame: Frame) -> str:
    trials, cohorts = frame.trials_under_way, frame.cohorts_total
    text = f"{'under way' if frame.state == RUNNING else 'unfinished'}: {count(trials, 'trial')}"
    return text if trials == cohorts else f"{text} in {count(cohorts, 'cohort')}; the best of each"


def _table(
    facts: Sequence[TrialFacts | CohortFacts], stage: str, room: int, scale: Scale, blocks: str, goal: Goal
) -> Table:
    heads = [
        (
            _name(each, stage),
            _values(each, goal),
            f"{each.epochs_done:,}/{each.epochs:,}",
        )
        for each in facts
    ]
    widths = [max(cell_len(head[column]) for head in heads) for column in range(3)]
    room = max(0, room - sum(widths) - 6)  # the configuration shrinks first, then the curve, never a number
    curve = min(CURVE, room, max(len(each.curve) for each in facts))
    if room >= MIN_WIDTH:
        widths += [max(1, curve), *([room - curve - 2] if room - curve - 2 >= MIN_WIDTH else [])]
    table = Table.grid(padding=(0, 2, 0, 0))
    for (justify, style), width in zip(_COLUMNS, widths, strict=False):
        table.add_column(justify=justify, style=style, no_wrap=True, overflow="ellipsis", width=width)
    for head, each in zip(heads, facts, strict=True):
        row = [*head, sparkline(each.curve, scale, blocks, curve), _configuration(each)]
        table.add_row(*map(Text, row[: len(widths)]))
    return table


def _values(facts: TrialFacts | CohortFacts, goal: Goal) -> str:
    """The objective; of several the main one, and then the others."""
    if facts.value is None:
        return ""
    others = zip(goal.objectives[1:], getattr(facts, "values", ())[1:], strict=False)
    return " · ".join([goal.text(facts.value), *(each.text(value) for each, value in others)])


def sparkline(values: Sequence[float], scale: Scale, blocks: str = _BLOCKS, most: int = CURVE) -> str:
    """Draw values as one line of at most `most` characters, the lowest of the scale as the first of `blocks`.

    >>> sparkline([0.0, 0.5, 1.0], (0.0, 1.0))
    '▁▅█'
    """
    low, high = scale
    width = min(most, len(values))
    picked = [values[(i + 1) * len(values) // width - 1] for i in range(width)]
    steps = [(value - low) / (high - low) if high > low else 1.0 for value in picked]
    return "".join(blocks[round(min(1.0, max(0.0, step)) * (len(blocks) - 1))] for step in steps)


def _scale(trials: Sequence[TrialFacts | CohortFacts], goal: Goal) -> Scale:
    """One scale for all curves, without their worst 20%: else the first epochs would flatten the rest."""
    values = sorted(value for trial in trials for value in trial.curve)
    if not values:
        return 0.0, 1.0
    return (values[len(values) // 5], values[-1]) if goal.sign > 0 else (values[0], values[-1 - len(values) // 5])


def _range(scale: Scale, goal: Goal) -> str:
    """The values of the lowest and the highest block."""
    low, high = scale
    return f"; curves from {goal.text(low)} to {goal.text(high)}" if high > low else ""


def _messages(frame: Frame) -> list[Text]:
    return [_line(Text(visible_line(" ".join(text.split())), style="red")) for text in frame.failures]


def _name(each: TrialFacts | CohortFacts, stage: str) -> str:
    if isinstance(each, TrialFacts) and len(each.trials) < 2:
        return f"{stage}:{_number(each.trial)}"
    which = numbers([_number(trial) for trial in each.trials]).replace("–", "-").replace(" … ", "..")  # in ASCII
    return f"{stage}:{which}" if len(each.trials) == 1 else f"{stage}:{which} ({len(each.trials)})"


def _number(trial: str) -> int:
    return int(trial.rpartition(":")[2])


def _short(stage: str, most: int) -> str:
    text = Text(visible_line(stage))
    text.truncate(most, overflow="ellipsis")
    return text.plain


def _configuration(each: TrialFacts | CohortFacts) -> str:
    """The configuration; of a cohort the values that its trials share, then the ranges of the others."""
    configurations = [each.params] if isinstance(each, TrialFacts) else each.params
    shared: list[str] = []
    varying: list[str] = []
    for key in dict.fromkeys(key for params in configurations for key in params):
        values = [
            params[key] for params in configurations if key in params
        ]  # in a list of configurations not all need have it
        texts = list(dict.fromkeys(map(_value, values)))
        if len(texts) == 1:
            text = texts[0]
        elif all(map(is_number, values)):
            text = f"{_value(min(values))} to {_value(max(values))}"
        else:
            text = f"{len(texts)} values"
        if len(values) < len(configurations):
            text += f" in {len(values)}"
        (shared if text == texts[0] else varying).append(f"{key} = {text}")
    return ", ".join(shared + varying)


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else visible_line(json.dumps(value, ensure_ascii=False))


def _rule(title: str) -> Rule:
    return Rule(Text(visible_line(title), style="bold"), align="left", style="dim")


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
