"""The summary of a study in sentences, and its provenance as a list of facts. May import our frames and views."""

import math
import statistics
import tomllib
from collections.abc import Sequence

from hpsearch.reporting import formatting, goal_text
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.base_rate import base_rate_sentences
from hpsearch.reporting.sections.ranking.against_default import against_default
from hpsearch.reporting.sections.ranking.comparison import interval_of
from hpsearch.reporting.sections.ranking.front import FrontView, front_sentences
from hpsearch.reporting.sections.ranking.rows import Estimate, Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.sample_size import sample_size
from hpsearch.reporting.sections.selection.final_test import evaluations_sentence, final_sentence, final_test
from hpsearch.reporting.sections.selection_bias import CorrectedAccuracy, corrected_sentence
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.reporting.statistics.student_t import StudentT
from hpsearch.storage.records import ACCURACY


def last_search(stages: Sequence[StageView]) -> StageView | None:
    """Return the last stage that searched and has a finished trial, None where there is none yet."""
    return next((stage for stage in reversed(stages) if stage.kind != "final" and stage.ranked), None)


def final(stages: Sequence[StageView]) -> StageView | None:
    """Return the final, if it has a finished trial."""
    return next((stage for stage in stages if stage.kind == "final" and stage.ranked), None)


def description(frames: Frames) -> str:
    """Return what the study file says about itself, "" where it says nothing."""
    try:
        text = tomllib.loads(frames.study["text"]).get("description", "")
    except tomllib.TOMLDecodeError:  # the report is about the results: it must not fail on what was launched
        return ""
    return text if isinstance(text, str) else ""


def summarise(
    frames: Frames,
    stages: Sequence[StageView],
    corrected: Sequence[CorrectedAccuracy] = (),
    pruned: Sequence[str] = (),
    fronts: Sequence[FrontView] = (),
) -> list[str]:
    """Return the study in sentences: state, best configuration, ties, samples needed, test accuracy, test evaluations.

    `pruned` says what pruning saved and may have lost.
    """
    first, base = base_rate_sentences(frames, stages)
    sentences = [_state(frames), *([first] if first else []), _model(frames)]
    search = last_search(stages)
    if search is None and final(stages) is None:
        finished = (frames.trials["state"] == "complete").any()
        none = "No configuration that the pruner kept" if finished else "No trial"
        return [*sentences, f"{none} has finished yet, so there is no best configuration."]
    sentences += front_sentences(fronts, search)
    if search:
        sentences += [_best(search), corrected_sentence(search, corrected), _ties(search), sample_size(frames, search)]
        default = against_default(frames, stages, search)
        sentences += [_earlier(stages, search), default.sentence if default else ""]
        sentences.append(_not_tested(search))
    sentences.append(base)
    sentences += pruned
    tested = final_test(frames, stages, corrected)
    sentences += [_final(frames, stages), final_sentence(tested)]
    sentences += [] if frames.goal.of_function else [evaluations_sentence(frames, stages)]
    return [sentence for sentence in sentences if sentence]


def _model(frames: Frames) -> str:
    """Say that the model file was changed during the study, where it was."""
    former = (frames.study["model"] or {}).get("former") or ()
    if not former:
        return ""
    return (
        f"The model file was changed {formatting.times(len(former))} during the study, and the change was accepted:"
        " trials that had finished before keep the results of the former model."
    )


def _state(frames: Frames) -> str:
    states = frames.trials["state"].value_counts()
    finished = int(states.get("complete", 0))
    trials, stages = formatting.count(len(frames.trials), "trial"), formatting.count(len(frames.stages), "stage")
    counts = f"{finished:,} of {trials} in {stages} finished"
    counts += "".join(f", {int(states[state]):,} {state}" for state in ("pruned", "failed") if state in states)
    state = frames.study["state"]
    if state == "complete":
        return f"The study is complete: {counts}."
    if state == "failed":
        return f"The study failed: {counts}."
    return f"The study is not finished ({state}): {counts} so far. Everything below may still change."


def configuration(stage: StageView, row: Row) -> str:
    """Write a trial's configuration: λ = 6.75e-4, batch size = 100."""
    pairs = zip(stage.labels, row.values, strict=True)
    return (
        ", ".join(f"{label} = {value}" for label, value in pairs if value != formatting.MISSING)
        or "the only configuration"
    )


