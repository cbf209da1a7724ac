"""hpsearch: hyperparameter search for small neural networks: reproducible, resumable, with statistical tests.

In Python: `launch`, `resume`, `load` and `optimise`, which give `Results`; `Study`, `Stage`, `Range` and `Around`, to
write a study without a file; `TrialEvent` and `StageEvent`, which callbacks receive. See docs/python.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hpsearch.version import __version__

if TYPE_CHECKING:
    from hpsearch.api.optimise import optimise
    from hpsearch.api.results import Best, Results
    from hpsearch.api.run import launch, load, resume
    from hpsearch.api.study import Around, Range, Stage, Study
    from hpsearch.search.progress import StageEvent, TrialEvent

__all__ = [
    "Around",
    "Best",
    "Range",
    "Results",
    "Stage",
    "StageEvent",
    "Study",
    "TrialEvent",
    "__version__",
    "launch",
    "load",
    "optimise",
    "resume",
]

_MODULES = {
    **dict.fromkeys(("Around", "Range", "Stage", "Study"), "hpsearch.api.study"),
    "optimise": "hpsearch.api.optimise",
    **dict.fromkeys(("Best", "Results"), "hpsearch.api.results"),
    **dict.fromkeys(("launch", "load", "resume"), "hpsearch.api.run"),
    **dict.fromkeys(("StageEvent", "TrialEvent"), "hpsearch.search.progress"),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that the command line starts without NumPy and pandas."""
    if name == "optuna":
        return import_module("hpsearch.api.optuna")
    if name not in _MODULES:
        raise AttributeError(f"module 'hpsearch' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
