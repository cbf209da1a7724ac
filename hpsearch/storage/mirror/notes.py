"""What optuna-dashboard shows of a stage beside its trials: a note in Markdown and a few plots.

May import SQLAlchemy. The dashboard keeps both as attributes of the Optuna study, in pieces; they are
written here as `optuna_dashboard.save_note` and `save_plotly_graph_object` write them, inside our transaction.
"""

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, func, select

from hpsearch.storage import REPORTS_PATH, objectives, reading, schema
from hpsearch.storage.fronts import front_ranks
from hpsearch.storage.mirror import rows
from hpsearch.storage.mirror.tables import mirror_name
from hpsearch.storage.records import ACCURACY, COMPLETE, FAILED, PRUNED, RUNNING, Goal, Params
from hpsearch.text import visible

_PIECE = 2045
"""Characters in one attribute, as the dashboard cuts them."""

_VERSION, _TEXT, _PLOT = "dashboard:note_ver", "dashboard:note_str:", "dashboard:plot_data:"
_OURS = "hpsearch:note_ver"
"""The version that we wrote last: a note of another one has been edited in the dashboard, and is left alone."""

BEST = 5
"""So many trials are in the note's table and in the plot of curves."""

COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]
SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down"]
"""Those of the report's figures."""

_PLOTTED, _POINTS = 4, 500
"""At most so many hyperparameters have a plot, with at most so many trials, the best ones."""


class Trial(NamedTuple):
    """What a note and a plot say of a trial."""

    id: int
    number: int
    params: Params
    state: str
    value: float


def refresh(connection: Connection, stage_id: int) -> None:
    """Write the note and the plots of a stage as it stands; does nothing for one that was deleted in the dashboard."""
    stage, study = schema.stages, schema.studies
    query = select(stage, study.c.name.label("study")).join(study).where(stage.c.id == stage_id)
    row = dict(connection.execute(query).mappings().one())
    kept = rows.study_attributes(
        connection, row["optuna_study_id"], mirror_name(row["study"], row["position"], row["name"])
    )
    if kept is None:
        return
    goal = Goal.of(row["data"] or {})
    ranked = _best(connection, stage_id, goal)
    curves = reading.history(connection, [trial.id for trial in ranked[:BEST]], "value")
    wanted: dict[str, Any] = {}
    if kept.get(_VERSION) == kept.get(_OURS):
        version = kept.get(_VERSION, 0) + 1
        text = note(row, ranked, _counts(connection, stage_id))
        wanted |= {_VERSION: version, _OURS: version} | _pieces(kept, _TEXT, text)
    for name, plot in plots(row, ranked, curves).items():
        wanted |= _pieces(kept, f"{_PLOT}{name}:", json.dumps(plot))
    changed = {key: value for key, value in wanted.items() if kept.get(key) != value}
    rows.set_study_attributes(connection, row["optuna_study_id"], changed)


def _best(connection: Connection, stage_id: int, goal: Goal) -> list[Trial]:
    """The best trials as the search ranks them; one that still runs counts by its best epoch so far."""
    trial, curve = schema.trials.c, schema.curves.c
    at_best = (curve.trial_id == trial.id) & (curve.epoch == trial.best_epoch)
    loss = curve.validation_loss  # NULL, which databases sort differently, counts as the greatest
    query = (
        select(trial.id, trial.number, trial.params, trial.state, trial.value)
        .select_from(schema.trials.outerjoin(schema.curves, at_best))
        .where(trial.stage_id == stage_id, trial.state.in_([COMPLETE, RUNNING]), trial.value.is_not(None))
        .order_by(trial.value.desc() if goal.sign > 0 else trial.value, loss.is_(None), loss, trial.number)
    )
    if not goal.objectives:
        return [Trial(*row) for row in connection.execute(query.limit(_POINTS))]
    found = [Trial(*row) for row in connection.execute(query)]
    known = objectives.of_stage(connection, stage_id, goal, best=True)
    ranks = front_ranks([goal.scores(next(iter(known[trial.id].values()))) for trial in found])
    order = sorted(range(len(found)), key=lambda i: ranks[i])  # of equal rank as before
    return [found[i] for i in order[:_POINTS]]


