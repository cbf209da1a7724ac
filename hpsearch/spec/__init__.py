"""The study file as validated, frozen values. May import pydantic, the standard library and hpsearch.errors."""

from .check import check_model_keys, probes, trials_at_most
from .narrow import limits, narrow
from .reading import difference, parse, read, read_text
from .resolve import Setting, data_of, epochs, resolve, updates_per_epoch
from .space import Around, Choices, Range, grid
from .study import (
    TRAINING_KEYS,
    Constant,
    Cyclical,
    Data,
    Final,
    Grid,
    ModelTable,
    Random,
    Schedule,
    Sgd,
    Stage,
    Step,
    Study,
    Training,
    is_training_key,
)

__all__ = [
    "TRAINING_KEYS",
    "Around",
    "Choices",
    "Constant",
    "Cyclical",
    "Data",
    "Final",
    "Grid",
    "ModelTable",
    "Random",
    "Range",
    "Schedule",
    "Setting",
    "Sgd",
    "Stage",
    "Step",
    "Study",
    "Training",
    "check_model_keys",
    "data_of",
    "difference",
    "epochs",
    "grid",
    "is_training_key",
    "limits",
    "narrow",
    "parse",
    "probes",
    "read",
    "read_text",
    "resolve",
    "trials_at_most",
    "updates_per_epoch",
]
