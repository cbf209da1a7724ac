"""What a report shows in addition to its usual contents: learning curves of chosen trials, example images."""

from dataclasses import dataclass

from hpsearch.errors import InputError


@dataclass(frozen=True)
class ReportOptions:
    """Trials to draw the learning curves of, by stage and number; whether to show example images of the test set."""

    trials: tuple[tuple[str, int], ...] = ()
    examples: bool = False


def chosen_trials(text: str) -> tuple[tuple[str, int], ...]:
    """Return the trials in a comma list. Raises InputError for what is not STAGE:NUMBER.

    >>> chosen_trials("fine:3, final:0")
    (('fine', 3), ('final', 0))
    """
    found = []
    for part in text.split(","):
        stage, _, number = (each.strip() for each in part.rpartition(":"))
        if not stage or not number.isdecimal():
            raise InputError(f"--trials must name trials as STAGE:NUMBER, e.g. fine:3,final:0, got {part.strip()!r}")
        found.append((stage, int(number)))
    return tuple(dict.fromkeys(found))
