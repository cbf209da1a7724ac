"""The study file as validated, frozen values. May import pydantic, the standard library and hpsearch.errors."""

from .check import check_model_keys, probes, trials_at_most
from .images import Augmentation, Csv, Data, Folder, Folds, Idx, Npz
from .lengths import updates_per_epoch, warm_up
from .limits import limits
from .narrow import narrow
from .optimisers import Adam, AdamW, Momentum, Nesterov, Optimiser, Sgd
from .reading import difference, parse, read, read_text
from .references import Reference
from .resolve import Setting, augmentation_of, data_of, epochs, replicates_of, resolve
from .schedules import Constant, Cosine, Cyclical, OneCycle, Schedule, Step
from .space import Around, Choices, Range, grid
from .study import Final, Grid, ModelTable, Random, Stage, Study
from .training import TRAINING_KEYS, Stop, Training, is_training_key
from .words import check_value

__all__ = [
    "TRAINING_KEYS",
    "Adam",
    "AdamW",
    "Around",
    "Augmentation",
    "Choices",
    "Constant",
    "Cosine",
    "Csv",
    "Cyclical",
    "Data",
    "Final",
    "Folder",
    "Folds",
    "Grid",
    "Idx",
    "ModelTable",
    "Momentum",
    "Nesterov",
    "Npz",
    "OneCycle",
    "Optimiser",
    "Random",
    "Range",
    "Reference",
    "Schedule",
    "Setting",
    "Sgd",
    "Stage",
    "Step",
    "Stop",
    "Study",
    "Training",
    "augmentation_of",
    "check_model_keys",
    "check_value",
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
    "replicates_of",
    "resolve",
    "trials_at_most",
    "updates_per_epoch",
    "warm_up",
]
