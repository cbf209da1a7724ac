"""Whether a limit of updates leaves a trial something to train. May import nothing but this package."""

from hpsearch.spec.checks.lengths import updates_per_epoch
from hpsearch.spec.messages import Where, fail
from hpsearch.spec.resolve import data_of, limits_of
from hpsearch.spec.tables.stage import Stage
from hpsearch.spec.tables.study import Final, Study
from hpsearch.spec.tables.training import Training


def check_updates(study: Study, step: Stage | Final, training: Training) -> None:
    """Refuse `trial.updates` below an epoch's updates, or of a training that does not say how many it makes."""
    most = limits_of(study, step).updates
    if most is None:
        return
    here: Where = ["final"] if isinstance(step, Final) else ["stage", study.stages.index(step)]
    where: Where = [*(here if step.trial and step.trial.updates else []), "trial", "updates"]
    if training.batch_size is None:
        raise fail(study.place, where, "needs training.batch_size, by which the updates of an epoch are counted")
    least = updates_per_epoch(training, data_of(study, step).train)
    if most < least:
        rule = f"must be at least {least:_}, the updates of an epoch with batch_size = {training.batch_size:_}"
        raise fail(study.place, where, f"{rule}, got {most:_}")
