"""A stage's progress in words, for all who show it. May import search's progress."""

from hpsearch.search.progress import StageProgress


def words(p: StageProgress) -> str:
    """What a bar does not show: how many trials, the best so far, what is left of a budget of minutes."""
    pruned = f", {p.trials_pruned:,} pruned" if p.trials_pruned else ""
    failed = f", {p.trials_failed:,} failed" if p.trials_failed else ""
    best = "" if p.best is None else f", best {100 * p.best:.2f}%"
    left = "" if p.seconds_left is None or is_over(p) else f", {duration(p.seconds_left)} of its budget left"
    return f"{p.trials_done:,}/{p.trials:,} trials{pruned}{failed}{best}{left}"


def is_over(p: StageProgress) -> bool:
    """Whether all trials that there will be have ended."""
    return p.trials_done == p.trials


def duration(seconds: float) -> str:
    """Seconds as a reader counts them: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def short(name: str) -> str:
    """A stage's name, no longer than leaves room for its bar."""
    return name if len(name) <= 24 else name[:23] + "…"
