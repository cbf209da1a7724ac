"""The schedule, optimiser and loss that [training] describes. May import `hpsearch.nn` and spec."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hpsearch.nn import schedules
from hpsearch.nn.losses import LOSSES, Loss
from hpsearch.nn.optimisers import OPTIMISERS, Optimiser
from hpsearch.nn.regression_losses import REGRESSION_LOSSES
from hpsearch.spec import AdamW, Cosine, Cyclical, OneCycle, Step, Training, epochs, updates_per_epoch, warm_up


def schedule_of(training: Training, samples: int) -> schedules.Schedule:
    """The function of the update's number that [training] describes, for so many training samples."""
    kind, per_epoch = training.schedule, updates_per_epoch(training, samples)
    length = epochs(training, samples) * per_epoch
    if isinstance(kind, Cyclical):
        half = kind.half_cycle_updates or (kind.half_cycle_epochs or 0) * per_epoch
        return schedules.cyclical(kind.eta_min, kind.eta_max, half, halve=kind.halving)
    if isinstance(kind, OneCycle):
        return schedules.one_cycle(
            kind.eta_max, length, rise=kind.warm, start=kind.eta_max / kind.first, end=kind.first / kind.last
        )
    assert training.eta is not None
    if isinstance(kind, Cosine):
        made = schedules.cosine(training.eta, length, kind.eta_min)
    elif isinstance(kind, Step):
        made = schedules.step_decay(training.eta, kind.factor, kind.every_epochs * per_epoch)
    else:
        made = schedules.constant(training.eta)
    rising = warm_up(kind, per_epoch)
    return schedules.warm_up(made, rising) if rising else made


def optimiser_of(training: Training) -> Optimiser:
    """The optimiser that [training] describes; AdamW gets its weight decay with each step, as the others get λ."""
    given = training.optimiser.model_dump(exclude={"kind", "weight_decay"})
    return OPTIMISERS[training.optimiser.kind](**given, clip=training.clip_norm)


def decays_of(trainings: Sequence[Training]) -> npt.NDArray[np.float64]:
    """Each trial's λ, or weight decay with AdamW, (K,)."""
    return np.array(
        [t.optimiser.weight_decay if isinstance(t.optimiser, AdamW) else t.lambda_ for t in trainings], np.float64
    )


def loss_of(training: Training) -> Loss:
    """The loss that [training] names."""
    made: Loss = (LOSSES | REGRESSION_LOSSES)[training.loss]()
    return made
