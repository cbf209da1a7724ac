"""Callbacks: the functions of a user that are called while a study runs. May import search's progress."""

from collections.abc import Callable
from typing import Any

from hpsearch.errors import CallbackError, raised
from hpsearch.search.progress import StageEvent, StageProgress, TrialEvent, Watcher

OnTrial = Callable[[TrialEvent], object]
OnStage = Callable[[StageEvent], object]


class Callbacks(Watcher):
    """Passes everything on to `display`, and the events to the functions of a user."""

    def __init__(self, on_trial: OnTrial | None, on_stage: OnStage | None) -> None:
        self.display = Watcher()
        self._on_trial, self._on_stage = on_trial, on_stage
        self.study: str | None = None  # its name, once a stage of it has begun

    def stage(self, progress: StageProgress) -> None:
        self.display.stage(progress)

    def activity(self, text: str, *, checked: bool = False) -> None:
        self.display.activity(text, checked=checked)

    def message(self, text: str) -> None:
        self.display.message(text)

    def stage_changed(self, event: StageEvent) -> None:
        self.study = event.study
        self.display.stage_changed(event)
        _call("on_stage", self._on_stage, event)

    def trial_ended(self, event: TrialEvent) -> None:
        self.display.trial_ended(event)
        _call("on_trial", self._on_trial, event)


def _call(name: str, function: Callable[[Any], object] | None, event: TrialEvent | StageEvent) -> None:
    """Call a function of the user. Raises CallbackError, which stops the study, if it raises anything."""
    if function is None:
        return
    try:
        function(event)
    except Exception as error:
        raise CallbackError(
            f"{name} raised {raised(error)}; the study is stopped, what is committed stands: resume it"
        ) from error
