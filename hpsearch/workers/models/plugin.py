"""Model files as plug-ins: loaded by path, identified by hash, never pickled. May import `hpsearch.nn`, data and spec.

A model file defines one of: `build(classes, **parameters) -> list of layers`, `module(data, **parameters) ->
torch.nn.Module`, `make(data, seed, **parameters) -> Trainable`, `train_epoch(state, data, epoch, rng, **parameters)`
with `predict(state, samples)` or `predict_proba`, and `estimator(**parameters)`; or, where the study file asks for a
function, `objective(params, seed)` or `objective(trial)`. Its parameters are the keys that [model] and a space may set.
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from hpsearch.data.modules import module_of, readable
from hpsearch.errors import ModelError, nearest, raised
from hpsearch.spec import TAKEN, check_value, is_training_key
from hpsearch.workers.models import estimators, functions
from hpsearch.workers.models.installed import class_of, package_of, packages_in, version_of

FIRST_PARAMETERS = {
    "build": ("classes",),
    "make": ("data", "seed"),
    "train_epoch": ("state", "data", "epoch", "rng"),
    "module": ("data",),
    "estimator": (),
}
"""The functions of which a model file defines one, and their first parameters."""

_HELPERS = ("module", "estimator")
"""Names that a file which defines another of these functions may use for its own purposes."""

DEVICE = "device"
"""The key of [model] for where a PyTorch module is trained: "cpu", if not given, or "cuda"."""

_ARGUMENTS = {"lambda": "lambda_", "eta": "eta", "batch_size": "batch_size", "class_weight": "class_weight"}
"""The parameters of a trainable for keys of [training]; `lambda` is a keyword of Python."""

_TORCH = "PyTorch is not installed here: pip install 'hpsearch[torch]'"

_ANY_VERSION = ("hpsearch", "numpy", "scipy")
"""Packages whose versions do not belong to a study: all models need them."""

_VERSION = "  # "
"""What stands before the version in the text of an installed class."""


@dataclass(frozen=True, eq=False)
class Plugin:
    """A model file as it was read: its path, SHA-256 (hex) and text, the function that it defines, and its parameters.

    Of an installed class, the path is its name, the function the class, and the text imports it and has its version.

    `taken` is None for layers and modules, which use all of [training]; for a trainable it has the keys
    of [training] among its parameters, and whether they are required. `predictions` are the functions beside
    `train_epoch`, by name: `predict`, `predict_proba` or both.
    """

    path: Path | str
    hash: str
    text: str
    way: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    taken: Mapping[str, bool] | None = None
    predictions: Mapping[str, Callable[..., Any]] | None = None
    own: tuple[str, ...] = ()  # of an estimator's parameters, those of the function itself

    @property
    def package(self) -> str | None:
        """The package of an estimator's class, or those that its file imports, with versions; None of other models.

        An estimator is fitted again whenever it is used, so that another version may predict otherwise.
        """
        if self.way != "estimator":
            return None
        if isinstance(self.path, str):
            return self.text.partition(_VERSION)[2].strip()
        found = packages_in(self.text).items()
        return ", ".join(f"{name} {version}" for name, version in found if name not in _ANY_VERSION) or None

    @property
    def stored(self) -> dict[str, str]:
        """What a database keeps of it, beside its name."""
        package = {} if self.package is None else {"package": self.package}
        return {"hash": self.hash, "text": self.text, "kind": self.kind} | package

    @property
    def kind(self) -> str:
        """What it makes: "layers", a "module" of PyTorch, or a "trainable"; or a "function"."""
        if self.way in ("function", "module"):
            return self.way
        return "layers" if self.taken is None else "trainable"


def read_plugin(path: Path | str) -> Plugin:
    """Import a model file, or the class of that name. Raises ModelError if it is missing, fails, or is no model."""
    if isinstance(path, str):
        return _installed(path)
    return plugin_of(path, _text(path))


def plugin_of(path: Path, text: str) -> Plugin:
    """Run the text of a model file, which need not be at `path`. Raises ModelError if it fails, or is no model."""
    return _import(path, text, _hash(text))


def read_function(path: Path | str) -> Plugin:
    """The function `objective` of a file, or of this process. Raises ModelError if there is none."""
    if isinstance(path, str):
        function = functions.here(path)
        text = functions.text_of(function)
        return Plugin(path, _hash(text), text, "function", function, (), {})
    text = _text(path)
    return _import_function(path, text, _hash(text))


@lru_cache(maxsize=64)
def _import_function(path: Path, text: str, digest: str) -> Plugin:
    function = getattr(_module(path, text, digest), functions.NAME, None)
    if not callable(function):
        rule = f"must define {functions.NAME}(params, seed), or {functions.NAME}(trial) as Optuna has it"
        raise ModelError(f"{path}: a file with a function {rule}, found none")
    functions.check_signature(path, function)
    return Plugin(path, digest, text, "function", function, (), {})


def hash_of(model: Path | str) -> str:
    """The hash of a model file, which is not run, or of an installed class. Raises ModelError if it is missing."""
    if isinstance(model, str):
        return (read_function if functions.is_here(model) else _installed)(model).hash
    return _hash(_text(model))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(path: Path) -> str:
    try:
        return readable(path).read_text("utf-8")
    except FileNotFoundError:
        there = [p.name for p in path.parent.glob("*.py")]
        raise ModelError(f"{path}: the model file does not exist{nearest(path.name, there)}") from None
    except IsADirectoryError:
        files = ", ".join(sorted(str(p) for p in path.glob("*.py"))[:5])
        has = f"; it has {files}" if files else ""
        raise ModelError(f"{path}: must be a model file, but is a folder{has}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the model file cannot be read ({error})") from error


@lru_cache(maxsize=64)
def _installed(name: str) -> Plugin:
    function = class_of(name)
    place, _, last = name.rpartition(".")
    text = f"from {place} import {last}{_VERSION}{package_of(name)}\n"
    return _of_estimator(name, text, _hash(text), function, {})


def _of_estimator(
    path: Path | str, text: str, digest: str, function: Callable[..., Any], own: dict[str, bool]
) -> Plugin:
    """A class, or the function `estimator` of a file: its own parameters and those of what it returns."""
    if needed := [name for name, required in own.items() if required]:
        raise ModelError(f"{path}: estimator must have a default for each parameter, {needed[0]} has none")
    try:
        names = estimators.names_of(estimators.default_of(function))
    except Exception as error:
        what = "estimator()" if own or isinstance(path, Path) else "it"
        hint = "" if isinstance(path, Path) else "; define estimator(…) in a file that returns one"
        raise ModelError(f"{path}: {what} cannot be made without parameters ({raised(error)}){hint}") from error
    parameters = tuple(dict.fromkeys([*own, *names]))
    taken: dict[str, bool] = {key: False for key in ("batch_size", "class_weight") if key in parameters}
    return Plugin(path, digest, text, "estimator", function, parameters, taken, own=tuple(own))


def _of_module(path: Path, text: str, digest: str, function: Callable[..., Any], own: Mapping[str, bool]) -> Plugin:
    """The function `module` of a file, which returns a module of PyTorch."""
    if find_spec("torch") is None:
        raise ModelError(f"{path}: {_TORCH}")
    if used := next((key for key in own if is_training_key(key) or key == DEVICE), None):
        rule = f"must not have a parameter {used!r}, a key of [{'model' if used == DEVICE else 'training'}]"
        raise ModelError(f"{path}: module {rule} that hpsearch uses itself")
    return Plugin(path, digest, text, "module", function, (*own, DEVICE))


def changed(model: Path | str, before: Mapping[str, Any]) -> str:
    """What is not as it was stored `before` of the model: its file, its package's version; "" if nothing."""
    same, package = hash_of(model) == before["hash"], before.get("package") or ""
    if isinstance(model, Path) or functions.is_here(model):
        if not same:
            return f"{model}: the model file has changed"
        now = ", ".join(f"{name} {version_of(name)}" for name in re.findall(r"([^ ,]+) [^,]+", package))
        return f"{model}: {package} has changed to {now}" if now != package else ""
    return "" if same else f"{model}: {package} has changed to {package_of(model)}"


