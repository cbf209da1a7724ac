"""What a study found, in a few sentences, and how it came about, in a few facts. May import our frames and views."""

import hashlib
import statistics
import tomllib
from collections.abc import Sequence

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.certainty import (
    Choice,
    check_final,
    corrected_sentence,
    evaluates_on_test,
    final_sentence,
)
from hpsearch.reporting.sections.ranking_rows import Row
from hpsearch.reporting.sections.resolution import resolution
from hpsearch.reporting.sections.stage import StageView
from hpsearch.reporting.statistics.comparison import wilson_interval


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
    frames: Frames, stages: Sequence[StageView], choices: Sequence[Choice] = (), pruned: Sequence[str] = ()
) -> list[str]:
    """Return the study in sentences: state, best configuration, ties, what more images would show, test accuracy, looks.

    `pruned` says what pruning saved and may have lost.
    """
    sentences = [_state(frames), _model(frames)]
    search = last_search(stages)
    if search is None and final(stages) is None:
        return [*sentences, "No trial has finished yet, so there is no best configuration."]
    if search:
        sentences += [_best(search), corrected_sentence(search, choices), _ties(search), resolution(frames, search)]
        sentences.append(_earlier(stages, search))
    sentences += pruned
    check = check_final(frames, stages, choices)
    sentences += [_final(frames, stages), final_sentence(check), _looks(frames, stages)]
    return [sentence for sentence in sentences if sentence]


