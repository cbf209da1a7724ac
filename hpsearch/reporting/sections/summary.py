"""The summary of a study in sentences, and its provenance as a list of facts. May import our frames and views."""

import hashlib
import statistics
import tomllib
from collections.abc import Sequence

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.objective import objective_sentences
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.sample_size import sample_size
from hpsearch.reporting.sections.selection_bias import (
    CorrectedAccuracy,
    corrected_sentence,
    evaluations_on_test,
    final_sentence,
    final_test,
)
from hpsearch.reporting.statistics.intervals import wilson_interval
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
) -> list[str]:
    """Return the study in sentences: state, best configuration, ties, samples needed, test accuracy, test evaluations.

    `pruned` says what pruning saved and may have lost.
    """
    sentences = [_state(frames), _model(frames)]
    search = last_search(stages)
    if search is None and final(stages) is None:
        return [*sentences, "No trial has finished yet, so there is no best configuration."]
    if frames.goal != ACCURACY:
        return [
            sentence
            for sentence in [*sentences, *objective_sentences(frames.goal, search, final(stages), configuration, _ties)]
            if sentence
        ]
    if search:
        sentences += [_best(search), corrected_sentence(search, corrected), _ties(search), sample_size(frames, search)]
        sentences.append(_earlier(stages, search))
    sentences += pruned
    tested = final_test(frames, stages, corrected)
    sentences += [_final(frames, stages), final_sentence(tested), _test_evaluations(frames, stages)]
    return [sentence for sentence in sentences if sentence]


def _model(frames: Frames) -> str:
    """Say that the model file was changed during the study, where it was."""
    former = (frames.study["model"] or {}).get("former") or ()
    if not former:
        return ""
    return (
        f"The model file was changed {_times(len(former))} during the study, and the change was accepted: trials that"
        " had finished before keep the results of the former model."
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
    best = stage.ranked[0]
    if best.validation is None:
        return ""
    so_far = "" if stage.state == "complete" else " so far"
    test = f" Its test accuracy is {best.test.accuracy} (95% interval {best.test.interval})." if best.test else ""
    how = stage.replication
    means = how is not None and best.replicates > 1
    of_mean = "of the mean " if means else ""
    over = formatting.count(best.replicates, how.noun) if how else ""
    mean = f"mean ± standard deviation over {over}; " if means else ""
    interval = f"{mean}95% interval {of_mean}{best.interval}"
    samples = f"{best.validation.samples:,} samples" + (" in each fold" if how and how.noun == "fold" else "")
    return (
        f"Best configuration of the last search stage ({stage.name}){so_far}: {configuration(stage, best)}."
        f" Its validation accuracy is {best.accuracy} ({interval}, {samples}){_selection_bias(stage, best)}.{test}"
    )


def _selection_bias(stage: StageView, best: Row) -> str:
    """Say among how many the best was selected: the ranking puts those with the most replicates first."""
    if stage.replication and not stage.replication.even:
        peers = sum(row.replicates == best.replicates for row in stage.ranked)
        among = f"{peers:,} of {len(stage.ranked):,} configurations that have as many {stage.replication.noun}s"
        return f", which has some selection bias: it is the highest of the {among}" if peers > 1 else ""
    many = len(stage.ranked)
    return f", which has a selection bias: it is the highest of {many:,}" if many > 1 else ""


def _earlier(stages: Sequence[StageView], last: StageView) -> str:
    """Say that an earlier stage's best has a higher value than the last one's, where it does."""
    if last.ranked[0].validation is None:
        return ""
    searched = [stage for stage in stages[: stages.index(last) + 1] if stage.kind != "final" and stage.ranked]
    stage = max(reversed(searched), key=_highest)  # the last of equals
    if stage is last:
        return ""
    row = stage.ranked[0]
    return (
        f"The best of an earlier stage has a higher validation accuracy: {row.accuracy} with"
        f" {configuration(stage, row)} in {stage.name}, the highest of {len(stage.ranked):,} there. Both were selected"
        " for a high accuracy, so this alone does not show that it is the better configuration."
    )


def _highest(stage: StageView) -> float:
    best = stage.ranked[0].validation
    return best.share if best else 0.0


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
            f" {on}: their order may be due to chance."
        )
    shown = "; ".join(configuration(stage, row) for row in tied[:4])
    more = f"; and {len(tied) - 4:,} more" if len(tied) > 4 else ""
    are = "is" if len(tied) == 1 else "are"
    return (
        f"Of the {formatting.count(len(compared), 'other configuration')} of that stage, {len(tied):,} {are} not"
        f" statistically distinguishable from it {on} ({shown}{more}): their order may be due to chance."
    )