@lru_cache(maxsize=64)
def _import(path: Path, text: str, digest: str) -> Plugin:
    return _plugin(path, text, digest, _module(path, text, digest))


def _module(path: Path, text: str, digest: str) -> ModuleType:
    try:
        return module_of(path, text, f"hpsearch_model_{digest[:16]}")
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        hint = f"; {_TORCH}" if isinstance(error, ModuleNotFoundError) and error.name == "torch" else ""
        raise ModelError(f"{path}: the model file cannot be imported ({raised(error)}){hint}") from error


def _plugin(path: Path, text: str, digest: str, module: ModuleType) -> Plugin:
    ways = [way for way in FIRST_PARAMETERS if callable(getattr(module, way, None))]
    if len(ways) > 1:
        ways = [way for way in ways if way not in _HELPERS] or ways
    if len(ways) != 1:
        calls = [f"{way}({', '.join([*first[:2], '…'])})" for way, first in FIRST_PARAMETERS.items()]
        rule = f"must define one of {', '.join(calls[:-1])} and {calls[-1]}"
        is_function = not ways and callable(getattr(module, functions.NAME, None))
        hint = f"; {functions.NAME} is a function: name the file as function in [model]" if is_function else ""
        raise ModelError(f"{path}: a model file {rule}, found {' and '.join(ways) or 'none'}{hint}")
    way, function = ways[0], getattr(module, ways[0])
    first, rest = FIRST_PARAMETERS[way], _parameters(path, way, function)
    if way == "estimator":
        return _of_estimator(path, text, digest, function, rest)
    if way == "build":
        return Plugin(path, digest, text, way, function, tuple(rest))
    if way == "module":
        return _of_module(path, text, digest, function, rest)
    predictions = {name: f for name in ("predict_proba", "predict") if callable(f := getattr(module, name, None))}
    if way == "train_epoch" and not predictions:
        rule = "beside train_epoch a model file must define predict(state, samples) or predict_proba(state, samples)"
        raise ModelError(f"{path}: {rule}")
    if used := next((key for key in rest if is_training_key(key) and key not in _ARGUMENTS.values()), None):
        rule = f"must not have a parameter {used!r}, which is a key of [training]; of those it gets {', '.join(TAKEN)}"
        raise ModelError(f"{path}: {way} {rule} as {', '.join(_ARGUMENTS.values())}")
    taken = {key: rest[name] for key, name in _ARGUMENTS.items() if name in rest}
    own = tuple(key for key in rest if key not in _ARGUMENTS.values())
    assert not {*first} & {*own}
    return Plugin(path, digest, text, way, function, own, taken, predictions if way == "train_epoch" else None)


