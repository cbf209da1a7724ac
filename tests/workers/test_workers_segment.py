"""A segment's result depends on its trials alone: wherever it is cut, in whatever cohort, however often."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from tiny import workspace

from hpsearch import data
from hpsearch.errors import DataError, ModelError
from hpsearch.metrics import parse
from hpsearch.spec import Configuration
from hpsearch.workers.models.npz import unpack
from hpsearch.workers.models.plugin import read_plugin
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.results import SegmentResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task

EPOCHS = 5
CONFIGURATIONS = [(0.0, 0.1), (1e-3, 0.3), (0.05, 0.02), (1e-2, 0.2)]


@pytest.fixture
def segment(tmp_path) -> Segment:
    """Four trials for five epochs, the last of which evaluates on the test set."""
    workspace(tmp_path)
    model = tmp_path / "models" / "mlp.py"
    split = data.prepare(data.load("digits"), train=110, validation=100, seed=0)
    tasks = tuple(Task(i, configuration(*CONFIGURATIONS[i]), ("coarse", i)) for i in range(len(CONFIGURATIONS)))
    return Segment(
        tasks, split, model, read_plugin(model).hash, seed=3, replicate=0, first=1, last=EPOCHS, ends=True, test=True
    )


def configuration(lam: float, eta: float) -> Configuration:
    training = {"lambda": lam, "eta": eta, "batch_size": 20, "epochs": EPOCHS}
    return Configuration.from_json({"model": {"file": "models/mlp.py", "hidden": [8]}, "training": training})


def in_parts(segment: Segment, cuts: list[int]) -> list[SegmentResult]:
    """Run a segment cut after these epochs, each part from what the one before left."""
    tasks, found = segment.tasks, []
    for first, last in zip([0, *cuts], [*cuts, EPOCHS], strict=True):
        part = dataclasses.replace(
            segment, tasks=tasks, first=first + 1, last=last, ends=last == EPOCHS, test=last == EPOCHS
        )
        found.append(run_segment(part))
        tasks = tuple(go_on(task, result) for task, result in zip(tasks, found[-1].tasks, strict=True))
    return found


def go_on(task: Task, result) -> Task:
    best = {"best": result.best.value, "best_weights": result.best.weights} if result.best else {}
    return dataclasses.replace(task, state=result.state, **best)


def facts(results: list[SegmentResult], k: int):
    """All that the database gets of trial k, in one value that can be compared."""
    parts = [result.tasks[k] for result in results]
    best = next(part.best for part in reversed(parts) if part.best)
    test, evidence = parts[-1].test, {epoch: found for part in parts for epoch, found in part.evidence.items()}
    arrays = {name: array.tobytes() for name, array in unpack(parts[-1].state).items()}
    return [row for part in parts for row in part.curve], arrays, unpack_bytes(best), test, evidence


def unpack_bytes(best):
    return best.epoch, best.value, {name: a.tobytes() for name, a in unpack(best.weights).items()}


@pytest.mark.parametrize("cuts", [[1], [4], [1, 2, 3, 4], [2, 3]])
def test_a_cut_does_not_change_a_bit(segment, cuts):
    whole, parts = [run_segment(segment)], in_parts(segment, cuts)
    for k in range(len(CONFIGURATIONS)):
        assert facts(whole, k) == facts(parts, k)


@pytest.mark.parametrize("chosen", [[0], [1], [3, 0], [2, 1, 3], [3, 2, 1, 0]])
def test_the_other_trials_of_the_cohort_do_not_change_a_bit(segment, chosen):
    whole = [run_segment(segment)]
    other = in_parts(dataclasses.replace(segment, tasks=tuple(segment.tasks[k] for k in chosen)), [2])
    for place, k in enumerate(chosen):
        assert facts(whole, k) == facts(other, place)


def test_a_diverging_trial_changes_no_other(segment):
    wild = Task(9, configuration(0.0, 1e14), ("coarse", 9))
    whole = [run_segment(segment)]
    mixed = run_segment(dataclasses.replace(segment, tasks=(wild, *segment.tasks)))
    epoch, reason = mixed.tasks[0].failed
    assert reason.endswith(f"in epoch {epoch}")
    assert len(mixed.tasks[0].curve) == epoch - 1
    assert mixed.tasks[0].test is None
    for k in range(len(CONFIGURATIONS)):
        assert facts([mixed], k + 1) == facts(whole, k)


def test_replicates_differ_and_seeds_differ(segment):
    short = dataclasses.replace(segment, tasks=segment.tasks[:1], test=False)
    curves = [
        run_segment(dataclasses.replace(short, **change)).tasks[0].curve
        for change in ({}, {"replicate": 1}, {"seed": 4})
    ]
    assert curves[0] != curves[1] != curves[2] != curves[0]


def test_the_best_epoch_is_the_earliest_of_equals_and_correct_samples_are_counted_at_every_epoch(segment):
    for task in run_segment(segment).tasks:
        accuracies = [row[7] for row in task.curve]
        assert (task.best.epoch, task.best.value) == (1 + int(np.argmax(accuracies)), max(accuracies))
        assert [share_correct(task.evidence[epoch]) for epoch in range(1, EPOCHS + 1)] == accuracies


def share_correct(found):
    return np.unpackbits(np.frombuffer(found.correct, np.uint8), count=found.samples).mean()


@pytest.mark.parametrize("kb", [0, 1])
def test_where_predictions_would_take_too_much_those_of_the_best_epochs_are_kept(segment, kb):
    measures = Measures(parse("log_loss"), evidence=kb)
    small = dataclasses.replace(segment, measures=measures, tasks=segment.tasks[1:2], test=False)
    (task,) = run_segment(small).tasks
    assert task.most_evidence == 1  # 100 samples with 10 scores each take 4 kB
    assert list(task.evidence) == [task.best.epoch]
    whole = dataclasses.replace(small, measures=dataclasses.replace(measures, evidence=9))
    (more,) = run_segment(whole).tasks
    best = sorted(more.curve, key=lambda row: (row[-1], row[0]))[:2]
    assert more.most_evidence == 2
    assert sorted(more.evidence) == sorted(int(row[0]) for row in best)


def test_a_trial_ranked_by_its_last_epoch_has_the_predictions_of_that_one(segment):
    (task,) = segment.tasks[:1]
    training = task.configuration.training.model_copy(update={"keep": "last"})
    last = dataclasses.replace(task, configuration=dataclasses.replace(task.configuration, training=training))
    (found,) = run_segment(dataclasses.replace(segment, tasks=(last,))).tasks
    assert list(found.evidence) == [EPOCHS] == [found.best.epoch]


def test_a_model_file_that_changed_is_refused(segment):
    with Path(segment.model).open("a") as file:
        file.write("# changed\n")
    with pytest.raises(ModelError, match="has changed since the study was launched"):
        run_segment(segment)


def test_data_that_vanished_are_refused(segment, tmp_path):
    with pytest.raises(DataError, match="not a complete prepared split"):
        run_segment(dataclasses.replace(segment, split=tmp_path / "gone.split"))


SLOW_TO_RESTORE = """
import time
import numpy as np

