"""The table of all kinds of metrics: direction, task, what each needs of a model, its options. Imports nothing."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["maximize", "minimize"]
"""As Optuna spells it."""
Task = Literal["classification", "regression"]
Needs = Literal["classes", "probabilities", "scores", "values", "nothing"]
"""What a metric needs of a model: predicted classes (n,), probabilities (n, C), scores of any scale (n, C), for which
probabilities do as well, or values (n, T); or nothing, where training measures it.
"""
Average = Literal["macro", "micro", "weighted", "binary"]

AVERAGES: tuple[Average, ...] = ("macro", "micro", "weighted", "binary")


@dataclass(frozen=True)
class Kind:
    """What all metrics of a kind share; `options` may be given in a study file, `required` must be."""

    direction: Direction
    tasks: tuple[Task, ...]
    needs: Needs
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    share: bool = False
    """Whether it is a share in [0, 1], shown as a percentage."""


_CLASSIFICATION: tuple[Task, ...] = ("classification",)
_REGRESSION: tuple[Task, ...] = ("regression",)
_BOTH: tuple[Task, ...] = ("classification", "regression")
_AVERAGED = ("average", "positive")

KINDS = {
    "accuracy": Kind("maximize", _CLASSIFICATION, "classes", share=True),
    "balanced_accuracy": Kind("maximize", _CLASSIFICATION, "classes", share=True),
    "f1": Kind("maximize", _CLASSIFICATION, "classes", _AVERAGED),
    "precision": Kind("maximize", _CLASSIFICATION, "classes", _AVERAGED, share=True),
    "recall": Kind("maximize", _CLASSIFICATION, "classes", _AVERAGED, share=True),
    "matthews_corrcoef": Kind("maximize", _CLASSIFICATION, "classes"),
    "cohen_kappa": Kind("maximize", _CLASSIFICATION, "classes"),
    "roc_auc": Kind("maximize", _CLASSIFICATION, "scores"),
    "average_precision": Kind("maximize", _CLASSIFICATION, "scores", ("positive",)),
    "top_k_accuracy": Kind("maximize", _CLASSIFICATION, "scores", ("k",), ("k",), share=True),
    "log_loss": Kind("minimize", _CLASSIFICATION, "probabilities"),
    "brier": Kind("minimize", _CLASSIFICATION, "probabilities"),
    "rmse": Kind("minimize", _REGRESSION, "values"),
    "mse": Kind("minimize", _REGRESSION, "values"),
    "mae": Kind("minimize", _REGRESSION, "values"),
    "median_absolute_error": Kind("minimize", _REGRESSION, "values"),
    "r2": Kind("maximize", _REGRESSION, "values"),
    "mape": Kind("minimize", _REGRESSION, "values"),
    "pinball": Kind("minimize", _REGRESSION, "values", ("alpha",), ("alpha",)),
    "loss": Kind("minimize", _BOTH, "nothing"),
    "cost": Kind("minimize", _BOTH, "nothing"),
}
"""Every kind by its name. `loss` and `cost` are measured by training, not computed here."""

AVERAGED = tuple(name for name, kind in KINDS.items() if "average" in kind.options)
"""The kinds that are of one class and averaged over several."""

MOST = 1e38
"""The largest number that a metric may be: of larger ones the fourth power overflows, which statistics need."""
