"""What a running study tells whoever watches it. May import nothing of ours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StageProgress:
    """A stage as it stands: trials and epochs done and in all, the best validation accuracy so far."""

    name: str
    position: int
    stages: int
    trials: int
    trials_done: int
    trials_failed: int
    epochs: int
    epochs_done: int
    best: float | None


class Watcher:
    """Told of everything that happens; this one does nothing. The command line's show bars or lines."""

    def stage(self, progress: StageProgress) -> None:
        """A stage began or went on, or results of it were committed."""

    def message(self, text: str) -> None:
        """Something worth a line: a failed trial, an extended range, a worker that died."""