def _model(frames: Frames) -> str:
    """Say that the model file was changed under way, and the change accepted."""
    former = (frames.study["model"] or {}).get("former") or ()
    if not former:
        return ""
    return (
        f"Its model file was changed {_times(len(former))} under way, and the change accepted: trials that had finished"
        " before have the numbers of the model as it was then."
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
    return f"The study is not finished ({state}): {counts} so far, and all that follows may still change."


def configuration(stage: StageView, row: Row) -> str:
    """Write a trial's configuration: λ = 6.75e-4, batch_size = 100."""
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
    chosen = _flattered(stage, best)
    test = f" Its test accuracy is {best.test.accuracy} (95% interval {best.test.interval})." if best.test else ""
    how = stage.replication
    means = how is not None and best.replicates > 1
    of_mean = "of the mean " if means else ""
    over = formatting.count(best.replicates, how.noun) if how else ""
    mean = f"mean ± standard deviation over {over}; " if means else ""
    interval = f"{mean}95% interval {of_mean}{best.interval}"
    samples = f"{best.validation.samples:,} images" + (" in each" if how and how.noun == "fold" else "")
    return (
        f"Best configuration of the last search stage ({stage.name}){so_far}: {configuration(stage, best)}."
        f" Its validation accuracy is {best.accuracy} ({interval}, {samples}){chosen}.{test}"
    )


def _flattered(stage: StageView, best: Row) -> str:
    """Say among how many the best was chosen: the ranking puts those with the most replicates first."""
    if stage.replication and not stage.replication.even:
        peers = sum(row.replicates == best.replicates for row in stage.ranked)
        among = f"{peers:,} configurations of {len(stage.ranked):,} that have so many {stage.replication.noun}s"
        return f", which flatters it a little: it is the highest of the {among}" if peers > 1 else ""
    many = len(stage.ranked)
    return f", which flatters it: it is the highest of {many:,}" if many > 1 else ""


def _earlier(stages: Sequence[StageView], last: StageView) -> str:
    """Say that an earlier stage's best has a higher value than the last one's, where it does."""
    if last.ranked[0].validation is None:
        return ""
    searched = [stage for stage in stages[: stages.index(last) + 1] if stage.kind != "final" and stage.ranked]
    stage = max(reversed(searched), key=_height)  # the last of equals
    if stage is last:
        return ""
    row = stage.ranked[0]
    return (
        f"An earlier stage's best has a higher one: {configuration(stage, row)} in {stage.name}, with {row.accuracy}, the"
        f" highest of {len(stage.ranked):,} there. Each was chosen for its height, so this alone does not make it the"
        " better configuration."
    )


def _height(stage: StageView) -> float:
    best = stage.ranked[0].validation
    return best.share if best else 0.0


def _ties(stage: StageView) -> str:
    compared = [row for row in stage.ranked if row.mark in ("tied", "worse")]
    tied = [row for row in compared if row.mark == "tied"]
    if not compared:
        return ""
    if not tied:
        others = (
            "the one other configuration"
            if len(compared) == 1
            else f"all {len(compared):,} other configurations of that stage"
        )
        return f"It is better than {others} by more than chance explains."
    on = f"over {stage.replication.over}" if stage.replication else "on these images"
    if len(tied) == len(compared) > 4:
        return f"None of the {len(compared):,} other configurations there can be told from it {on}: the order may be chance."
    shown = "; ".join(configuration(stage, row) for row in tied[:4])
    more = f"; and {len(tied) - 4:,} more" if len(tied) > 4 else ""
    return (
        f"Of the {formatting.count(len(compared), 'other configuration')} there, {len(tied):,} cannot be told from it {on}"
        f" ({shown}{more}): which of these comes first may be chance."
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
    how = f"Trained again on {train:,} images" if train else "Trained again"
    what = f"{configuration(stage, stage.ranked[0])} has a test accuracy of"
    if len(shares) == 1:
        return f"{how}, {what} {tests[0].accuracy} (95% interval {interval}, {samples:,} images)."
    spread = f"{100 * statistics.stdev(shares):.{places}f}"
    return (
        f"{how} with {len(shares)} seeds, {what}"
        f" {formatting.percent(mean, places)} ± {spread} (mean ± standard deviation of the seeds; 95% interval for"
        f" {samples:,} images: {interval})."
    )


def _looks(frames: Frames, stages: Sequence[StageView]) -> str:
    """Say how often the test images were looked at, and how often of these before the choice that it may flatter."""
    looks = list(zip(stages, evaluates_on_test(frames), strict=True))
    looks = [(stage, number) for stage, number in looks if number]
    total = sum(number for _, number in looks)
    if not total:
        return "The test images have not been looked at."
    early = [(stage, number) for stage, number in looks if stage.kind != "final"]
    before = sum(number for _, number in early)
    deleted = sum(int(row["test_evaluations"] or 0) for row in frames.stage_rows)
    said = f"The test images were looked at {_times(total)}, {_by(looks)}"
    said += f" ({deleted:,} by trials that were deleted when their stage began anew)" if deleted else ""
    if not before:
        return f"{said}: after every choice had been made."
    when = "all" if before == total else f"{before:,} of them"
    if total == 1:
        return f"{said}."
    return (
        f"{said}; {when} before the best configuration was chosen. That choice went by validation accuracy; whoever chooses"
        " by test accuracy instead picks the luckiest, and its test accuracy is flattered."
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _by(looks: Sequence[tuple[StageView, int]]) -> str:
    return formatting.listing([f"by {formatting.count(number, 'trial')} of {stage.name}" for stage, number in looks])


def quantities(frames: Frames) -> str:
    """Return what the curves' quantities are: the loss is mean cross-entropy, unless a configuration says otherwise."""
    if frames.trainable:
        return f"Loss is what {frames.study['model']['file']} says it is."
    configurations = [configuration.get("training", {}) for configuration in frames.trials["configuration"]]
    loss = formatting.loss_name(
        [training.get("loss", "cross_entropy") for training in configurations] or ["cross_entropy"]
    )
    return f"Loss is {loss}; cost is the loss plus λ·Σ‖W‖²; η is the learning rate of each epoch's last update."


def facts(frames: Frames) -> list[tuple[str, str]]:
    """Return how the results came about, as pairs of a name and a value."""
    study, trials = frames.study, frames.trials
    states = trials["state"].value_counts()
    data, model = study["data"] or {}, study["model"] or {}
    shape, classes = data.get("image_shape"), data.get("classes") or []
    run = ", ".join(f"{number:,} {state}" for state, number in states.items())
    pairs = [
        ("Trials", f"{len(trials):,} ({run})" if len(trials) else "none yet"),
        ("Epochs trained", f"{int(trials['epochs_done'].sum()):,}"),
        ("Training time", f"{formatting.duration(float(trials['seconds'].sum()))} (sum of the trials' shares)"),
        ("Launched", f"{study['created_at']}{_resumes(study['launches'] - 1)}"),
        ("Finished", study["finished_at"] or "not yet"),
        ("Study file", _within(study["path"], study["workspace"])),
        ("Study file's hash", hashlib.sha256(study["text"].encode()).hexdigest()),
        ("Dataset", f"{data.get('dataset', formatting.MISSING)}, {len(classes):,} classes"),
        ("Image shape", " × ".join(map(str, shape)) + " (channels, height, width)" if shape else formatting.MISSING),
        ("Dataset fingerprint", str(data.get("fingerprint", formatting.MISSING))),
        ("Model file", str(model.get("file", formatting.MISSING)) + ", a trainable" * frames.trainable),
        ("Model file's hash", str(model.get("hash", formatting.MISSING))),
        *(("Before it was changed", str(former)) for former in model.get("former") or ()),
    ]
    return [*pairs, *((str(key), formatting.any_value(value)) for key, value in (study["environment"] or {}).items())]


def _resumes(number: int) -> str:
    return f", resumed {_times(number)}" if number > 0 else ""


def _within(path: str, workspace: str) -> str:
    """The path as seen from the workspace, where it lies in it: where that is on a disk is nobody's business."""
    return path.removeprefix(workspace.rstrip("/") + "/")