def _counts(connection: Connection, stage_id: int) -> dict[str, int]:
    """How many trials of a stage are in each state."""
    column = schema.trials.c
    query = select(column.state, func.count().label("number")).where(column.stage_id == stage_id).group_by(column.state)
    return {row.state: row.number for row in connection.execute(query)}


def _pieces(kept: Mapping[str, Any], prefix: str, text: str) -> dict[str, str]:
    """Cut a text into attributes; those of a longer text before it become empty."""
    cut = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    before = sum(key.startswith(prefix) for key in kept)
    return {f"{prefix}{index}": piece for index, piece in enumerate([*cut, *[""] * (before - len(cut))])}


def note(stage: Mapping[str, Any], ranked: Sequence[Trial], counts: Mapping[str, int]) -> str:
    """Return a stage's note: what it searches, why there, how far it is, its best trials, where the report is."""
    goal, samples = _goal_and_samples(stage)
    other = "".join(f", {counts[state]:,} {state}" for state in (PRUNED, FAILED) if state in counts)
    number = max(stage["trials"] or 0, sum(counts.values()))
    lines = [
        f"## {shown(stage['name'])}",
        f"Stage {stage['position'] + 1} of the study **{shown(stage['study'])}**: "
        f"{counts.get(COMPLETE, 0):,} of {number:,} trials complete{other}.",
    ]
    lines += [shown(stage["ended"], 300)] if stage["ended"] else []
    space = [_range(key, entry) for key, entry in (stage["space"] or {}).items()]
    lines += ["### What it searches", *space] if space else []
    lines += ["### Why these ranges", *(f"- {shown(text, 600)}" for text in stage["notes"])] if stage["notes"] else []
    if ranked:
        lines += [
            "### Best" if stage["state"] == COMPLETE else "### Best so far",
            _table(stage["name"], ranked[:BEST], goal, samples),
        ]
        if goal.objectives:
            names = ", ".join(shown(each.metric) for each in goal.objectives)
            lines.append(f"The front by {names} comes first, then the front of the others, and so on.")
        lines.append(
            f"The best {goal.metric} has a selection bias."
            if goal is not ACCURACY
            else "The best score has a selection bias, and a lead of less than the ± may be due to chance."
        )
    lines += [
        "### Report",
        f"[This stage in the study's report]({REPORTS_PATH}{quote(stage['study'], safe='')}#stage-"
        f"{stage['position'] + 1}), which `hpsearch dashboard` writes when it is opened, also while the study runs.",
    ]
    return "\n\n".join(lines)


def shown(text: Any, length: int = 120) -> str:
    """Return a foreign text as Markdown that shows it on its line: the dashboard would run HTML, and set formulas."""
    one_line = visible(" ".join(str(text).split()))
    cut = one_line if len(one_line) <= length else f"{one_line[: length - 1]}…"
    return re.sub(r"[^\w .,=±…λη≈-]|_", lambda found: f"&#{ord(found[0])};", cut)


def _range(key: str, entry: Mapping[str, Any]) -> str:
    if "choices" in entry:
        return f"- {shown(key)}: {', '.join(shown(json.dumps(choice)) for choice in entry['choices'][:20])}"
    log = ", on a log scale" if entry.get("log") else ""
    steps = f", in steps of {shown(_short(entry['step']))}" if entry.get("step") else ""
    return f"- {shown(key)}: {shown(_short(entry['low']))} to {shown(_short(entry['high']))}{log}{steps}"


def _goal_and_samples(stage: Mapping[str, Any]) -> tuple[Goal, int | None]:
    """What a stage's values are, and how many samples an accuracy is measured on."""
    data = stage["data"] or {}
    goal = Goal.of(data)
    return goal, data.get("validation") if goal is ACCURACY else None


