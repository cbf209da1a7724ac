"""The winner that was trained on all samples: whether it is the right one, and its training again, bit for bit.

Changes nothing. May import spec, storage and workers.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from hpsearch.data import open_split
from hpsearch.errors import HpsearchError, raised
from hpsearch.search.preparation import prepare_one
from hpsearch.search.stages.longer import step_named
from hpsearch.search.stages.whole import whole_configuration, whole_segment, winner_of
from hpsearch.search.verify.retraining import Retraining, same_array
from hpsearch.spec import Configuration, data_of
from hpsearch.storage import reading, writing
from hpsearch.storage.records import COMPLETE, StageRow, StudyRow, TrialRow
from hpsearch.workers.models.npz import unpack
from hpsearch.workers.pools import Pool, open_pool
from hpsearch.workers.segments.results import TaskResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment


@dataclass(frozen=True)
class StoredWhole:
    """What is stored of the training on all samples: the final's trial that it is, its epochs, its parameters."""

    stage: StageRow
    trial: TrialRow
    epochs: int
    content: bytes


def stored_whole(connection: Connection, row: StudyRow) -> StoredWhole | None:
    """What is stored, also where it is damaged: it is to be compared. None where nothing is."""
    for stage in reading.stages(connection, row.id):
        trials = {trial.id: trial for trial in reading.trials(connection, stage.id)}
        found = reading.weights(connection, list(trials), writing.WHOLE, checked=False)
        for trial_id, content in found.items():
            return StoredWhole(stage, trials[trial_id], writing.whole_epoch(connection, trial_id), content)
    return None


def whole_problems(connection: Connection, row: StudyRow) -> Iterator[str]:
    """Differences between what is stored and what follows from the final's ranking, of a study that is complete."""
    final = reading.stages(connection, row.id)[-1]
    winner, epochs = winner_of(reading.trials(connection, final.id))
    kept = row.model.get("kept", {}).get(final.name, ())
    found = stored_whole(connection, row)
    if found is None and row.state == COMPLETE and winner.number not in kept:
        yield "its parameters are missing"
    elif found and (found.trial.id, found.epochs) != (winner.id, epochs):
        stored = f"{found.stage.name}:{found.trial.number} for {found.epochs} epochs"
        yield f"it is trial {stored}, by the final {final.name}:{winner.number} for {epochs}"


def whole_differences(retraining: Retraining, stored: StoredWhole, backend: str = "loky") -> tuple[int, list[str]]:
    """Train it again from its first epoch: on how many samples, and how it differs from what is stored."""
    final, study = step_named(retraining.study, stored.stage.name), retraining.study
    path = prepare_one(study, retraining.dataset, final, 0, whole=True)
    samples = open_split(path).samples
    given = Configuration.from_json(stored.trial.configuration)
    segment = whole_segment(
        stored.stage,
        stored.trial,
        whole_configuration(given, data_of(study, final).train, samples),
        (1, stored.epochs),
        None,
        split=path,
        plugin=retraining.plugin,
        measures=retraining.measures,
        seed=study.seed,
    )
    try:
        found = list(_differences(stored, segment, refit=retraining.plugin.kind == "trainable", backend=backend))
    except HpsearchError:
        raise
    except Exception as error:  # of a model file, or of a worker that died
        return samples, [f"it cannot be trained again: {type(error).__name__}: {error}"]
    return samples, found + retraining.explanations() if found else []


def _differences(stored: StoredWhole, segment: Segment, *, refit: bool, backend: str) -> Iterator[str]:
    with closing(open_pool(backend, 1)) as pool:
        again = _train(pool, segment)
        if refit:  # all that is stored of an estimator is its number of epochs: it must be the same when interrupted
            before = _train(pool, replace(segment, last=segment.last - 1)) if segment.last > 1 else None
            task = replace(segment.tasks[0], state=before.state if before else None)
            other = _train(pool, replace(segment, tasks=(task,), first=segment.last))
            if (other.evidence, f"{other.curve[-1:]}") != (again.evidence, f"{again.curve[-1:]}"):
                yield "its predictions differ when it is made from what is stored"
    if again.failed or again.best is None:
        yield f"its failure (epoch, reason) is {again.failed}"
        return
    try:
        arrays = unpack(stored.content)
    except Exception as error:  # whatever damaged bytes make of NumPy and zipfile
        yield f"its parameters cannot be read: {raised(error)}"
        return
    now = unpack(again.best.weights)
    for key in sorted({*arrays, *now}):
        if not same_array(arrays.get(key), now.get(key)):
            yield f"its parameters differ in {key!r}"


def _train(pool: Pool, segment: Segment) -> TaskResult:
    return pool.submit(run_segment, segment).result().tasks[0]