def _parameters(path: Path, way: str, function: Callable[..., Any]) -> dict[str, bool]:
    """A function's parameters after the first ones, and which of them have no default."""
    try:
        declared = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a class of the standard library, for example
        declared = []
    first, names = FIRST_PARAMETERS[way], [parameter.name for parameter in declared]
    if tuple(names[: len(first)]) != first:
        which = "first parameter must be" if len(first) == 1 else "first parameters must be"
        expected = " and ".join(filter(None, (", ".join(f"`{name}`" for name in first[:-1]), f"`{first[-1]}`")))
        raise ModelError(f"{path}: {way}'s {which} {expected}, got ({', '.join(names)})")
    own = declared[len(first) :]
    for parameter in own:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            rule = "must name its parameters, which are the keys of a study file"
            raise ModelError(f"{path}: {way} {rule}, got {parameter}")
    return {parameter.name: parameter.default is parameter.empty for parameter in own}


def called(plugin: Plugin, what: str, function: Callable[[], Any]) -> Any:
    """Call the plug-in's function. Raises ModelError for what it raises; the text of a ValueError is kept."""
    try:
        return function()
    except ValueError as error:  # what a model says of a parameter that makes no sense
        text = on_one_line(error) or f"{what} raised ValueError without a message"
        raise ModelError(f"{plugin.path}: {text}") from error
    except BaseException as error:  # KeyboardInterrupt too: signals do not raise here, so it is the model's own
        raise ModelError(f"{plugin.path}: {what} failed: {raised(error)}") from error


def on_one_line(value: object) -> str:
    """A value for a message, on one short line: the text of an exception, another value's `repr`."""
    try:
        return " ".join((f"{value}" if isinstance(value, BaseException) else f"{value!r:.80}").split())
    except Exception:  # of its `repr`
        return f"a {type(value).__name__}"


def shown(way: str, parameters: Mapping[str, Any]) -> str:
    """A call as a text: "build(hidden = [50])"."""
    return f"{way}({', '.join(f'{key} = {value!r}' for key, value in parameters.items())})"


def check_types(plugin: Plugin, parameters: Mapping[str, Any]) -> None:
    """Raise ModelError for a value that is not of the type that the plug-in's function declares for its parameter."""
    try:
        types = get_type_hints(plugin.function)
    except Exception:  # names that only a type checker knows: nothing can be checked
        return
    for key in parameters.keys() & types.keys():
        check_value(f"{plugin.path}: {key}", parameters[key], types[key])
