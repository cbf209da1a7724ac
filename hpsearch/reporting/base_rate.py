"""The base rate: the accuracy of always predicting the commonest class. May import our frames and statistics."""

from dataclasses import dataclass

from hpsearch.reporting.formatting import is_number
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.statistics.intervals import wilson_interval


@dataclass(frozen=True)
class BaseRate:
    """The commonest class of the training samples, and its share of the validation samples and of the test set."""

    name: str
    validation: float
    test: float | None

    def exceeded(self, accuracy: float, samples: int) -> bool:
        """Whether a validation accuracy is above it beyond noise: with the lower bound of Wilson's 95% interval."""
        return wilson_interval(accuracy * samples, samples)[0] > self.validation if samples else True


def base_rate(frames: Frames) -> BaseRate | None:
    """Return the base rate of a classification, None where the database does not have it."""
    found = (frames.study["data"] or {}).get("base_rate")
    if not isinstance(found, dict) or not frames.has_accuracy:
        return None
    shares = {part: float(found[part]) for part in ("validation", "test") if is_number(found.get(part))}
    if not 0 <= shares.get("validation", -1) <= 1:
        return None
    return BaseRate(str(found.get("class")), shares["validation"], shares.get("test"))
