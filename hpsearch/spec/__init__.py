"""The study file as validated, frozen values. May import pydantic, the standard library and hpsearch.errors."""

from hpsearch.spec.checks.bounds import probes, trials_at_most
from hpsearch.spec.checks.class_weight import check_class_weight
from hpsearch.spec.checks.lengths import updates_per_epoch, warm_up
from hpsearch.spec.checks.limits import limits
from hpsearch.spec.checks.model import TAKEN, check_model_keys
from hpsearch.spec.growth import Growth, growth
from hpsearch.spec.longer import lengths, why_compared, why_not_longer
from hpsearch.spec.messages import check_value
from hpsearch.spec.reading import difference, parse, read, read_text
from hpsearch.spec.refinement import narrow
from hpsearch.spec.resolve import (
    Configuration,
    augmentation_of,
    data_of,
    epochs,
    length_of,
    limits_of,
    objective_of,
    replicates_of,
    resolve,
)
from hpsearch.spec.rungs import chosen_rungs, with_rungs
from hpsearch.spec.spaces.branches import grid
from hpsearch.spec.suggestions import did_you_mean
from hpsearch.spec.tables.budget import Budget
from hpsearch.spec.tables.data import Augmentation, Csv, Data, Folder, Folds, Idx, Npz, Python
from hpsearch.spec.tables.objective import EVIDENCE, ROPE, Objective
from hpsearch.spec.tables.objectives import COUNTED, Objectives
from hpsearch.spec.tables.optimisers import Adam, AdamW, Momentum, Nesterov, Optimiser, Sgd
from hpsearch.spec.tables.pruners import Halving, Hyperband, Median, Pruner
from hpsearch.spec.tables.reference import Reference
from hpsearch.spec.tables.samplers import (
    Cmaes,
    Gp,
    Grid,
    Learning,
    Nsga2,
    PriorBand,
    PythonSampler,
    Qmc,
    Random,
    Sampler,
    Tpe,
)
from hpsearch.spec.tables.schedules import Constant, Cosine, Cyclical, OneCycle, Schedule, Step
from hpsearch.spec.tables.space import Around, Branching, Choices, Range
from hpsearch.spec.tables.stage import Confirm, Stage
from hpsearch.spec.tables.study import HERE, SUGGESTED, VALUE, Final, ModelTable, Study
from hpsearch.spec.tables.training import TRAINING_KEYS, Stop, Training, is_training_key
from hpsearch.spec.tables.trial import TrialLimits, limit_of
from hpsearch.spec.trust import is_own, require_trust

__all__ = [
    "COUNTED",
    "EVIDENCE",
    "HERE",
    "ROPE",
    "SUGGESTED",
    "TAKEN",
    "TRAINING_KEYS",
    "VALUE",
    "Adam",
    "AdamW",
    "Around",
    "Augmentation",
    "Branching",
    "Budget",
    "Choices",
    "Cmaes",
    "Configuration",
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
    "Learning",
    "Median",
    "ModelTable",
    "Momentum",
    "Nesterov",
    "Npz",
    "Nsga2",
    "Objective",
    "Objectives",
    "OneCycle",
    "Optimiser",
    "PriorBand",
    "Pruner",
    "Python",
    "PythonSampler",
    "Qmc",
    "Random",
    "Range",
    "Reference",
    "Sampler",
    "Schedule",
    "Sgd",
    "Stage",
    "Step",
    "Stop",
    "Study",
    "Tpe",
    "Training",
    "TrialLimits",
    "augmentation_of",
    "check_class_weight",
    "check_model_keys",
    "check_value",
    "chosen_rungs",
    "data_of",
    "did_you_mean",
    "difference",
    "epochs",
    "grid",
    "growth",
    "is_own",
    "is_training_key",
    "length_of",
    "lengths",
    "limit_of",
    "limits",
    "limits_of",
    "narrow",
    "objective_of",
    "parse",
    "probes",
    "read",
    "read_text",
    "replicates_of",
    "require_trust",
    "resolve",
    "trials_at_most",
    "updates_per_epoch",
    "warm_up",
    "why_compared",
    "why_not_longer",
    "with_rungs",
]
