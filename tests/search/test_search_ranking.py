"""What follows from a stage's finished trials: the order of its configurations, and the next stage's range."""

from dataclasses import replace

from tiny import TINY

from hpsearch import spec
from hpsearch.search.ranking import rank
from hpsearch.search.stages.space import space_of
from hpsearch.spec import Range
from hpsearch.storage.records import COMPLETE, FAILED, TrialRow


def row(number: int, value: float, *, point: int | None = None, eta: float = 0.1) -> TrialRow:
    return TrialRow(
        id=100 + number,
        number=number,
        replicate=0,
        optuna_trial_id=number,
        params={"eta": eta, "lambda": 1e-3, "batch_size": 20},
        configuration={},
        state=COMPLETE,
        epochs=3,
        epochs_done=3,
        best_epoch=3,
        value=value,
        loss=1.0,
        point=number if point is None else point,
    )


def test_configurations_are_ranked_by_the_mean_of_their_replicates_and_know_their_trials():
    lucky_once = [row(0, 0.99, point=0), row(1, 0.80, point=0)]
    steady = [row(2, 0.92, point=1), row(3, 0.93, point=1)]
    assert [configuration.trials for configuration in rank([*lucky_once, *steady])] == [(102, 103), (100, 101)]


def test_a_configuration_with_a_failed_replicate_has_no_rank():
    broken = [row(0, 0.99, point=0), replace(row(1, 0.99, point=0), state=FAILED)]
    assert [configuration.trials for configuration in rank([*broken, row(2, 0.5, point=1)])] == [(102,)]


def test_a_best_value_on_the_edge_extends_the_range_and_is_noted():
    study = spec.parse(TINY, "tiny.toml")
    source = {"eta": Range(low=1e-2, high=0.5, log=True)}
    inside = [row(i, 0.9 - i / 100, eta=eta) for i, eta in enumerate((0.1, 0.05, 0.2, 0.02, 0.4))]
    on_edge = [row(i, 0.9 - i / 100, eta=eta) for i, eta in enumerate((0.49, 0.3, 0.2, 0.1, 0.02))]
    _, notes, edges = space_of(study, study.stages[1], {"coarse": (source, inside)})
    assert (len(notes), edges) == (1, [])
    _, notes, edges = space_of(study, study.stages[1], {"coarse": (source, on_edge)})
    assert notes[1:] == edges
    assert "is the highest that was tried, near the upper end" in edges[0]
