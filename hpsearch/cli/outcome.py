"""What a study has found, in one line and as values: the end of `launch` and `resume`. May import reporting."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from hpsearch.reporting.frames import Frames, load
from hpsearch.reporting.sections import summary
from hpsearch.reporting.sections.ranking.rows import Estimate, Row
from hpsearch.reporting.sections.ranking.stage import StageView, view_stages
from hpsearch.storage.database import open_to_read


@dataclass(frozen=True)
class Outcome:
    """The best configuration of the last search, as the report ranks it, and the value of [final] on the test set."""

    frames: Frames
    stages: Sequence[StageView]

    @property
    def _search(self) -> StageView | None:
        return summary.last_search(self.stages) or summary.final(self.stages)

    @property
    def _test(self) -> tuple[StageView, list[Estimate]] | None:
        stage = summary.final(self.stages)
        tests = [row.test for row in stage.ranked[:1] if row.test] if stage else []
        if stage and stage.one_again:  # a row for each replicate
            tests = [row.test for row in stage.ranked if row.test]
        return (stage, tests) if stage and tests else None

    @property
    def sentence(self) -> str:
        """The trial, its configuration, its score with the interval, and the test score; "" where nothing finished."""
        stage = self._search
        if stage is None or stage.ranked[0].validation is None:
            return ""
        best = stage.ranked[0]
        value = best.validation
        assert value is not None
        interval = f" (95% interval {value.interval})" if value.has_interval else ""
        text = f"the best is {best.trial}, {summary.configuration(stage, best)}: "
        text += f"{stage.goal.measured} {value.text}{interval}"
        if self._test is None:
            return text
        final, tests = self._test
        many = f", the mean of {len(tests)} seeds" if len(tests) > 1 else ""
        ends = f" (95% interval {tests[0].interval})" if len(tests) == 1 and tests[0].has_interval else many
        return f"{text}; on the test set {final.goal.text(fmean(each.value for each in tests))}{ends}"

    @property
    def facts(self) -> dict[str, Any] | None:
        """The same as values; None where nothing finished."""
        stage = self._search
        if stage is None or stage.ranked[0].validation is None:
            return None
        best = stage.ranked[0]
        assert best.validation is not None
        value = best.validation
        return {
            "trial": f"{stage.name}:{best.number}",
            "params": self._params(best),
            "metric": stage.goal.metric,
            "value": value.value,
            "interval": [value.low, value.high] if value.has_interval else None,
            "test": fmean(each.value for each in self._test[1]) if self._test else None,
        }

    def _params(self, row: Row) -> dict[str, Any]:
        return next(dict(trial["params"]) for trial in self.frames.rows if trial["id"] == row.trial_ids[0])


def outcome(name: str, storage: str) -> Outcome:
    """Read what a study has found so far. Raises StorageError if there is no study of that name."""
    engine = open_to_read(storage)
    try:
        frames = load(engine, name)
    finally:
        engine.dispose()
    return Outcome(frames, view_stages(frames))