class Slow:
    def train(self, epoch): pass
    def predict(self, samples): return np.zeros(len(samples), int)
    def save(self): return {}
    def restore(self, state): time.sleep(0.5)

def make(data, seed, eta): return Slow()
"""


def test_the_time_of_a_segment_is_without_that_of_restoring_a_trainable(segment, tmp_path):
    """Else the segments of an estimator, which is fitted again from its start, would become shorter and shorter."""
    (tmp_path / "slow.py").write_text(SLOW_TO_RESTORE, "utf-8")
    model = read_plugin(tmp_path / "slow.py")
    slow = Configuration.from_json({"model": {"file": "slow.py"}, "training": {"eta": 0.1, "epochs": 2}})
    task = Task(0, slow, ("coarse", 0))
    first = dataclasses.replace(
        segment, tasks=(task,), model=model.path, model_hash=model.hash, last=1, ends=False, test=False
    )
    begun = run_segment(first)
    again = run_segment(dataclasses.replace(first, tasks=(go_on(task, begun.tasks[0]),), first=2, last=2))
    assert again.tasks[0].restoring >= 0.5
    assert 0 < again.seconds < 0.5


def test_a_plugin_is_known_by_the_hash_of_its_text(segment):
    assert segment.model_hash == hashlib.sha256(Path(segment.model).read_bytes()).hexdigest()