def _best(stage: StageView) -> str:
    best, metric = stage.ranked[0], stage.goal.metric
    if best.validation is None:
        return ""
    so_far = "" if stage.state == "complete" else " so far"
    test = f" Its test {metric} is {best.test.text}{_in_brackets(best.test)}." if best.test else ""
    how = stage.replication
    means = how is not None and best.replicates > 1
    over = formatting.count(best.replicates, how.noun) if how else ""
    parts = [f"mean ± standard deviation over {over}"] if means else []
    if best.validation.has_interval:
        parts.append(f"95% interval {'of the mean ' if means else ''}{best.interval}")
    samples = f"{best.validation.samples:,} samples" if best.validation.samples and not stage.goal.of_function else ""
    samples += " in each fold" if samples and how and how.noun == "fold" else ""
    numbers = ", ".join(part for part in ("; ".join(parts), samples) if part)
    direction = f" A lower {metric} is better." if stage.goal.sign < 0 else ""
    what = f"The front's best {metric} in" if stage.goal.objectives else "Best configuration of"
    return (
        f"{what} the last search stage ({stage.name}){so_far}: {configuration(stage, best)}."
        f" Its {stage.goal.measured} is {best.objective}{f' ({numbers})' if numbers else ''}"
        f"{_selection_bias(stage, best)}.{direction}{test}"
    )


def _in_brackets(estimate: Estimate) -> str:
    return f" (95% interval {estimate.interval})" if estimate.has_interval else ""


def _selection_bias(stage: StageView, best: Row) -> str:
    """Say among how many the best was selected: the ranking puts those with the most replicates first."""
    top = goal_text.better(stage.goal, "est")
    if stage.replication and not stage.replication.even and stage.replication.confirmed:
        peers = sum(row.replicates == best.replicates for row in stage.ranked)
        among = f"{peers:,} of {len(stage.ranked):,} configurations that have as many {stage.replication.noun}s"
        return f", which has some selection bias: it is the {top} of the {among}" if peers > 1 else ""
    many = len(stage.ranked)
    return f", which has a selection bias: it is the {top} of {many:,}" if many > 1 else ""


def _not_tested(stage: StageView) -> str:
    """Say that single runs of another objective than the accuracy have neither interval nor test."""
    best = stage.ranked[0].validation
    if stage.goal == ACCURACY or best is None or best.has_interval:
        return ""
    if stage.goal.of_function:
        return (
            "The function was called once with each configuration: if it depends on its seed, which differences are due"
            " to chance is not known, and with `replicates = 3` or more in the stage the report says it."
        )
    return (
        f"For single runs the report gives no interval and no test of the {stage.goal.metric} yet, so it is not known"
        " which differences are due to chance: with `replicates = 3` or more in the stage it has both."
    )


def better_before(stages: Sequence[StageView], last: StageView) -> StageView | None:
    """Return the earlier stage whose best has a better value than the last one's, None where there is none."""
    if last.ranked[0].validation is None:
        return None
    searched = [stage for stage in stages[: stages.index(last) + 1] if stage.kind != "final" and stage.ranked]
    stage = max(reversed(searched), key=_best_score)  # the last of equals
    return None if stage is last else stage


def _earlier(stages: Sequence[StageView], last: StageView) -> str:
    """Say that an earlier stage's best has a better value than the last one's, where it does."""
    stage = better_before(stages, last)
    if stage is None:
        return ""
    row, metric, goal = stage.ranked[0], stage.goal.metric, stage.goal
    better = goal_text.better(goal)
    return (
        f"The best of an earlier stage has a {better} {goal.measured}: {row.objective} with"
        f" {configuration(stage, row)} in {stage.name}, the {goal_text.better(goal, 'est')} of {len(stage.ranked):,}"
        f" there. Both were selected for a {better[:-2]} {metric}, so this alone does not show that it is the better"
        " configuration."
    )


def _best_score(stage: StageView) -> float:
    best = stage.ranked[0].validation
    missing = 0.0 if stage.goal == ACCURACY else -math.inf
    return stage.goal.sign * best.value if best else missing


