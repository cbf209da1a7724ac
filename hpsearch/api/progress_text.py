"""The progress of a stage as text, for all displays. May import search's progress."""

from hpsearch.search.progress import StageProgress


def summary(p: StageProgress) -> str:
    """The text beside a bar: numbers of trials, the best value so far, the time left of a budget of minutes."""
    pruned = f", {p.trials_pruned:,} pruned" if p.trials_pruned else ""
    failed = f", {p.trials_failed:,} failed" if p.trials_failed else ""
    best = "" if p.best is None else f", best {p.goal.named(p.best)}"
    left = "" if p.seconds_left is None or is_complete(p) else f", {duration(p.seconds_left)} of its budget left"
    return f"{p.trials_done:,}/{p.trials:,} trials{pruned}{failed}{best}{left}"


def is_complete(p: StageProgress) -> bool:
    """Whether all trials of the stage have ended."""
    return p.trials_done == p.trials


def duration(seconds: float) -> str:
    """Format seconds: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def shorten(name: str) -> str:
    """Cut the name of a stage, to leave room for its bar."""
    return name if len(name) <= 24 else name[:23] + "…"
