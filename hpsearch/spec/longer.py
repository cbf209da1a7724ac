"""Whether the trials of a study can train longer than they did, as if they had been launched so; raised limits.

May import hpsearch.errors.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hpsearch.errors import StudyFileError
from hpsearch.spec.checks.bounds import probes
from hpsearch.spec.resolve import data_of, epochs, limits_of, resolve
from hpsearch.spec.tables.samplers import Learning
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Final, Study
from hpsearch.spec.tables.training import LENGTHS
from hpsearch.spec.tables.trial import TrialLimits

_KEY = re.compile(rf"(?:stage\[(\d+)\]\.|(final)\.)?training\.({'|'.join(LENGTHS)})")


_LIMIT = re.compile(r"(?:stage\[(\d+)\]\.|(final)\.)?trial\.(?:minutes|memory)")


def is_relief(key: str, before: Study, after: Study) -> bool:
    """Tell whether this key of two study files is a limit of trials that has been raised, and lowers none."""
    found = _LIMIT.fullmatch(key)
    return found is not None and all(_raised(*pair) is not False for pair in _limits(before, after).values())


def relieved(before: Study, after: Study) -> tuple[str, ...]:
    """Return the steps of which a limit of time or memory is higher, or gone."""
    return tuple(name for name, pair in _limits(before, after).items() if _raised(*pair))


def _limits(before: Study, after: Study) -> dict[str, tuple[TrialLimits, TrialLimits]]:
    return {name: (limits_of(before, old), limits_of(after, new)) for name, _, old, new in _steps(before, after)}


def _raised(old: TrialLimits, new: TrialLimits) -> bool | None:
    """Return whether limits are higher: False if one is lower, None if none changed."""
    pairs = [(old.seconds, new.seconds), (old.memory_bytes, new.memory_bytes)]
    if any(after is not None and (before is None or before > after) for before, after in pairs):
        return False
    return True if any(before != after for before, after in pairs) else None


def is_longer(key: str, before: Study, after: Study) -> bool:
    """Tell whether this key of two study files, "stage[0].training.epochs", is a length that has grown."""
    found = _KEY.fullmatch(key)
    if found is None:
        return False
    old, new = (_given(study, *found.groups()) for study in (before, after))
    return isinstance(old, int) and isinstance(new, int) and new > old


def _given(study: Study, number: str | None, final: str | None, name: str) -> object:
    if final:
        return study.final.training.get(name) if study.final else None
    if number is None:
        return getattr(study.training, name)
    stage = study.stages[int(number)] if int(number) < len(study.stages) else None
    return stage.training.get(name) if stage else None


def lengthened(before: Study, after: Study) -> dict[str, str | None]:
    """Return the steps whose trials train longer, each with why they cannot; None where they can."""
    found = {}
    for name, place, old, new in _steps(before, after):
        bounding = list(probes(before, before.stages[-1] if isinstance(old, Final) else old))
        try:
            same = lengths(before, old, bounding) == lengths(after, new, bounding)
        except StudyFileError:  # its space has changed too, which is refused
            continue
        if not same:
            fitted = before.model.is_estimator and 1 in lengths(before, old, bounding)
            why = "in one epoch an estimator is fitted as a whole" if fitted else why_not_longer(after, new)
            found[name] = why and f"the trials of {place} cannot train longer: {why}"
    return found


def _steps(before: Study, after: Study) -> Iterator[tuple[str, str, Stage | Final, Stage | Final]]:
    """Yield each step that both studies have: its name, its place in the file, and the step in either."""
    for i, (old, new) in enumerate(zip(before.stages, after.stages, strict=False)):
        yield new.name, f"stage[{i}]", old, new
    if before.final and after.final:
        yield "final", "final", before.final, after.final


def lengths(study: Study, step: Stage | Final, configurations: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the epochs of the trainings with these hyperparameters, in their order."""
    samples = data_of(study, step).train
    return [epochs(resolve(study, step, params).training, samples) for params in configurations]


def why_not_longer(study: Study, step: Stage | Final) -> str | None:
    """Return why what a step's trials were trained for is no beginning of a longer training; None where it is."""
    searched = study.stages[-1] if isinstance(step, Final) else step
    for params in probes(study, searched):
        kind = resolve(study, step, params).training.schedule.kind
        if kind in ("cosine", "one_cycle"):
            return f"the learning rates of the {kind} schedule depend on the length of the training"
    return why_compared(step)


def why_compared(step: Stage | Final) -> str | None:
    """Return what in a step depends on how its trials ended, so that they cannot end otherwise; None if nothing."""
    if isinstance(step, Final):
        return None
    if step.pruner is not None:
        return f"its {step.pruner.kind} pruner has compared them by the rungs of the shorter training"
    if isinstance(step.sampler, Learning):
        return f"its {step.sampler.kind} sampler has learnt from the shorter trainings"
    if any(limit is not None for _, limit in step.budget):
        return "its budget has counted the shorter trainings"
    if step.confirm is not None:
        return "confirm has chosen among them by the shorter trainings"
    return None
