"""How far a range may be extended beyond where its study file ends it. May import nothing but this package."""

from hpsearch.spec.checks.bounds import probes, root
from hpsearch.spec.checks.lengths import warm_up
from hpsearch.spec.resolve import data_of, resolve
from hpsearch.spec.spaces.branches import bare
from hpsearch.spec.tables.base import LARGEST
from hpsearch.spec.tables.schedules import Cyclical
from hpsearch.spec.tables.space import Choices, Range
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Final, Study
from hpsearch.spec.tables.training import BELOW_ONE, FLOAT_KEYS, Training

Limits = tuple[float, float]
"""The smallest and the largest valid value of a hyperparameter, both included."""

ORDERS = {
    "cyclical": ("schedule.eta_min", "schedule.eta_max"),
    "one_cycle": ("schedule.eta_end", "schedule.eta_min", "schedule.eta_max"),
    "cosine": ("schedule.eta_min", "eta"),
}
"""The learning rates of the schedules that have several, from the lowest to the highest."""

ETAS = {key for order in ORDERS.values() for key in order}

LENGTH_KEYS = {
    *("epochs", "cycles", "updates", "batch_size", "schedule.half_cycle_epochs", "schedule.half_cycle_updates"),
    *("schedule.warmup_epochs", "schedule.warmup_updates"),
}
"""Keys that change the length of a training or of a part of its schedule."""


def limits(study: Study, stage: Stage, key: str) -> Limits:
    """Return how far a range of `key`, which the stage searches, may be extended.

    The limits of the model's own parameters are not known.
    """
    source = root(study, stage, key)
    key = bare(key)
    if isinstance(source, Choices) or not study.is_training_key(key):
        return -LARGEST, LARGEST
    if key in ETAS:
        return _eta_limits(study, stage, key, source)
    if key in BELOW_ONE:
        return 0, (1 + source.high) / 2
    if key in FLOAT_KEYS:
        return 0, 1 if key == "schedule.factor" else LARGEST
    steps: list[Stage | Final] = [stage] if study.final is None else [stage, study.final]
    if key in LENGTH_KEYS and any(_must_fit(study, stage, step) for step in steps):
        return source.low, source.high
    return 1, min(data_of(study, step).train for step in steps) if key == "batch_size" else 10**9


def _must_fit(study: Study, stage: Stage, step: Stage | Final) -> bool:
    """Tell whether a part of the schedule must be shorter than the training of one of the stage's trials."""
    trainings = (resolve(study, step, params).training for params in probes(study, stage))
    return any(
        warm_up(training.schedule, 1) or (isinstance(training.schedule, Cyclical) and training.cycles is None)
        for training in trainings
    )


def _eta_limits(study: Study, stage: Stage, key: str, source: Range) -> Limits:
    """Keep the schedule's learning rates in order: a neighbour bounds a rate by its value, or by its range if searched.

    A neighbour that is not given follows the rate, and bounds nothing.
    """
    training = resolve(study, stage, next(probes(study, stage))).training
    order = ORDERS.get(training.schedule.kind, (key,))
    low, high = 0.0, LARGEST
    for other, rate in _rates(training).items():
        if other == key or other not in order:
            continue
        searched = other in stage.space
        if order.index(other) < order.index(key):
            low = max(low, source.low if searched else rate)
        else:
            high = min(high, source.high if searched else rate)
    return low, high


def _rates(training: Training) -> dict[str, float]:
    """Return the learning rates that are given, by the names that a space has for them."""
    rates = {f"schedule.{name}": getattr(training.schedule, name, None) for name in ("eta_end", "eta_min", "eta_max")}
    return {key: rate for key, rate in {"eta": training.eta, **rates}.items() if rate is not None}
