"""The length of a training in updates and epochs, and whether its schedule fits into it.

May import nothing but this package.
"""

import math

from hpsearch.spec.messages import Where
from hpsearch.spec.tables.schedules import Constant, Cyclical, OneCycle, Schedule
from hpsearch.spec.tables.training import Training


class UnfitError(Exception):
    """A training that is valid by itself but not for its study; `path` is inside [training]."""

    def __init__(self, path: Where, text: str) -> None:
        self.path, self.text = path, text


def updates_per_epoch(training: Training, samples: int) -> int:
    """Return the number of batches in an epoch; the last one may be smaller."""
    assert training.batch_size is not None
    return math.ceil(samples / training.batch_size)


def warm_up(schedule: Schedule, per_epoch: int) -> int:
    """Return the number of updates of the warm-up; 0 without one."""
    if isinstance(schedule, Cyclical | OneCycle):
        return 0
    return schedule.warmup_updates or (schedule.warmup_epochs or 0) * per_epoch


def check_needs(training: Training) -> None:
    """Raise UnfitError for a missing key that training by gradients needs."""
    if training.batch_size is None:
        raise UnfitError(["batch_size"], "is missing")
    if training.eta is None and training.schedule.kind in ("constant", "step", "cosine"):
        raise UnfitError(["eta"], f"is missing; the {training.schedule.kind} schedule needs it")


def check_fit(training: Training, samples: int) -> None:
    """Raise UnfitError where a training does not fit its number of samples.

    A trainable may need no more than epochs and the constant schedule, which only the model file can tell.
    """
    if training.batch_size is not None and training.batch_size > samples:
        rule = f"must be at most {samples:_}, the number of training samples"
        raise UnfitError(["batch_size"], f"{rule}, got {training.batch_size:_}")
    schedule = training.schedule
    if training.epochs is not None and schedule == Constant():
        return
    check_needs(training)
    if schedule.kind == "cosine" and training.eta is not None and schedule.eta_min > training.eta:
        rule = f"must be at most eta = {training.eta:g}"
        raise UnfitError(["schedule", "eta_min"], f"{rule}, got {schedule.eta_min:g}")
    length = whole_epochs(training, samples)
    _check_warm_up(schedule, length, updates_per_epoch(training, samples))
    if training.cycles is None and isinstance(schedule, Cyclical):
        _check_cycle(schedule, length, updates_per_epoch(training, samples))


def whole_epochs(training: Training, samples: int) -> int:
    """Return the number of epochs. Raises UnfitError where no length is given, or it ends inside an epoch."""
    if training.epochs is not None:
        return training.epochs
    per_epoch = updates_per_epoch(training, samples)
    if training.cycles is not None:
        assert isinstance(training.schedule, Cyclical)
        return _epochs_of_cycles(training.schedule, training.cycles, per_epoch)
    if training.updates is None:
        raise UnfitError([], "must have epochs, cycles or updates")
    length, rest = divmod(training.updates, per_epoch)
    if rest:
        near = max(1, length + (2 * rest >= per_epoch)) * per_epoch
        rule = f"must come to whole epochs of {per_epoch:_} updates"
        raise UnfitError(["updates"], f"{rule}, got {training.updates:_}; the nearest that does is {near:_}")
    return length


def _epochs_of_cycles(schedule: Cyclical, cycles: int, per_epoch: int) -> int:
    if schedule.half_cycle_epochs is not None:
        return cycles * 2 * schedule.half_cycle_epochs
    half = schedule.half_cycle_updates
    assert half is not None
    length, rest = divmod(cycles * 2 * half, per_epoch)
    if rest:
        step = per_epoch // math.gcd(per_epoch, cycles * 2)
        fit = max(step, (2 * half + step) // (2 * step) * step)
        rule = f"must come to whole epochs of {per_epoch:_} updates over {cycles} cycles"
        raise UnfitError(["schedule", "half_cycle_updates"], f"{rule}, got {half:_}; the nearest that does is {fit:_}")
    return length


def _check_warm_up(schedule: Schedule, length: int, per_epoch: int) -> None:
    if isinstance(schedule, Cyclical | OneCycle) or warm_up(schedule, per_epoch) < length * per_epoch:
        return
    unit, all_of_it = ("epochs", length) if schedule.warmup_epochs else ("updates", length * per_epoch)
    given = schedule.warmup_epochs or schedule.warmup_updates
    rule = f"must be below {all_of_it:_}, the {unit} of the training"
    raise UnfitError(["schedule", f"warmup_{unit}"], f"{rule}, got {given:_}")


def _check_cycle(schedule: Cyclical, length: int, per_epoch: int) -> None:
    """Refuse a training that ends before its first cycle does."""
    in_epochs = schedule.half_cycle_epochs is not None
    unit, all_of_it = ("epochs", length) if in_epochs else ("updates", length * per_epoch)
    half = schedule.half_cycle_epochs or schedule.half_cycle_updates
    assert half is not None
    if 2 * half > all_of_it:
        rule = f"must come to a cycle within the {all_of_it:_} {unit} of the training"
        hint = f"; the longest that does is {all_of_it // 2:_}" if all_of_it > 1 else ""
        raise UnfitError(["schedule", f"half_cycle_{unit}"], f"{rule}, got {half:_}{hint}")
