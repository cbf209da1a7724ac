"""The study file as validated, frozen values. May import pydantic, the standard library and hpsearch.errors."""

from .budget import Budget
from .growth import Growth, growth
from .images import Augmentation, Csv, Data, Folder, Folds, Idx, Npz, Python
from .lengths import updates_per_epoch, warm_up
from .limits import limits
from .model_keys import TAKEN, check_model_keys
from .narrow import narrow
from .optimisers import Adam, AdamW, Momentum, Nesterov, Optimiser, Sgd
from .probing import probes, trials_at_most
from .pruners import Halving, Hyperband, Median, Pruner
from .reading import difference, parse, read, read_text
from .references import Reference
from .resolve import Setting, augmentation_of, data_of, epochs, replicates_of, resolve
from .samplers import LEARNING, Cmaes, Gp, Grid, Qmc, Random, Sampler, Tpe
from .schedules import Constant, Cosine, Cyclical, OneCycle, Schedule, Step
from .space import Around, Choices, Range, grid
from .stages import Confirm, Stage
from .study import Final, ModelTable, Study
from .training import TRAINING_KEYS, Stop, Training, is_training_key
from .words import check_value

__all__ = [
    "LEARNING",
    "TAKEN",
    "TRAINING_KEYS",
    "Adam",
    "AdamW",
    "Around",
    "Augmentation",
    "Budget",
    "Choices",
    "Cmaes",
    "Confirm",
    "Constant",
    "Cosine",
    "Csv",
    "Cyclical",
    "Data",
    "Final",
    "Folder",
    "Folds",
    "Gp",
    "Grid",
    "Growth",
    "Halving",
    "Hyperband",
    "Idx",
    "Median",
    "ModelTable",
    "Momentum",
    "Nesterov",
    "Npz",
    "OneCycle",
    "Optimiser",
    "Pruner",
    "Python",
    "Qmc",
    "Random",
    "Range",
    "Reference",
    "Sampler",
    "Schedule",
    "Setting",
    "Sgd",
    "Stage",
    "Step",
    "Stop",
    "Study",
    "Tpe",
    "Training",
    "augmentation_of",
    "check_model_keys",
    "check_value",
    "data_of",
    "difference",
    "epochs",
    "grid",
    "growth",
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
