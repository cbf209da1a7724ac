"""What a reader asks of a report beyond what every report shows: chosen trials, example images."""

from dataclasses import dataclass

from hpsearch.errors import InputError


@dataclass(frozen=True)
class Asked:
    """Trials to draw the curves of, by stage (None: the last that searched) and number; whether to show images."""

    trials: tuple[tuple[str | None, int], ...] = ()
    examples: bool = False


def chosen_trials(text: str) -> tuple[tuple[str | None, int], ...]:
    """Return the trials that a comma list names. Raises InputError for what is no trial's number.

    >>> chosen_trials("3, 7"), chosen_trials("fine:3,final:0")
    (((None, 3), (None, 7)), (('fine', 3), ('final', 0)))
    """
    found: list[tuple[str | None, int]] = []
    for part in text.split(","):
        stage, colon, number = part.strip().rpartition(":")
        if not number.strip().isdecimal():
            raise InputError(f"--trials must be trials' numbers, as 3,7 or fine:3, got {part.strip()!r}")
        found.append((stage.strip() if colon else None, int(number)))
    return tuple(dict.fromkeys(found))
