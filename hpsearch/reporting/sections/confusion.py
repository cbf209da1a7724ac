"""The confusion matrix on the test set: true class against predicted class. May import NumPy and our views.

It is that of the final, or of the last search stage's best configuration if that was evaluated on the test set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.confusion_matrix import confusion_matrix_figure
from hpsearch.reporting.figures.weights import data_uri
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.held_out import HeldOut, held_out
from hpsearch.reporting.sections.predictions.classes import Recall, ReliabilityView, recalls, view_reliability
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.summary import final, last_search

CLASSES, PAIRS, EXAMPLES = 20, 8, 6
"""At most so many classes are drawn, so many pairs are listed, and so many examples of each pair are shown."""


@dataclass(frozen=True)
class Pair:
    """Two classes that are confused: how often, as a share of each true class; examples as data URIs of PNGs."""

    names: tuple[str, str]
    first_as_second: str
    second_as_first: str
    samples: str  # the number of both errors, the mean over the trials
    examples: tuple[tuple[str, str], ...]  # caption and image


@dataclass(frozen=True)
class Confusion:
    """The section: which trials it is of, the figure, the pairs; or why it is empty."""

    of: str
    missing: str
    figure: str
    pairs: tuple[Pair, ...]
    examples: bool
    recalls: tuple[Recall, ...] = ()
    reliability: ReliabilityView | None = None  # where outputs were stored


def confusion(frames: Frames, stages: Sequence[StageView], examples: bool) -> Confusion | None:
    """Return the section, None where no trial was evaluated on the test set."""
    stage = final(stages) or last_search(stages)
    rows = [] if stage is None else stage.ranked if stage.one_again else stage.ranked[:1]
    trials = [trial for row in rows for trial in row.trial_ids]
    found = [(trial, predicted) for trial in trials if (predicted := frames.predicted(trial)) is not None]
    classes = [str(name) for name in (frames.study["data"] or {}).get("classes") or []]
    if stage is None or not found or len(classes) < 2:
        return None
    samples = held_out(frames)
    if samples is None:
        missing = (
            "The true classes of the test set are not in the database, and neither a prepared split nor the dataset was"
            " available when this report was written."
        )
        return Confusion("", missing, "", (), examples)
    for trial, predicted in found:
        right = frames.correct(trial, "test")
        if predicted.size != samples.labels.size or right is None or ((predicted == samples.labels) != right).any():
            missing = "The test set that is available is not the one that the trials were evaluated on."
            return Confusion("", missing, "", (), examples)
    counts = matrix(samples.labels, [predicted for _, predicted in found], len(classes))
    which = formatting.count(len(found), "replicate") if stage.one_again else "its best configuration"
    figure = confusion_matrix_figure(_shares(counts), classes) if len(classes) <= CLASSES else ""
    shape = frames.study["data"].get("image_shape") if examples else None
    votes = np.stack([predicted for _, predicted in found])
    return Confusion(
        f"{stage.name}, {which}",
        "",
        figure,
        tuple(_pairs(counts, classes, samples, votes, shape)),
        examples,
        tuple(recalls(counts, classes)),
        view_reliability(frames, [trial for trial, _ in found], samples.labels),
    )


def matrix(labels: NDArray[np.int64], predictions: Sequence[NDArray[np.uint8]], classes: int) -> NDArray[np.float64]:
    """Return the confusion matrix (true class, predicted class): numbers of samples, the mean over the trials."""
    cells = np.zeros(classes * classes)
    for predicted in predictions:
        cells += np.bincount(labels * classes + predicted.astype(np.int64), minlength=classes * classes)
    return (cells / len(predictions)).reshape(classes, classes)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))


def _pairs(
    counts: NDArray[np.float64],
    classes: Sequence[str],
    samples: HeldOut,
    votes: NDArray[np.uint8],
    shape: Sequence[int] | None,
) -> list[Pair]:
    shares, both = _shares(counts), np.triu(counts + counts.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:PAIRS]
    found = []
    for first, second in (divmod(int(cell), len(classes)) for cell in order):
        if not both[first, second]:
            break
        shown = _examples(samples, votes, (first, second), classes, shape) if shape else ()
        found.append(
            Pair(
                (classes[first], classes[second]),
                formatting.percent(shares[first, second], 1),
                formatting.percent(shares[second, first], 1),
                f"{both[first, second]:,.0f}",
                shown,
            )
        )
    return found


def _examples(
    samples: HeldOut,
    votes: NDArray[np.uint8],
    pair: tuple[int, int],
    classes: Sequence[str],
    shape: Sequence[int],
) -> tuple[tuple[str, str], ...]:
    """Return example images of one class that most trials predict as the other, half of them in each direction."""
    shown: list[tuple[str, str]] = []
    for true, wrong in (pair, pair[::-1]):
        often = (votes == wrong).sum(axis=0) * (samples.labels == true)
        order = np.argsort(-often, kind="stable")[: EXAMPLES // 2]
        caption = f"true class {classes[true]}, predicted {classes[wrong]}"
        shown += [(caption, data_uri(picture(samples.image(int(i)), shape))) for i in order if often[i]]
    return tuple(shown)


def picture(pixels: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Return an image (channels·height·width,) as RGB (height, width, 3), its own range from black to white."""
    channels = pixels.reshape(shape).transpose(1, 2, 0)
    if channels.shape[2] != 3:
        channels = np.repeat(channels.mean(axis=2, keepdims=True), 3, axis=2)
    low, high = float(channels.min()), float(channels.max())
    if low >= 0 and 1 < high <= 255:  # bytes: shown as they are
        low, high = 0.0, max(255.0 if high > 16 else high, 1.0)
    return np.rint(255 * (channels - low) / ((high - low) or 1.0)).clip(0, 255).astype(np.uint8)