def _ties(stage: StageView) -> str:
    compared = [row for row in stage.ranked if row.mark in ("tied", "worse")]
    tied = [row for row in compared if row.mark == "tied"]
    if not compared:
        return ""
    if not tied:
        others = f"all {len(compared):,} other configurations" if len(compared) > 1 else "the one other configuration"
        return f"It is statistically significantly better than {others} of that stage."
    on = f"over {stage.replication.over}" if stage.replication else "on these samples"
    if len(tied) == len(compared) > 4:
        return (
            f"None of the {len(compared):,} other configurations of that stage is statistically distinguishable from it"
            f" {on}: their order may be due to chance. {_equivalence(stage, compared)}".rstrip()
        )
    shown = "; ".join(configuration(stage, row) for row in tied[:4])
    more = f"; and {len(tied) - 4:,} more" if len(tied) > 4 else ""
    are = "is" if len(tied) == 1 else "are"
    return (
        f"Of the {formatting.count(len(compared), 'other configuration')} of that stage, {len(tied):,} {are} not"
        f" statistically distinguishable from it {on} ({shown}{more}): their order may be due to chance."
        f" {_equivalence(stage, tied)}".rstrip()
    )


def _equivalence(stage: StageView, tied: Sequence[Row]) -> str:
    """Say how many ties are shown to be equivalent, and which differences the others may have."""
    found = [row.verdict for row in tied if row.verdict]
    if stage.rope is None or not found:
        return ""
    region = f"within {goal_text.region(stage.goal, stage.rope)} of it"
    number = sum(each.equivalent for each in found)
    most = goal_text.size(stage.goal, max(-each.found.low for each in found), 1)
    if number == len(found):
        return f"{'It is' if number == 1 else f'All {number:,} are'} shown to be {region}, and so equivalent."
    shown = f"{'none' if not number else f'{number:,}'} of them {'are' if number > 1 else 'is'} shown to be {region}"
    if len(found) == 1:
        return f"That it is {region} is not shown: a difference of up to {most} cannot be excluded."
    return f"{shown[:1].upper()}{shown[1:]}, and differences of up to {most} cannot be excluded."


def _final(frames: Frames, stages: Sequence[StageView]) -> str:
    stage = final(stages)
    if stage is None:
        return ""
    tests = [row.test for row in stage.ranked if row.test]
    if not tests:
        return ""
    goal, samples = frames.goal, tests[0].samples
    values = [test.value for test in tests]
    if not stage.one_again:
        each = formatting.listing([f"{test.text} ({configuration(stage, row)})" for row, test in _tested(stage)[:10]])
        return f"Trained again, the configurations have these values of the test {goal.metric}: {each}."
    places = formatting.decimals(samples)
    mean = statistics.fmean(values)
    train = next(row["data"].get("train") for row in frames.stage_rows if row["name"] == stage.name)
    how = f"Trained again on {train:,} samples" if train else "Trained again"
    what = f"{configuration(stage, stage.ranked[0])} has a test {goal.metric} of"
    on = f"{samples:,} samples" if samples else ""
    covered = ""
    if goal == ACCURACY:
        covered = f"95% interval{'' if len(values) == 1 else f' for {on}:'}"
        covered += f" {formatting.between(*wilson_interval(mean * samples, samples), places)}"
    if len(values) == 1:
        numbers = ", ".join(part for part in (covered, on) if part)
        return f"{how}, {what} {tests[0].text}{f' ({numbers})' if numbers else ''}."
    if goal != ACCURACY:
        again = [trial for trial in frames.by_stage[stage.name] if trial["rank"] and trial["test_value"] is not None]
        known = frames.sample_scores.of(again[0], "test") is not None
        edges = interval_of(frames, again, "test") if known else None
        over = "over other seeds and samples" if edges else "of the mean over seeds"
        edges = edges or StudentT.of(goal, len(values), samples).interval(values)
        covered = f"95% interval {over}: {goal_text.interval(goal, *edges, places)}"
    spread = goal_text.spread(goal, statistics.stdev(values), places)
    return (
        f"{how} with {len(values)} seeds, {what} {goal_text.text(goal, mean, places)} ± {spread} (mean ± standard"
        f" deviation over the seeds; {covered})."
    )


def _tested(stage: StageView) -> list[tuple[Row, Estimate]]:
    return [(row, row.test) for row in stage.ranked if row.test]


def quantities(frames: Frames) -> str:
    """Define the metrics of the curves; the loss is mean cross-entropy unless a configuration says otherwise."""
    if frames.trainable:
        return f"The loss is defined by {frames.study['model']['file']}."
    configurations = [configuration.get("training", {}) for configuration in frames.trials["configuration"]]
    loss = formatting.loss_name(
        [training.get("loss", "cross_entropy") for training in configurations] or ["cross_entropy"]
    )
    if frames.regression:
        loss += " of the targets in standard deviations"
    return (
        f"The loss is {loss}; the cost is the loss plus λ·Σ‖W‖² (L2 regularisation); η is the learning rate of each"
        " epoch's last update."
    )
