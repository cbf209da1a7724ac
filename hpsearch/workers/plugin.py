"""Model files as plug-ins: found by path, known by hash, never pickled. May import `hpsearch.nn` and `hpsearch.errors`.

A model file defines `build(classes, **parameters) -> list of layers`; its keyword parameters are the keys that
[model] and a space may set.
"""

import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from hpsearch.errors import ModelError, nearest
from hpsearch.nn import Layer, Network
from hpsearch.nn.products import cohort_size
from hpsearch.spec import check_value


@dataclass(frozen=True, eq=False)
class Plugin:
    """A model file as it was read: where, its SHA-256 (hex), its text, its `build`, and what that accepts."""

    path: Path
    hash: str
    text: str
    build: Callable[..., Any]
    parameters: tuple[str, ...]


def read_plugin(path: Path) -> Plugin:
    """Import a model file. Raises ModelError if it is missing, fails, or has no `build(classes, …)`."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        there = [p.name for p in path.parent.glob("*.py")]
        raise ModelError(f"{path}: the model file does not exist{nearest(path.name, there)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the model file cannot be read ({error})") from error
    return _import(path, text, hashlib.sha256(text.encode()).hexdigest())


@lru_cache(maxsize=64)
def _import(path: Path, text: str, digest: str) -> Plugin:
    name = f"hpsearch_model_{digest[:16]}"
    spec = importlib.util.spec_from_loader(name, loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise ModelError(f"{path}: the model file cannot be imported ({type(error).__name__}: {error})") from error
    build = getattr(module, "build", None)
    if not callable(build):
        raise ModelError(f"{path}: a model file must define build(classes, …), found none")
    try:
        parameters = list(inspect.signature(build).parameters)
    except (TypeError, ValueError):  # a class of the standard library, for example
        parameters = []
    if not parameters or parameters[0] != "classes":
        raise ModelError(f"{path}: build's first parameter must be `classes`, got ({', '.join(parameters)})")
    return Plugin(path, digest, text, build, tuple(parameters[1:]))


def layers(plugin: Plugin, classes: int, parameters: Mapping[str, Any]) -> list[Layer]:
    """Call the plug-in's `build`. Raises ModelError if it refuses the parameters or returns no layers."""
    _check_types(plugin, parameters)
    shown = ", ".join(f"{key} = {value!r}" for key, value in parameters.items())
    try:
        made = plugin.build(classes, **parameters)
    except ValueError as error:  # what a model says of a parameter that makes no sense
        raise ModelError(f"{plugin.path}: {error}") from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # signals are counted elsewhere: it is the model's own
        raise ModelError(f"{plugin.path}: build({shown}) failed: {type(error).__name__}: {error}") from error
    if not isinstance(made, list) or not made or not all(isinstance(layer, Layer) for layer in made):
        raise ModelError(f"{plugin.path}: build({shown}) must return a list of layers, got {made!r:.80}")
    return made


def _check_types(plugin: Plugin, parameters: Mapping[str, Any]) -> None:
    """Raise ModelError for a value that is not of the type that `build` declares for its parameter."""
    try:
        types = get_type_hints(plugin.build)
    except Exception:  # names that are known to a type checker only: nothing to go by
        return
    for key in parameters.keys() & types.keys():
        check_value(f"{plugin.path}: {key}", parameters[key], types[key])


def size(plugin: Plugin, inputs: int, classes: int, parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Return (numbers the model learns, outputs of its first layer that learns anything).

    Raises ModelError if the layers do not fit each other or do not end in one score per class.
    """
    made = layers(plugin, classes, parameters)
    try:
        network = Network(made, inputs=inputs)
    except ValueError as error:
        raise ModelError(f"{plugin.path}: the layers do not fit: {error}") from error
    except Exception as error:
        raise ModelError(f"{plugin.path}: the layers do not fit: {type(error).__name__}: {error}") from error
    if network.outputs != classes:
        raise ModelError(
            f"{plugin.path}: the last layer must have {classes} outputs, one a class, has {network.outputs}"
        )
    return network.size, next((getattr(layer, "outputs", inputs) for layer in made if layer.params), inputs)


def largest_cohort(plugin: Plugin, inputs: int, classes: int, parameters: Mapping[str, Any]) -> int:
    """How many trials with these parameters should train together at most, from the shape alone."""
    return cohort_size(inputs, size(plugin, inputs, classes, parameters)[1])
