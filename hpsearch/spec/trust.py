"""The Python files that a study runs, and whether a stored study may run them without a question.

A database may come from somebody else, and what it says of itself may be made up: it names files, and the folder that
they are in. So its word counts only where it agrees with what this user does or owns.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hpsearch.errors import InputError
from hpsearch.metrics import MetricFile
from hpsearch.spec.tables.data import Python
from hpsearch.spec.tables.samplers import PythonSampler
from hpsearch.spec.tables.study import Study


def python_files(study: Study) -> list[str]:
    """The Python files that a study runs, as its file names them: model, dataset, metrics, samplers."""
    return list(dict.fromkeys(_python_files(study)))


def _python_files(study: Study) -> Iterator[str]:
    if study.model.path:
        yield study.model.path
    if isinstance(study.data.dataset, Python):
        yield study.data.dataset.path
    for metric in (study.objective.parsed(study.data.task), *study.objective.others):
        if isinstance(metric, MetricFile):
            yield metric.path
    for stage in study.stages:
        if isinstance(stage.sampler, PythonSampler):
            yield stage.sampler.path


def require_trust(name: str, study: Study, launched_in: str, workspace: Path) -> None:
    """Raise InputError where a stored study would run files that may be somebody else's."""
    files = python_files(study)
    if not is_own(launched_in, workspace, files):
        what = f"study {name!r} runs {', '.join(files)} in {workspace}, which this database brings"
        raise InputError(f"{what}; it says that it was launched in {launched_in}: read them, then give --trust-model")


def is_own(launched_in: str, workspace: Path, files: Iterable[str]) -> bool:
    """Tell whether the files were found in the folder that the study was launched in, and that folder is this user's.

    It is where the command is given there, or where the folder and the files in it belong to this user. Paths through
    symbolic links do not count: /proc/self/cwd is everybody's.
    """
    if str(workspace) != launched_in or os.path.realpath(launched_in) != launched_in:
        return False
    if str(Path.cwd()) == launched_in:
        return True
    user = getattr(os, "geteuid", None)  # Windows has none
    if user is None or not _belongs(workspace, user()):
        return False
    inside = (Path(os.path.realpath(workspace / file)) for file in files)
    return all(path.is_relative_to(workspace) and _belongs(path, user()) for path in inside)


def _belongs(path: Path, user: int) -> bool:
    """Whether it is this user's; also where it does not exist, which is reported when it is read."""
    try:
        return path.stat().st_uid == user
    except FileNotFoundError:
        return True
    except OSError:
        return False
