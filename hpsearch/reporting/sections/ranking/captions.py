"""The caption of a ranking table, which explains its numbers and marks. May import our rows."""

from collections.abc import Sequence

from hpsearch.reporting import goal_text
from hpsearch.reporting.sections.ranking.replicates import Replication
from hpsearch.reporting.sections.ranking.rows import Record, Row, early_reason, stopped_early
from hpsearch.storage.records import ACCURACY, Goal


def caption_of(
    rows: Sequence[Row],
    replication: Replication | None,
    trials: Sequence[Record],
    goal: Goal,
    kind: str,
    rope: float | None = None,
    *,
    of_samples: bool,
) -> str:
    """Explain the numbers and marks of the table of a stage of some kind.

    `rope` is the region of equivalence; `of_samples` says whether intervals cover other samples.
    """
    sizes = {row.validation.samples for row in rows if row.validation}
    if not sizes:
        what = "configuration" if replication else "trial"
        return f"No {what} has a {goal.measured} yet."
    samples = f"{sizes.pop():,} samples" if len(sizes) == 1 and 0 not in sizes else "the validation samples"
    compared = sum(row.mark in ("tied", "worse") for row in rows)
    if replication:
        text = _of_means(samples, compared, replication, goal, of_samples=of_samples)
        if any(row.state == "pruned" and row.validation and row.validation.has_interval for row in rows):
            text += f" The interval of a pruned one is for its {goal.metric} when it was pruned, by the variance"
            text += f" between the {replication.noun}s of the finished ones."
    elif goal.of_function:
        text = _of_function(goal, steps=any(trial["epochs"] > 1 for trial in trials))
    else:
        text = (
            _of_trials(samples, compared, kind)
            if goal == ACCURACY
            else _of_values(samples, compared, goal, kind, of_samples=of_samples)
        )
    if goal.objectives:
        text += " Configurations of the front come first, then those of the front of the others, and so on; inside one"
        text += f" the {goal.metric} decides, by which marks and tests compare."
    if rope is not None and compared:
        text += f" “Equivalent”: the whole interval is within {goal_text.region(goal, rope)} of the best."
    whys = dict.fromkeys(early_reason(trial) for trial in trials if stopped_early(trial))
    return text + "".join(f" {short[:1].upper()}{short[1:]}: {why}." for short, why in whys if why)


def _of_values(samples: str, compared: int, goal: Goal, kind: str, *, of_samples: bool) -> str:
    percent = ", in %" if goal.share else ""
    if of_samples and kind == "final":
        return (
            f"Validation {goal.metric} on {samples}{percent}. Each row is one trained model, with the 95%"
            " interval for it on other samples; all metrics are at the trial's best epoch."
        )
    if of_samples:
        text = (
            f"Validation {goal.metric} on {samples}{percent}. Each row is one trained model of a configuration, with"
            f" the 95% interval for the model's {goal.metric} on other samples, from what each sample contributes to"
            " it; all metrics are at the trial's best epoch. How much it varies with the seed is not known here, and no"
            " interval has it."
        )
        return text + (_approximately_best("models", "", compared, goal) if compared else "")
    text = f"Validation {goal.metric} on {samples}{percent}. All metrics are at the trial's best epoch."
    if kind == "final":
        return text
    return (
        f"{text} For single runs of this metric the report gives no interval and no test yet; with replicates it has"
        " both."
    )


def _of_function(goal: Goal, *, steps: bool) -> str:
    return (
        f"{goal.metric} as the function returned it, once for each configuration{', at its best step' * steps}. There"
        " is no interval and no test, since it is not known how much it varies with the seed; with replicates there"
        " are both."
    )


def _of_trials(samples: str, compared: int, kind: str) -> str:
    if kind == "final":
        return (
            f"Accuracy on {samples}, in %. Each row is one trained model, with Wilson's 95% interval for it on other"
            " samples; all metrics are at the trial's best epoch."
        )
    text = (
        f"Accuracy on {samples}, in %. Each row is one trained model of a configuration, with Wilson's 95% interval"
        " for the model's accuracy on other samples; all metrics are at the trial's best epoch. How much the accuracy"
        " varies with the seed is not known here, and no interval has it: another model of the same configuration may"
        " do better or worse."
    )
    return text + (_approximately_best("models", "", compared, ACCURACY) if compared else "")


def _of_means(samples: str, compared: int, how: Replication, goal: Goal, *, of_samples: bool) -> str:
    accuracy = goal == ACCURACY or of_samples
    text = (
        f"Means over {how.text}: {goal.metric}{' in %' * goal.share}, mean ± standard deviation, with the 95% interval"
        " of the configuration's"
    )
    pooled = (
        f"the variance between {how.noun}s is pooled over the configurations whose variances do not clearly differ, so"
        " that a row's interval does not follow its own deviation"
    )
    end = f"; all metrics are at each trial's best {goal.unit}."
    if how.noun == "seed":
        samples_too = " and other samples" if accuracy else "" if goal.of_function else ", but not other samples"
        what = f"{goal.metric}, over other seeds{samples_too}"
        on = f"all are evaluated on the same {samples}, so that more seeds do not make it arbitrarily narrow; "
        text += f" {what} ({on if accuracy else ''}{pooled}){end}"
    else:
        text += (
            f" {goal.metric} ({pooled}){end} Each fold is evaluated on {samples} of its own. The folds share training"
            " samples, so that the variance has the correction of Nadeau and Bengio (2003)."
        )
    if goal.sign < 0:
        text += " In the bars, better is to the right."
    if how.drawn:
        text += " A configuration that was drawn several times is one, and its trials are its replicates."
    if not how.even and how.confirmed:
        text += f" Configurations with more {how.noun}s come first, because the others have not been confirmed."
    return text + (_approximately_best("configurations", f", over {how.noun}s", compared, goal) if compared else "")


def _approximately_best(what: str, over: str, compared: int, goal: Goal) -> str:
    together = "95% and simultaneous over all differences of the table" if compared > 1 else "95%"
    best = goal_text.better(goal, "est")
    return (
        f" In brackets is the difference from the best with its interval, {together}, which allows for the best being"
        f" the {best} of all {what}{over}. “≈ best”: not statistically distinguishable from the best at the 5% level."
    )
