"""The caption of a ranking table, which explains its numbers and marks. May import our rows."""

from collections.abc import Sequence

from hpsearch.reporting.sections.ranking.replicates import Replication
from hpsearch.reporting.sections.ranking.rows import Record, Row, early_reason, stopped_early
from hpsearch.storage.records import ACCURACY, Goal


def caption_of(
    rows: Sequence[Row], replication: Replication | None, trials: Sequence[Record], goal: Goal, kind: str
) -> str:
    """Explain the numbers and marks of the table of a stage of some kind."""
    sizes = {row.validation.samples for row in rows if row.validation}
    if not sizes:
        what = "configuration" if replication else "trial"
        return f"No {what} has a validation {goal.metric} yet."
    samples = f"{sizes.pop():,} samples" if len(sizes) == 1 and 0 not in sizes else "the validation samples"
    compared = sum(row.mark in ("tied", "worse") for row in rows)
    if replication:
        text = _of_means(samples, compared, replication, goal)
    else:
        text = _of_trials(samples, compared) if goal == ACCURACY else _of_values(samples, goal, kind)
    if goal.objectives:
        text += " Configurations of the front come first, then those of the front of the others, and so on; inside one"
        text += f" the {goal.metric} decides, by which marks and tests compare."
    whys = dict.fromkeys(early_reason(trial) for trial in trials if stopped_early(trial))
    return text + "".join(f" {short[:1].upper()}{short[1:]}: {why}." for short, why in whys if why)


def _of_values(samples: str, goal: Goal, kind: str) -> str:
    percent = ", in %" if goal.share else ""
    text = f"Validation {goal.metric} on {samples}{percent}; all metrics are at the trial's best epoch."
    if kind == "final":
        return text
    return (
        f"{text} For single runs of this metric the report gives no interval and no test yet; with replicates it has"
        " both."
    )


def _of_trials(samples: str, compared: int) -> str:
    text = f"Accuracy on {samples}, in %, with Wilson's 95% interval; all metrics are at the trial's best epoch."
    test = "an exact McNemar test on the same samples"
    return text + (_approximately_best(test, compared) if compared else "")


def _of_means(samples: str, compared: int, how: Replication, goal: Goal) -> str:
    accuracy = goal == ACCURACY
    least = " (a standard deviation counts as at least one sample)" if goal.share else ""
    text = (
        f"Means over {how.text}: {goal.metric}{' in %' * goal.share}, mean ± standard deviation, with Student's 95%"
        f" interval for the mean{least}; all metrics are at each trial's best epoch."
    )
    both = "" if how.even else " that both have"
    alone = f" (those with one {how.noun}: an exact McNemar test on the same samples)" if how.fewest == 1 else ""
    alone = alone if accuracy else ""
    if how.noun == "seed":
        text += f" All are evaluated on the same {samples}: the interval covers other seeds, but not other samples"
        single = (
            "for a single seed it is Wilson's, which covers other samples" if accuracy else "a single seed has none"
        )
        text += f"; {single}." if how.fewest == 1 else "."
        test = f"a paired t test over the seeds{both}{alone}"
    else:
        text += (
            f" Each fold is evaluated on {samples} of its own. The folds share training samples, which makes a plain t"
            " test optimistic, so interval and test use the corrected variance of Nadeau and Bengio (2003)."
        )
        test = f"a paired t test with that variance over the folds{both}{alone}"
    if goal.sign < 0:
        text += " In the bars, better is to the right."
    if not how.even:
        text += f" Configurations with more {how.noun}s come first, because the others have not been confirmed."
    return text + (_approximately_best(test, compared) if compared else "")


def _approximately_best(test: str, compared: int) -> str:
    adjusted = f", with p adjusted for the {compared:,} tests of the table by Holm's method" if compared > 1 else ""
    return f" “≈ best”: not statistically distinguishable from the best at the 5% level, by {test}{adjusted}."
