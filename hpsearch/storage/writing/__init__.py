"""Every change of a study in the database, each inside one transaction. May import Optuna and SQLAlchemy.

Optuna's tables mirror ours: a study per stage, a trial per trial with the same number, so that optuna-dashboard shows
what is going on. All functions take the connection of an open `Database.transaction()`.
"""

from hpsearch.storage.writing.labels import store_labels
from hpsearch.storage.writing.longer import Longer, end_bytes, lengthen
from hpsearch.storage.writing.repair import repair_mirror
from hpsearch.storage.writing.stages import (
    KEPT_WEIGHTS,
    add_seconds,
    finish_stage,
    keep_stage,
    reset_stage,
    set_planned,
    start_stage,
)
from hpsearch.storage.writing.studies import accept_model, add_study, count_launch, delete_study, grow, set_study_state
from hpsearch.storage.writing.trials import add_trials, commit_progress, decide, reset_trials
from hpsearch.storage.writing.whole import WHOLE, WHOLE_STATE, forget_whole, store_whole, whole_epoch

__all__ = [
    "KEPT_WEIGHTS",
    "WHOLE",
    "WHOLE_STATE",
    "Longer",
    "accept_model",
    "add_seconds",
    "add_study",
    "add_trials",
    "commit_progress",
    "count_launch",
    "decide",
    "delete_study",
    "end_bytes",
    "finish_stage",
    "forget_whole",
    "grow",
    "keep_stage",
    "lengthen",
    "repair_mirror",
    "reset_stage",
    "reset_trials",
    "set_planned",
    "set_study_state",
    "start_stage",
    "store_labels",
    "store_whole",
    "whole_epoch",
]
