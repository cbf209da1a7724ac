"""`dashboard`: its own pages, of all studies and of one, as parts of HTML by their ids. May import storage's records.

A part is replaced when it differs; what a reader may have the focus on is in parts that seldom change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.api.progress_text import duration
from hpsearch.cli.dashboard.curves import SHOWN, Curve, plot
from hpsearch.cli.dashboard.markup import RESUME, STOP, STUDY, at, bar, configuration, escaped, table, value_text
from hpsearch.cli.dashboard.state import Detail, Summary
from hpsearch.cli.top.frame import CohortFacts, Frame, StageFacts, TrialFacts
from hpsearch.reporting.formatting import count, numbers
from hpsearch.storage import REPORTS_PATH
from hpsearch.storage.records import COMPLETE, RUNNING, WAITING, Goal

LEADERS, COHORTS, FAILURES = 10, 20, 10
"""At most so many rows of each table."""


def list_parts(found: Sequence[Summary]) -> dict[str, str]:
    """The page of all studies."""
    running = sum(each.state == RUNNING for each in found)
    many = "1 study" if len(found) == 1 else f"{len(found):,} studies"
    said = f"{many}, {running} running" if found else "no studies yet"
    parts = {"head": f'<h1>Studies</h1><p class="lead">{said}</p>'}
    if not found:
        parts["all"] = "<p>Start one in a terminal: <code>hpsearch launch studies/first.toml</code></p>"
    for index, each in enumerate(found):
        parts[f"study-{index}"] = _card(each)
    return parts


def _card(each: Summary) -> str:
    name = escaped(each.name)
    return (
        f'<article class="card"><h2><a href="{escaped(at(STUDY, each.name))}">{name}</a> {_pill(each.state)}</h2>'
        f"{_bar(each)}"
        f"<p>{_best(each)}</p>"
        f'<p class="dim">{escaped(_how_far(each))} · <a href="{escaped(at(REPORTS_PATH, each.name))}" '
        f'aria-label="Report of {name}">report</a></p></article>'
    )


def _bar(each: Summary) -> str:
    """How far the stage is that runs, or was running; of a complete study all stages."""
    now = _current(each)
    done = f"{each.goal.unit}s done"
    if now is None:
        return bar(each.epochs_done, each.epochs, f"{each.name}: {done}")
    where = f"stage {now.name}, {each.stages.index(now) + 1} of {len(each.stages)}"
    return bar(now.epochs_done, max(now.epochs, now.epochs_done), f"{each.name}, {where}: {done}", where)


def _current(each: Summary) -> StageFacts | None:
    begun = [stage for stage in each.stages if stage.state != WAITING]
    return None if each.state == COMPLETE or not begun else begun[-1]


def _pill(state: str) -> str:
    return f'<span class="pill {escaped(state)}">{escaped(state)}</span>'


def _best(each: Summary) -> str:
    """The best so far, as a sentence."""
    best, test = each.best, each.test
    if best is None or best.best is None:
        return "No trial has a value yet." if each.state == RUNNING else "No trial has finished."
    so_far = "Best" if each.state == COMPLETE else "Best so far"
    tested = "" if test is None or test.test is None else f"; test {escaped(test.goal.named(test.test))}"
    return (
        f"{so_far}: <strong>{escaped(best.goal.named(best.best))}</strong>{tested} "
        f'<span class="dim">{escaped(best.best_trial)}, {escaped(configuration(best.params))}</span>'
    )


def _how_far(each: Summary) -> str:
    trials = [stage.done + stage.pruned + stage.failed for stage in each.stages]
    parts = [f"{count(sum(trials), 'trial')} ended"]
    now = _current(each)
    if each.rate and now is not None and now.state == RUNNING:
        parts.append(f"{each.rate:,.1f} {each.goal.unit}s/s")
        parts.append(f"about {duration((now.epochs - now.epochs_done) / each.rate)} left in this stage")
    return " · ".join([*parts, f"launched {each.created_at[:16].replace('T', ' ')} UTC"])


def study_parts(detail: Detail, failure: str | None, *, may_change: bool, starting: bool) -> dict[str, str]:
    """The page of a study; `failure` is why it could not be resumed."""
    frame, each = detail.frame, detail.summary
    lines = f'<p class="error" role="alert">It could not be resumed: {escaped(failure)}</p>' if failure else ""
    if detail.stopping:
        lines += '<p class="note">It was asked to stop, and ends after the running segments.</p>'
    about = f'<p class="lead">{escaped(detail.description)}</p>' if detail.description else ""
    return {
        "head": f"<h1>{escaped(each.name)} {_pill(each.state)}</h1>{about}",
        "notes": lines,
        "actions": _actions(each, stopping=detail.stopping, starting=starting) if may_change else "",
        "best": f'<p class="best">{_best(each)}</p><p class="dim">{escaped(_progress(frame, each))}</p>',
        "stages": _stages(each.stages),
        "curves": _curves(frame),
        "leaders": _leaders(frame),
        "training": _training(frame),
        "failures": _failures(frame),
    }


def _progress(frame: Frame, each: Summary) -> str:
    return " · ".join(filter(None, [_how_far(each), frame.coordinator]))


def _actions(each: Summary, *, stopping: bool, starting: bool) -> str:
    """The button that fits the state; it works without the script."""
    if each.state == RUNNING and not stopping:
        return _button(
            STOP, each.name, "Stop", "It stops after the running segments, as with Ctrl-C, and can be resumed."
        )
    if each.state in (RUNNING, COMPLETE):
        return ""
    if starting:
        return '<p class="dim">It is being resumed.</p>'
    return _button(RESUME, each.name, "Resume", "It goes on where it was stopped, on this machine.")


def _button(path: str, name: str, verb: str, meaning: str) -> str:
    return (
        f'<form method="post" action="{escaped(at(path, name))}"><button aria-describedby="meaning">{verb}</button>'
        f'<span class="dim" id="meaning">{meaning}</span></form>'
    )


def _stages(stages: Sequence[StageFacts]) -> str:
    tested = any(stage.test is not None for stage in stages)
    heads = ["stage", f"{stages[0].goal.unit}s", "trials", "best", *["test"] * tested, "configuration"]
    return table("Stages", heads, [_stage(stage, tested) for stage in stages], numbers=("best", "test"))


def _stage(stage: StageFacts, tested: bool) -> list[str]:
    name = escaped(stage.name)
    if stage.state == WAITING:
        return [name, '<span class="dim">waiting</span>', "", "", *[""] * tested, ""]
    ended = stage.done + stage.pruned + stage.failed
    trials = f"{ended:,} of {stage.trials or ended:,}"
    trials += "".join(
        f", {number:,} {what}" for number, what in ((stage.pruned, "pruned"), (stage.failed, "failed")) if number
    )
    best, test = (("" if value is None else escaped(stage.goal.named(value))) for value in (stage.best, stage.test))
    found = f"{stage.best_trial}: {configuration(stage.params)}" if stage.params is not None else ""
    what = f"stage {stage.name}: {stage.goal.unit}s done"
    progress = bar(stage.epochs_done, max(stage.epochs, stage.epochs_done), what)
    return [name, progress, trials, best, *[test] * tested, escaped(found)]


def _curves(frame: Frame) -> str:
    """The curves of the best in colour, those of what trains now behind them."""
    if frame.goal is None or frame.stage is None:
        return ""
    leaders = frame.leaders[:SHOWN]
    others = [each for each in frame.cohorts if not any(each.curve == leader.curve for leader in leaders)]
    curves = [Curve(each.curve) for each in others] + [
        Curve(each.curve, place) for place, each in enumerate(leaders, start=1)
    ]
    lengths = [each.epochs // max(1, len(each.trials)) for each in leaders] + [each.epochs for each in frame.cohorts]
    ends = [f"{each.trial} {frame.goal.text(each.curve[-1])}" for each in leaders if each.curve]
    alt = f"Learning curves of stage {frame.stage}; last values of the best: {', '.join(ends) or 'none yet'}"
    drawn = plot(curves, max(lengths, default=1), frame.goal, alt)
    if not drawn:
        return '<p class="dim">Learning curves appear with the first segment of work, after a few seconds.</p>'
    grey = '<p class="dim">Grey: in training now, the best of each cohort.</p>' if others else ""
    return f"<h2>Learning curves of stage {escaped(frame.stage)}</h2>{drawn}{grey}"


def _leaders(frame: Frame) -> str:
    if not frame.leaders:
        return ""
    rows = frame.leaders[:LEADERS]
    keys = list(dict.fromkeys(key for each in rows for key in each.params))
    heads = ["trial", _what(frame.goal), f"{frame.goal.unit}s", *keys]
    title = f"{'Front' if frame.goal.objectives else 'Best configurations'} of stage {frame.stage}"
    if any(len(each.trials) > 1 for each in rows):
        title += ", means over replicates"
    training = {trial for cohort in frame.cohorts for trial in cohort.trials} if frame.state == RUNNING else set()
    cells = [
        [
            _named(each, place),
            _value(each, frame.goal) + (", in training" if training & {each.trial, *each.trials} else ""),
            f"{each.epochs_done:,} of {each.epochs:,}",
            *_params(each.params, keys),
        ]
        for place, each in enumerate(rows, start=1)
    ]
    remark = "The best of many values is higher than it will prove to be; the report has intervals and tests."
    remark = remark if frame.goal.sign > 0 else remark.replace("higher", "lower")
    return table(title, heads, cells, numbers=heads[1:]) + f'<p class="dim">{remark}</p>'


def _what(goal: Goal) -> str:
    return ", ".join(each.metric for each in goal.objectives) or goal.measured


def _named(each: TrialFacts, place: int) -> str:
    mark = f'<i class="swatch c{place}"></i>' if place <= SHOWN and each.curve else ""
    return mark + escaped(_trials(each.trials or [each.trial]))


def _trials(trials: Sequence[str]) -> str:
    """Trials of one stage: coarse:3–5."""
    stage = trials[0].rpartition(":")[0]
    return f"{stage}:{numbers(sorted(int(each.rpartition(':')[2]) for each in trials))}"


def _value(each: TrialFacts | CohortFacts, goal: Goal) -> str:
    if each.value is None:
        return ""
    others = zip(goal.objectives[1:], getattr(each, "values", ())[1:], strict=False)
    return escaped(", ".join([goal.text(each.value), *(other.text(value) for other, value in others)]))


def _params(params: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    return [escaped(value_text(params[key])) if key in params else "" for key in keys]


def _training(frame: Frame) -> str:
    if frame.state != RUNNING:
        return ""
    if not frame.cohorts:
        return '<p class="dim">In training: trials in their first segment, about 3 s of work.</p>'
    rows = [
        [
            escaped(_trials(each.trials)),
            _value(each, frame.goal),
            bar(each.epochs_done, each.epochs, f"{each.trials[0]}: {frame.goal.unit}s done"),
        ]
        for each in frame.cohorts[:COHORTS]
    ]
    title = f"In training: {count(frame.trials_under_way, 'trial')}"
    if frame.trials_under_way != frame.cohorts_total:
        title += f" in {count(frame.cohorts_total, 'cohort')}; the best of each"
    best = f"best {_what(frame.goal)}"
    return table(title, ["trials", best, f"{frame.goal.unit}s"], rows, numbers=(best,))


def _failures(frame: Frame) -> str:
    """Why trials failed; each reason once."""
    reasons: dict[str, list[str]] = {}
    for text in frame.failures:
        trial, _, reason = text.partition(" failed: ")
        reasons.setdefault(reason, []).append(trial)
    lines = [
        f"<li>{escaped(_trials(trials))}: {escaped(reason)}</li>" for reason, trials in list(reasons.items())[:FAILURES]
    ]
    return (
        f'<h2>Failed trials of stage {escaped(frame.stage)}</h2><ul class="failed">{"".join(lines)}</ul>'
        if lines
        else ""
    )
