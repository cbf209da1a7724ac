"""Every metric that a study can be optimised by, under scikit-learn's names and computed by `sklearn.metrics`.

`parse` reads what a study file gives and needs nothing but the standard library; `check_labels` and `evaluate` need
NumPy. The package may import `hpsearch.errors`, `hpsearch.data.modules` (a metric of one's own is a Python file), and
scikit-learn inside the functions that compute: it takes over a second to import, and accuracy does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hpsearch.metrics.kinds import KINDS, MOST, Average, Direction, Needs, Task
from hpsearch.metrics.metric import Metric, MetricError, MetricFile, Source, check_task
from hpsearch.metrics.parsing import parse

if TYPE_CHECKING:
    from hpsearch.metrics.evaluation import evaluate
    from hpsearch.metrics.labels import check_labels
    from hpsearch.metrics.own import hash_of, load

__all__ = [
    "KINDS",
    "MOST",
    "Average",
    "Direction",
    "Metric",
    "MetricError",
    "MetricFile",
    "Needs",
    "Source",
    "Task",
    "check_labels",
    "check_task",
    "evaluate",
    "hash_of",
    "load",
    "parse",
]

_MODULES = {"evaluate": "evaluation", "check_labels": "labels", "hash_of": "own", "load": "own"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that a study file is read without NumPy."""
    if name not in _MODULES:
        raise AttributeError(f"module 'hpsearch.metrics' has no attribute {name!r}")
    return getattr(import_module(f"hpsearch.metrics.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
