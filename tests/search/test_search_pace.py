"""How long segments are: seconds on a few workers, longer where many would wait for the coordinator."""

from dataclasses import replace

import pytest

from hpsearch.search.stages.cohorts import Cohort, Pace

COHORT = Cohort([], "shape", done=0, limit=10_000, epochs=10_000)


def paced(seconds_per_epoch, service):
    pace = Pace()
    pace.note(COHORT, 10, 10 * seconds_per_epoch)
    pace.note_overhead(100 * service, 100)
    return pace


def test_the_first_segment_is_an_epoch_and_further_ones_take_three_seconds():
    assert Pace().epochs(COHORT, workers=8) == 1
    assert paced(0.1, service=0.005).epochs(COHORT, workers=8) == 30


@pytest.mark.parametrize(("workers", "seconds"), [(300, 3), (1_000, 10), (100_000, 60)])
def test_many_workers_get_longer_segments_so_that_the_coordinator_is_busy_half_its_time_at_most(workers, seconds):
    assert paced(0.1, service=0.005).epochs(COHORT, workers) == 10 * seconds


def test_cohorts_take_turns_near_the_end_so_that_the_last_one_does_not_train_alone():
    pace = paced(0.1, service=0.005)
    near = replace(COHORT, limit=40)  # of 4 seconds
    assert pace.epochs(near, 2, [near]) == 30
    assert pace.epochs(near, 2, [near, near]) == 15  # 12 seconds for two workers, in four turns
    assert pace.epochs(near, 2, [replace(near, done=39)] * 2) == 5
    assert pace.epochs(COHORT, 2, [COHORT, COHORT]) == 30
    assert pace.epochs(near, 2, [near, replace(near, shape="not measured")]) == 30


def test_what_takes_long_to_restore_trains_as_long_before_it_is_restored_again():
    """An estimator is fitted again from its start by each segment: of 100 epochs of a second there were 33 fits."""
    pace, cohort, fitted = paced(1.0, service=0.005), replace(COHORT, limit=100), 0.0
    while cohort.done < cohort.limit:
        cohort.restoring = float(cohort.done)
        fitted += cohort.done
        cohort.done += pace.epochs(cohort, 2, [cohort] * 8)
    assert fitted < 200  # seconds; it was 1,683
