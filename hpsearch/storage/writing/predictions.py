"""What trials predict of the validation samples, at each epoch at which they can be chosen, and of the test set.

May import SQLAlchemy.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select

from hpsearch.storage import schema
from hpsearch.storage.bulk import chunks
from hpsearch.storage.records import Progress, TrialRow

_COLUMN = schema.predictions.c
_OF_SPLIT = (
    delete(schema.predictions)
    .where(_COLUMN.trial_id == bindparam("of_trial"))
    .where(_COLUMN.split == bindparam("of_split"))
)
_OF_EPOCH = _OF_SPLIT.where(_COLUMN.epoch == bindparam("of_epoch"))


def store_predictions(connection: Connection, records: Sequence[Progress]) -> None:
    """Store the predictions that segments made, and delete those of epochs that count no more.

    The curves of the same segments must be stored already.
    """
    outdated, new = [], []
    for record in records:
        place = {"trial_id": record.trial.id, "split": "validation"}
        begun = record.trial.epochs_done > 0
        if begun and record.evidence and keeps_last(record.trial):
            outdated.append({"of_trial": record.trial.id, "of_split": "validation"})
        new += [place | {"epoch": epoch} | vars(found) for epoch, found in record.evidence.items()]
        if record.test:
            if begun:
                outdated.append({"of_trial": record.trial.id, "of_split": "test"})
            epoch = record.best.epoch if record.best else record.trial.best_epoch
            new.append(place | {"split": "test", "epoch": epoch} | vars(record.test.predictions))
    if outdated:
        connection.execute(_OF_SPLIT, outdated)
    if new:
        connection.execute(insert(schema.predictions), new)
    crowded = [record for record in records if record.evidence and record.epochs_done > record.most_evidence]
    _delete_worst(connection, {r.trial.id: (r.most_evidence, r.trial.goal.sign) for r in crowded})


def _delete_worst(connection: Connection, most: Mapping[int, tuple[int, float]]) -> None:
    """Keep a trial's predictions at so many epochs, the best by the curve, of equal ones the earliest."""
    curve = schema.curves.c
    same = (_COLUMN.trial_id == curve.trial_id) & (_COLUMN.epoch == curve.epoch)
    query = select(_COLUMN.trial_id, _COLUMN.epoch, curve.value).join_from(schema.predictions, schema.curves, same)
    query = query.where(_COLUMN.split == "validation")
    found: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for part in chunks(list(most)):
        for trial_id, epoch, value in connection.execute(query.where(_COLUMN.trial_id.in_(part))):
            found[trial_id].append((math.inf if value is None else -most[trial_id][1] * value, epoch))
    worst = [
        {"of_trial": trial_id, "of_split": "validation", "of_epoch": epoch}
        for trial_id, epochs in found.items()
        for _, epoch in sorted(epochs)[most[trial_id][0] :]
    ]
    if worst:
        connection.execute(_OF_EPOCH, worst)


def keeps_last(trial: TrialRow) -> bool:
    """Is the trial ranked by its last epoch?"""
    return bool(trial.configuration.get("training", {}).get("keep") == "last")
