"""Installed classes by name, "sklearn.ensemble.RandomForestClassifier": found, or refused in one line.

Imports the package that a name is of. May import the standard library and `hpsearch.errors`.
"""

import ast
import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from types import ModuleType
from typing import Any

from hpsearch.errors import ModelError, nearest, raised

INTERFACE = ("fit", "predict", "get_params", "set_params")
"""The methods of scikit-learn's interface that an estimator needs."""

_PACKAGES = {"sklearn": "scikit-learn", "lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost"}
"""Packages that are known to have estimators, and what `pip install` calls them."""


def class_of(name: str) -> Any:
    """Import a class. Raises ModelError if it is not there, or is no estimator."""
    place, _, last = name.rpartition(".")
    if not place or not all(part.isidentifier() for part in name.split(".")):
        rule = "must be a class with its module, such as sklearn.ensemble.RandomForestClassifier, or a file (.py)"
        raise ModelError(f"{name}: the estimator {rule}{_elsewhere(last or name)}")
    module = _module(name, place)
    found = getattr(module, last, None)
    if found is None:
        raise ModelError(f"{name}: {place} has no class {last}{_elsewhere(last) or _among(last, module)}")
    if missing := [method for method in INTERFACE if not callable(getattr(found, method, None))]:
        what = "the class" if isinstance(found, type) else "it"
        rule = f"must be an estimator, with the methods {', '.join(INTERFACE)} of scikit-learn's"
        raise ModelError(f"{name}: {rule}; {what} has no {missing[0]}")
    return found


def package_of(name: str) -> str:
    """The package that a class is of, with its version: "scikit-learn 1.9.1"."""
    top = name.partition(".")[0]
    package = next(iter(packages_distributions().get(top, ())), top)
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} {getattr(importlib.import_module(top), '__version__', 'of an unknown version')}"


def packages_in(text: str) -> dict[str, str]:
    """The packages that the text of a Python file imports, wherever in it, with their versions; by name."""
    there = packages_distributions()
    return {name: version(name) for name in sorted({name for top in _imported(text) for name in there.get(top, ())})}


def version_of(package: str) -> str:
    """The version of a package, by the name that pip has for it; "none" where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _module(name: str, place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        top = place.partition(".")[0]
        if missing == top and top not in _PACKAGES and (near := difflib.get_close_matches(top, _PACKAGES, n=1)):
            raise ModelError(f"{name}: the package {top} is not installed; did you mean {near[0]!r}?") from None
        if missing == top:
            raise ModelError(
                f"{name}: the package {top} is not installed; `pip install {_PACKAGES.get(top, top)}`"
            ) from None
        if not f"{place}.".startswith(f"{missing}."):  # a package that this one needs
            raise ModelError(f"{name}: cannot be imported ({raised(error)})") from None
        parent, _, last = missing.rpartition(".")
        inside = [each.name for each in pkgutil.iter_modules(importlib.import_module(parent).__path__)]
        known = [each for each in inside if not each.startswith("_")]
        hint = _elsewhere(name.rpartition(".")[2]) or nearest(last, known)
        raise ModelError(f"{name}: {parent} has no module {last}{hint}") from None
    except (Exception, SystemExit) as error:
        raise ModelError(f"{name}: cannot be imported ({raised(error)})") from error


def _among(last: str, module: ModuleType) -> str:
    names: Iterable[str] = (key for key, value in vars(module).items() if hasattr(value, "fit"))
    return nearest(last, (key for key in names if not key.startswith("_")))


def _elsewhere(last: str) -> str:
    """Name the class of scikit-learn that is called so, or nearly."""
    from sklearn.utils import all_estimators

    public = {name: cls.__module__.partition("._")[0] for name, cls in all_estimators()}
    near = [last] if last in public else difflib.get_close_matches(last, public, n=1, cutoff=0.8)
    return f"; did you mean '{public[near[0]]}.{near[0]}'?" if near else ""
