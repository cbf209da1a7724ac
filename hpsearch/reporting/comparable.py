"""Which studies can be compared: those of one objective and one dataset. May import our frames."""

from collections.abc import Sequence

from hpsearch.errors import InputError
from hpsearch.reporting.frames import Frames


def of_one_objective(studies: Sequence[Frames]) -> Sequence[Frames]:
    """Return the studies. Raises InputError if their objectives differ."""
    other = next((each for each in studies if each.goal != studies[0].goal), None)
    if other is not None:
        names = [f"{each.study['name']!r} has {each.goal.metric}" for each in (studies[0], other)]
        raise InputError(f"compare needs studies of one objective, but {' and '.join(names)}")
    return studies


def of_one_dataset(studies: Sequence[Frames]) -> Sequence[Frames]:
    """Return the studies. Raises InputError if they have different datasets, and so different test sets."""
    known = [(frames, fingerprint) for frames in studies if (fingerprint := _fingerprint(frames))]
    other = next((pair for pair in known if pair[1] != known[0][1]), None)
    if other is not None:
        names = [f"{frames.study['name']!r} has {fingerprint[:8]}" for frames, fingerprint in (known[0], other)]
        raise InputError(
            f"compare needs studies of one dataset, but by their fingerprints {' and '.join(names)}: a difference"
            " between different test sets says nothing about the models"
        )
    return studies


def _fingerprint(frames: Frames) -> str:
    return str((frames.study["data"] or {}).get("fingerprint") or "")
