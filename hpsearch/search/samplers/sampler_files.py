"""Classes of samplers from Python files of the workspace. May import spec, Optuna and `hpsearch.data.modules`.

A sampler's file is run by the coordinator alone. A folder with an `__init__.py` is a package, such as one of OptunaHub.
"""

import copy
import hashlib
import importlib.util
import inspect
import os.path
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from optuna.samplers import BaseSampler

from hpsearch.data.modules import module_of, readable
from hpsearch.errors import InputError, nearest, raised
from hpsearch.spec import PythonSampler, Study
from hpsearch.spec.messages import fail, show


@dataclass(frozen=True)
class SamplerClass:
    """A class of a sampler with the arguments that the study file gives it, and the hash of its file."""

    path: str
    hash: str
    made_by: type[BaseSampler]
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.made_by.__name__} of {self.path}"

    @property
    def takes_seed(self) -> bool:
        parameters = _parameters(self.made_by)
        return parameters is None or "seed" in parameters

    def make(self, seed: int) -> BaseSampler:
        """An instance, with this seed if its constructor takes one."""
        arguments = copy.deepcopy(dict(self.arguments))
        return self.made_by(**arguments, **({"seed": seed} if self.takes_seed else {}))


Classes = Mapping[str, SamplerClass]
"""The class of each stage that has one of its own, by the stage's name."""


def sampler_classes(study: Study, workspace: Path, stored: Mapping[str, Any] | None = None) -> dict[str, SamplerClass]:
    """Read the samplers' files of a study's stages. Raises StudyFileError for one without a class to take.

    `stored` has the hashes that the study was launched with, which a new stage's file is not among. Raises InputError,
    before it is run, for a file with another one.
    """
    found = {}
    for i, stage in enumerate(study.stages):
        if isinstance(stage.sampler, PythonSampler):
            where: list[str | int] = ["stage", i, "sampler"]
            found[stage.name] = _class_of(stage.sampler, workspace, study, where, stored or {})
    return found


def sampler_hashes(classes: Classes) -> dict[str, str]:
    """The hash of each sampler's file, by its path as in the study file."""
    return {each.path: each.hash for each in classes.values()}


def _class_of(
    given: PythonSampler, workspace: Path, study: Study, where: Sequence[str | int], stored: Mapping[str, Any]
) -> SamplerClass:
    path, place = workspace / given.path, study.place
    main = path / "__init__.py" if path.is_dir() else path
    try:
        files = {"": readable(path).read_bytes()} if main is path else dict(_files(path))
        main.stat()
    except (OSError, ValueError) as error:  # also a path with a NUL
        there = [os.path.relpath(each, workspace) for each in path.parent.glob("*.py")]
        rule = f"must be a Python file, or a folder with an __init__.py, got {show(given.path)}"
        hint = nearest(given.path, there) if isinstance(error, FileNotFoundError) else f" ({raised(error)})"
        raise fail(place, [*where, "path"], rule + hint) from None
    known = hashlib.sha256()
    for name, content in files.items():
        known.update(hashlib.sha256(name.encode()).digest() * bool(name) + content)
    if stored.get(given.path, known.hexdigest()) != known.hexdigest():
        rule = f"the sampler's file has changed since study {study.name!r} was launched"
        raise InputError(f"{given.path}: {rule}; restore it, or launch under a new name")
    try:
        module = _import(main, known.hexdigest(), package=main is not path)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise fail(place, [*where, "path"], f"cannot be imported: {given.path} raised {raised(error)}") from error
    made_by = _choose(module, given, place, where)
    for key, rule in _refused(made_by, given.options):
        raise fail(place, [*where, key], rule)
    return SamplerClass(given.path, known.hexdigest(), made_by, given.options)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(folder).as_posix(), readable(path).read_bytes()


@lru_cache(maxsize=64)
def _import(path: Path, known: str, *, package: bool) -> ModuleType:
    """Run a file, or import a package, under a name that its hash makes its own."""
    name = f"hpsearch_sampler_{known[:16]}"
    if not package:
        return module_of(path, path.read_text("utf-8"), name)
    made = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    sys.modules[name] = module  # and stays there, for a package's own imports inside functions
    try:
        made.loader.exec_module(module)
    except BaseException:
        for each in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[each]
        raise
    return module


def _choose(module: ModuleType, given: PythonSampler, place: str, where: Sequence[str | int]) -> type[BaseSampler]:
    """The class that the study file names, or the only one that the file defines."""
    classes = {
        name: each
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, BaseSampler) and not inspect.isabstract(each)
    }
    if given.class_ is not None:
        if given.class_ not in classes:
            rule = f"must be the name of a sampler in {given.path}, got {show(given.class_)}"
            raise fail(place, [*where, "class"], rule + nearest(given.class_, classes))
        return classes[given.class_]
    own = [
        name
        for name, each in classes.items()
        if each.__module__.split(".")[0] == module.__name__ and not name.startswith("_")
    ]
    if not own:
        hint = f"; it imports {', '.join(classes)}: name one with class" if classes else ""
        rule = f"must define a sampler, a class derived from optuna.samplers.BaseSampler; {given.path} defines none"
        raise fail(place, [*where, "path"], rule + hint)
    if len(own) > 1:
        rule = f"must be named by class = {own[0]!r}; {given.path} defines {len(own)} samplers, {', '.join(own)}"
        raise fail(place, where, rule)
    return classes[own[0]]


def _refused(made_by: type[BaseSampler], options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The arguments that a constructor does not take or misses: (key, rule)."""
    parameters = _parameters(made_by)
    if "seed" in options:
        yield "seed", "must not be given: the study's seed decides it"
    if parameters is None:
        return
    open_ended = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    named = {
        name: each for name, each in parameters.items() if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }
    for name in options:
        if name not in named and not open_ended:
            known = [*(each for each in named if each != "seed"), "trials", "batch", "window", "class"]
            yield name, f"is not an argument of {made_by.__name__}{nearest(name, known)}"
    for name, each in named.items():
        if each.default is each.empty and name not in options and name != "seed":
            yield name, f"is missing; {made_by.__name__} needs it"


def _parameters(made_by: type[BaseSampler]) -> Mapping[str, inspect.Parameter] | None:
    """The parameters of a class's constructor; None where they cannot be found out."""
    try:
        return inspect.signature(made_by).parameters
    except (TypeError, ValueError):
        return None
