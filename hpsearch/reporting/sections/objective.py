"""The summary's sentences of a study whose objective is not the accuracy. May import our views."""

import statistics
from collections.abc import Callable, Sequence

from hpsearch.reporting import formatting
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.storage.records import Goal


def objective_sentences(
    goal: Goal,
    search: StageView | None,
    last: StageView | None,
    configuration: Callable[[StageView, Row], str],
    ties: Callable[[StageView], str],
) -> list[str]:
    """Return the best configuration and the final in sentences; `configuration` and `ties` write theirs."""
    sentences = []
    better = "lower" if goal.sign < 0 else "higher"
    if search and (best := search.ranked[0]).validation:
        over = formatting.count(best.replicates, search.replication.noun) if search.replication else ""
        mean = f" (mean ± standard deviation over {over}; 95% interval of the mean {best.interval})" if over else ""
        many = len(search.ranked)
        bias = f", which has a selection bias: it is the best of {many:,}" if many > 1 else ""
        sentences.append(
            f"Best configuration of the last search stage ({search.name}): {configuration(search, best)}."
            f" Its validation {goal.metric} is {best.accuracy}{mean}{bias}. A {better} {goal.metric} is better."
        )
        compared = [row for row in search.ranked if row.mark in ("tied", "worse")]
        if compared:
            sentences.append(ties(search))
        elif many > 1:
            sentences.append(
                f"For single runs and {goal.metric} the report has no test yet: with replicates = 3 or more, the order"
                " of the configurations could be tested."
            )
    tests = [row.test.share for row in last.ranked if row.test] if last else []
    if last and tests:
        spread = f" ± {_spread(goal, tests)} (mean ± standard deviation over the seeds)" if len(tests) > 1 else ""
        what = configuration(last, last.ranked[0])
        runs = formatting.count(len(tests), "seed")
        sentences.append(
            f"Trained again with {runs}, {what} has a test {goal.metric} of"
            f" {goal.text(statistics.fmean(tests))}{spread}."
        )
    return sentences


def _spread(goal: Goal, values: Sequence[float]) -> str:
    deviation = statistics.stdev(values)
    return f"{100 * deviation:.2f}" if goal.share else f"{deviation:.2g}"
