"""Whether a prior was right: by the rank correlation of nearness and score, on the range's scale."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from hpsearch.reporting.sections.priors import verdict

SPAN = {"low": 1e-5, "high": 1e-1, "log": True, "prior": 1e-3}


@pytest.mark.parametrize(
    ("best", "says"),
    [
        (-3, "the prior of λ, 0.001, helped: of 40 configurations, those nearer to it were better (rank correlation +"),
        (
            -5.5,
            "the prior of λ, 0.001, did not help: of 40 configurations, those nearer to it were worse (",
        ),
    ],
)
def test_a_prior_helped_where_configurations_near_to_it_were_better(best, says):
    rng = np.random.default_rng(0)
    logs = rng.uniform(-5, -3.2, 40) if best < -5 else rng.uniform(-5, -1, 40)
    scores = -((logs - best) ** 2) + 0.1 * rng.normal(size=40)
    said = verdict("lambda", SPAN, (10**logs).tolist(), scores.tolist())
    assert said.startswith(says)
    assert f"{abs(spearmanr(-np.abs(logs + 3), scores).statistic):.2f}" in said


def test_a_prior_that_makes_no_difference_or_few_configurations_say_nothing():
    rng = np.random.default_rng(1)
    values, scores = (10 ** rng.uniform(-5, -1, 30)).tolist(), rng.normal(size=30).tolist()
    assert verdict("lambda", SPAN, values, scores).startswith("whether the prior of λ, 0.001, helped is not clear")
    few = verdict("lambda", SPAN, values[:5], scores[:5])
    assert few == "whether the prior of λ, 0.001, helped cannot be said from 5 configurations."
