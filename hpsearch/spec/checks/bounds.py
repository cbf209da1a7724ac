"""How many configurations a stage has, and those that bound all of them. May import nothing but this package."""

import itertools
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hpsearch.spec.spaces.branches import bare, branches, complete, count
from hpsearch.spec.tables.samplers import Grid
from hpsearch.spec.tables.space import Around, Branching, Choices, Range, same
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Study

MAX_PROBES = 10_000
"""The most combinations of coupled keys that are checked in advance; a rule that another breaks fails its trial."""

COUPLED = {
    *("epochs", "cycles", "updates", "batch_size", "eta", "lambda"),
    *("schedule", "schedule.kind", "schedule.eta_end", "schedule.eta_min", "schedule.eta_max"),
    *("schedule.half_cycle_epochs", "schedule.half_cycle_updates"),
    *("schedule.warmup_epochs", "schedule.warmup_updates"),
    *("optimiser", "optimiser.kind"),
}
"""Keys whose values are valid only together."""


@dataclass
class _Known:
    """What has been found of a study's stages, which never change: a chain of `around` is followed but once."""

    named: dict[str, Stage]
    roots: dict[tuple[int, str], Range | Choices] = field(default_factory=dict)
    """By the stage's identity and the hyperparameter."""
    entries: dict[int, dict[str, Range | Choices]] = field(default_factory=dict)
    kept: dict[int, Stage] = field(default_factory=dict)
    """The stages that are known by identity, which must not be another's meanwhile."""


_known: dict[int, _Known] = {}
"""By a study's identity: a study cannot be hashed."""


def _known_of(study: Study) -> _Known:
    found = _known.get(id(study))
    if found is None:
        found = _known[id(study)] = _Known({stage.name: stage for stage in reversed(study.stages)})
        weakref.finalize(study, _known.pop, id(study), None).atexit = False
    return found


def root(study: Study, stage: Stage, key: str) -> Range | Choices:
    """Return what the first stage of a chain of `around` searches for this hyperparameter."""
    known, passed = _known_of(study), [stage]
    while (found := known.roots.get((id(stage), key))) is None:
        if key in stage.space:
            entry = stage.space[key]
            if not isinstance(entry, Around):
                found = entry
                break
            stage = stage_named(study, entry.around)
        else:  # it belongs to a choice of an earlier stage, which this one is around
            sources = (stage_named(study, name) for name in _sources(stage))
            stage = next(source for source in sources if key in entries(study, source))
        passed.append(stage)
    for each in passed:
        known.roots[id(each), key], known.kept[id(each)] = found, each
    return found


def _sources(stage: Stage) -> list[str]:
    return [entry.around for entry in stage.space.values() if isinstance(entry, Around)]


def entries(study: Study, stage: Stage) -> dict[str, Range | Choices]:
    """Return `root` of all hyperparameters of a stage, also of those that belong to a choice that it is around."""
    known = _known_of(study)
    waiting = [stage]
    while waiting:  # not by recursion: a chain may be longer than Python's stack
        last = waiting[-1]
        if id(last) in known.entries:
            waiting.pop()
            continue
        sources = (stage_named(study, name) for name in dict.fromkeys(_sources(last)))
        missing = [source for source in sources if id(source) not in known.entries]
        waiting += missing
        if not missing:
            found = {name: entry for key in last.space for name, entry in entries_of(study, last, key).items()}
            known.entries[id(last)], known.kept[id(last)] = found, last
    return dict(known.entries[id(stage)])


def entries_of(study: Study, stage: Stage, key: str) -> dict[str, Range | Choices]:
    """Return `root` of one hyperparameter, and where it is around another stage of those that belong to its choices."""
    found, entry = {key: root(study, stage, key)}, stage.space[key]
    if isinstance(entry, Around) and isinstance(found[key], Branching):
        _add_belonging(found, key, entries(study, stage_named(study, entry.around)))
    return found


def _add_belonging(found: dict[str, Range | Choices], key: str, source: dict[str, Range | Choices]) -> None:
    entry = source[key]
    for inner in dict.fromkeys(name for keys in entry.active for name in keys) if isinstance(entry, Branching) else ():
        found[inner] = source[inner]
        _add_belonging(found, inner, source)


def stage_named(study: Study, name: str) -> Stage:
    """Return the stage of that name, which is known to exist."""
    return _known_of(study).named[name]


def trials_at_most(study: Study, stage: Stage) -> int:
    """Return a stage's number of configurations; of a grid around choices, the number with all choices."""
    if stage.configurations is not None:
        return len(stage.configurations)
    if stage.sampler is not None and not isinstance(stage.sampler, Grid):
        return stage.sampler.trials
    points = {key: getattr(stage.space[key], "points", None) for key in stage.space}
    inner = max((each for each in points.values() if each), default=None)  # of what belongs to a choice it is around

    def size(key: str, source: Range | Choices) -> int:
        if isinstance(source, Choices):
            return len(source.choices)
        return points.get(key, inner) or source.size or 1

    return int(count(entries(study, stage), size))


def probes(study: Study, stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield configurations with all ends and choices: if a trial of the stage breaks a rule, one of these does."""
    if stage.configurations is not None:
        yield from (dict(configuration) for configuration in stage.configurations)
        return
    space = entries(study, stage)
    values = {key: _extremes(entry) for key, entry in space.items()}
    coupled = [key for key in values if bare(key) in COUPLED]
    for key in values:
        if key not in coupled:
            needed = _activating(space, key)
            yield from (_with(space, needed | {key: value}) for value in values[key])
    combinations = itertools.product(*(values[key] for key in coupled))
    splitting, seen = branches(space), set[str]()
    for combination in itertools.islice(combinations, MAX_PROBES):
        configuration = _with(space, dict(zip(coupled, combination, strict=True)))
        if splitting:  # what differs may not be active
            text = same(configuration)
            if text in seen:
                continue
            seen.add(text)
        yield configuration
    yield from first_probes(study, stage)


def _with(space: dict[str, Range | Choices], given: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with these values, and with the first of each other hyperparameter that is active."""
    return complete(space, lambda key, entry: given[key] if key in given else _extremes(entry)[0])


def _activating(space: dict[str, Range | Choices], key: str) -> dict[str, Any]:
    """Return choices with which a hyperparameter is active."""
    for parent, entry in branches(space).items():
        for choice, keys in zip(entry.choices, entry.active, strict=True):
            if key in keys:
                return _activating(space, parent) | {parent: choice}
    return {}


def first_probes(study: Study, stage: Stage) -> list[dict[str, Any]]:
    """Return the configurations to try first, with the lower end or first choice of what they leave to the sampler."""
    space = entries(study, stage)
    return [_with(space, row) for row in stage.tried_first]


def _extremes(source: Range | Choices) -> list[Any]:
    return list(source.choices) if isinstance(source, Choices) else [source.low, source.high]