def _table(stage: str, ranked: Sequence[Trial], goal: Goal, samples: int | None) -> str:
    lines = [f"| trial | configuration | validation {shown(goal.metric)} |", "| ---: | --- | ---: |"]
    for trial in ranked:
        params = ", ".join(f"{key} = {_short(value)}" for key, value in trial.params.items())
        error = f" ± {100 * half_width(trial.value, samples):.1f}" if samples else ""
        running = ", still running" if trial.state == RUNNING else ""
        value = f"{goal.text(trial.value)}{error}{running}"
        lines.append(f"| {shown(stage)}:{trial.number} | {shown(params, 300)} | {value} |")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def half_width(share: float, samples: int) -> float:
    """Return 1.96 standard errors of an accuracy measured on so many samples; the report has the better interval."""
    return 1.96 * math.sqrt(share * (1 - share) / samples)


def plots(
    stage: Mapping[str, Any], ranked: Sequence[Trial], curves: Mapping[int, Sequence[float | None]]
) -> dict[str, dict[str, Any]]:
    """Return Plotly figures by identifier: the objective against each hyperparameter, and the best trials' curves."""
    if not ranked:
        return {}
    found, space = {}, stage["space"] or {}
    goal, samples = _goal_and_samples(stage)
    for index, key in enumerate(list(dict.fromkeys(key for trial in ranked for key in trial.params))[:_PLOTTED]):
        points = [trial for trial in ranked[:_POINTS] if key in trial.params]
        found[f"accuracy-by-key-{index + 1}"] = _by_hyperparameter(key, space.get(key) or {}, points, goal, samples)
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(curves[trial.id]) < 50 else "lines",
            "name": f"{_plain(stage['name'])}:{trial.number}",
            "marker": {"symbol": SYMBOLS[index]},
            "x": list(range(1, len(curves[trial.id]) + 1)),
            "y": [value if value is not None and math.isfinite(value) else None for value in curves[trial.id]],
        }
        for index, trial in enumerate(ranked[:BEST])
        if trial.id in curves
    ]
    title = f"Validation {_plain(goal.metric)} of the best {len(lines)} by epoch"
    found["curves-of-the-best"] = {"data": lines, "layout": _layout(title, {"title": {"text": "epoch"}}, goal)}
    return found


def _by_hyperparameter(
    key: str, entry: Mapping[str, Any], points: Sequence[Trial], goal: Goal, samples: int | None
) -> dict[str, Any]:
    values = [trial.params[key] for trial in points]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    kind = "category" if not numeric or "low" not in entry else "log" if entry.get("log") else "linear"
    shares = [trial.value for trial in points]
    order = list(dict.fromkeys(_choice(value) for value in (sorted(values) if numeric else values)))
    series: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": "trials",
        "x": values if kind != "category" else [_choice(value) for value in values],
        "y": shares,
        "text": [f"trial {trial.number}" for trial in points],
    }
    if samples:
        errors = [half_width(share, samples) for share in shares]
        series["error_y"] = {"type": "data", "array": errors, "thickness": 1}
    name = _plain(key)
    return {
        "data": [series],
        "layout": _layout(
            f"Validation {_plain(goal.metric)} against {name}",
            {
                "type": kind,
                "title": {"text": name},
                "categoryorder": "array",
                "categoryarray": order if kind == "category" else [],
            },
            goal,
        ),
    }


def _choice(value: Any) -> str:
    return _plain(json.dumps(value, ensure_ascii=False))


def _plain(text: str) -> str:
    """Return a foreign text for a figure, which shows it as HTML."""
    return html.escape(visible(text[:80]))


def _layout(title: str, x: Mapping[str, Any], goal: Goal) -> dict[str, Any]:
    return {
        "title": {"text": title, "x": 0.02, "xanchor": "left"},
        "colorway": COLOURS,
        "xaxis": {"exponentformat": "e", **x},
        "yaxis": {"tickformat": ".1%"} if goal.share else {},
        "margin": {"t": 60},
    }
