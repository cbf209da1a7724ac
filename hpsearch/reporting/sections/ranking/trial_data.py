"""What the page's script knows of each trial: its name, configuration and scores. May import our views."""

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hpsearch.reporting.figures.hyperparameters import MANY
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.summary import configuration
from hpsearch.text import visible


def trial_data(frames: Frames, stages: Sequence[StageView]) -> dict[str, Any]:
    """Return the stages' names, and the rows that tables or figures have one by one, by stage and number."""
    numbers = {trial["id"]: trial["number"] for trial in frames.rows}
    all_singly = sum(len(stage.rows) for stage in stages) <= MANY
    trials = {
        f"{index}:{row.number}": _facts(stage, row, numbers)
        for index, stage in enumerate(stages)
        for row in (stage.rows if all_singly else stage.shown)
    }
    return {"stages": [visible(stage.name) for stage in stages], "trials": trials}


def as_script(data: Any) -> Markup:
    """Return data as JSON for a script element, inside which no text may close it or open a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _facts(stage: StageView, row: Row, numbers: dict[int, int]) -> dict[str, Any]:
    scores = []
    if row.validation:
        interval = f" (95% interval {row.interval})" if row.validation.has_interval else ""
        scores.append(f"{stage.goal.measured} {row.objective}{interval}")
    if row.test:
        scores.append(f"test {stage.goal.metric} {row.test_objective}")
    rank = f"{stage.headings[0]} {row.rank}" if row.rank.isdigit() else row.state
    best = f"best {stage.goal.unit} {row.best_epoch}" if row.best_epoch != "–" and stage.by_epoch else ""
    further = [rank, row.short_remark, best, row.diagnosis]
    text = [configuration(stage, row), "; ".join(scores), "; ".join(each for each in further if each)]
    found: dict[str, Any] = {"name": visible(row.trial), "text": [visible(each) for each in text if each]}
    also = [numbers[trial] for trial in row.trial_ids[1:]]
    return found | ({"also": also} if also else {})