def _final(frames: Frames, stages: Sequence[StageView]) -> str:
    stage = final(stages)
    if stage is None:
        return ""
    tests = [row.test for row in stage.ranked if row.test]
    if not tests:
        return ""
    samples = tests[0].samples
    shares = [test.share for test in tests]
    places = formatting.decimals(samples)
    mean = statistics.fmean(shares)
    interval = formatting.between(*wilson_interval(mean * samples, samples), places)
    train = next(row["data"].get("train") for row in frames.stage_rows if row["name"] == stage.name)
    how = f"Trained again on {train:,} samples" if train else "Trained again"
    what = f"{configuration(stage, stage.ranked[0])} has a test accuracy of"
    if len(shares) == 1:
        return f"{how}, {what} {tests[0].accuracy} (95% interval {interval}, {samples:,} samples)."
    spread = f"{100 * statistics.stdev(shares):.{places}f}"
    return (
        f"{how} with {len(shares)} seeds, {what}"
        f" {formatting.percent(mean, places)} ± {spread} (mean ± standard deviation over the seeds; 95% interval for"
        f" {samples:,} samples: {interval})."
    )


def _test_evaluations(frames: Frames, stages: Sequence[StageView]) -> str:
    """Count the test-set evaluations, and say how many came before the choice that they might bias."""
    evaluations = [pair for pair in zip(stages, evaluations_on_test(frames), strict=True) if pair[1]]
    total = sum(number for _, number in evaluations)
    if not total:
        return "No trial has been evaluated on the test set."
    before = sum(number for stage, number in evaluations if stage.kind != "final")
    deleted = sum(int(row["test_evaluations"] or 0) for row in frames.stage_rows)
    by = formatting.listing([f"{number:,} in {stage.name}" for stage, number in evaluations])
    said = f"Test-set evaluations: {total:,} ({by})"
    said += f", of which {deleted:,} by trials that were deleted when their stage began again" if deleted else ""
    if not before:
        return f"{said}, after all configurations had been chosen."
    when = "all" if before == total else f"{before:,} of them"
    if total == 1:
        return f"{said}."
    return (
        f"{said}; {when} before the best configuration was chosen. It was chosen by validation accuracy. A"
        " configuration chosen by test accuracy would have a selection bias in its test accuracy."
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


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


def facts(frames: Frames) -> list[tuple[str, str]]:
    """Return the provenance of the results, as pairs of a name and a value."""
    study, trials = frames.study, frames.trials
    states = trials["state"].value_counts()
    data, model = study["data"] or {}, study["model"] or {}
    shape, classes = data.get("image_shape"), data.get("classes") or []
    run = ", ".join(f"{number:,} {state}" for state, number in states.items())
    pairs = [
        ("Trials", f"{len(trials):,} ({run})" if len(trials) else "none yet"),
        ("Epochs trained", f"{int(trials['epochs_done'].sum()):,}"),
        ("Training time", f"{formatting.duration(float(trials['seconds'].sum()))} (sum over the trials)"),
        ("Launched", f"{study['created_at']}{_resumes(study['launches'] - 1)}"),
        ("Finished", study["finished_at"] or "not yet"),
        ("Study file", _within(study["path"], study["workspace"])),
        ("Study file's hash", hashlib.sha256(study["text"].encode()).hexdigest()),
        ("Dataset", f"{data.get('dataset', formatting.MISSING)}, {len(classes):,} classes"),
        ("Image shape", " × ".join(map(str, shape)) + " (channels, height, width)" if shape else formatting.MISSING),
        ("Dataset fingerprint", str(data.get("fingerprint", formatting.MISSING))),
        ("Model file", str(model.get("file", formatting.MISSING)) + ", a trainable" * frames.trainable),
        ("Model file's hash", str(model.get("hash", formatting.MISSING))),
        *(("Former hash of the model file", str(former)) for former in model.get("former") or ()),
    ]
    return [*pairs, *((str(key), formatting.any_value(value)) for key, value in (study["environment"] or {}).items())]


def _resumes(number: int) -> str:
    return f", resumed {_times(number)}" if number > 0 else ""


def _within(path: str, workspace: str) -> str:
    """Return the path relative to the workspace, if it is inside: a report does not show where that is on the disk."""
    return path.removeprefix(workspace.rstrip("/") + "/")
