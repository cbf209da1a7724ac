"""How long segments are: seconds on a few workers, longer where many would wait for the coordinator."""

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
