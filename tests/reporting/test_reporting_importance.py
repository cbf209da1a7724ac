"""Hyperparameter importance: the numbers are Optuna's PED-ANOVA, and the sentences say what is significant."""

import made_study
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
from scipy.stats import kruskal, rankdata, spearmanr

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.statistics.fanova import explained
from hpsearch.reporting.statistics.importance import category_axis, importances, numeric_axis, top_share
from hpsearch.reporting.statistics.influence import influence, power, scores_as_ranks

SPACE = {
    "lambda": FloatDistribution(1e-5, 1e-1, log=True),
    "dropout": FloatDistribution(0.0, 0.8),
    "activation": CategoricalDistribution(["relu", "tanh", "elu"]),
    "layers": IntDistribution(1, 6),
    "units": IntDistribution(8, 256, log=True),
}


def drawn(generator, trials):
    """Configurations of all kinds and scores, some of them equal, that depend on λ and the activation."""
    params = {
        "lambda": 10 ** generator.uniform(-5, -1, trials),
        "dropout": generator.uniform(0, 0.8, trials),
        "activation": generator.choice(["relu", "tanh", "elu"], trials),
        "layers": generator.integers(1, 7, trials),
        "units": 2 ** generator.integers(3, 9, trials),
    }
    scores = -((np.log10(params["lambda"]) + 3) ** 2) + 0.5 * generator.normal(size=trials)
    return params, np.round(scores + (params["activation"] == "relu"), 1)


def axes(params):
    return [
        numeric_axis(params["lambda"], 1e-5, 1e-1, log=True),
        numeric_axis(params["dropout"], 0.0, 0.8),
        category_axis(params["activation"].tolist()),
        numeric_axis(params["layers"], 1, 6, cells=6),
        numeric_axis(params["units"], 8, 256, log=True, cells=249),
    ]


@pytest.mark.long
@pytest.mark.parametrize("trials", [8, 16, 40, 200])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_shares_are_those_of_optunas_ped_anova(trials, seed):
    params, scores = drawn(np.random.default_rng(seed), trials)
    study = optuna.create_study(direction="maximize")
    for number in range(trials):
        configuration = {key: values[number].item() for key, values in params.items()}
        study.add_trial(
            optuna.trial.create_trial(params=configuration, distributions=SPACE, value=scores[number].item())
        )
    evaluator = PedAnovaImportanceEvaluator(target_quantile=top_share(trials))
    expected = get_param_importances(study, evaluator=evaluator, params=list(SPACE))
    found = [each.share for each in importances(axes(params), scores)]
    assert found == pytest.approx([expected[key] for key in SPACE], abs=1e-12)


def test_an_important_hyperparameter_has_a_small_p_and_the_others_have_not():
    params, scores = drawn(np.random.default_rng(0), 300)
    decay, dropout, activation, *_ = importances(axes(params), scores)
    assert decay.p < 0.01
    assert activation.p < 0.01
    assert dropout.p > 0.05
    assert decay.explained > 3 * dropout.explained


def test_the_rank_correlation_is_scipys():
    params, scores = drawn(np.random.default_rng(1), 60)
    found = importances(axes(params), scores)
    assert found[3].correlation == pytest.approx(spearmanr(params["layers"], scores).statistic)
    assert found[2].correlation is None


def test_the_statistic_over_groups_orders_permutations_as_scipys_kruskal_does():
    random = np.random.default_rng(2)
    groups, scores = random.integers(0, 3, 24), random.random(24)
    permutations = np.argsort(random.random((199, 24)), axis=1)
    nothing = np.zeros(200)
    p = influence(groups, False, scores, permutations, nothing).p
    statistics = [kruskal(*(s[groups == g] for g in range(3))).statistic for s in [scores, *scores[permutations]]]
    assert p == pytest.approx(np.mean(np.round(statistics, 9) >= round(statistics[0], 9)))


def test_the_explained_variance_is_that_of_optunas_fanova():
    random = np.random.default_rng(3)
    cells = random.integers(0, 50, (40, 3))
    scores = scores_as_ranks(np.sin(cells[:, 0] / 9) + 0.02 * cells[:, 1] + 0.3 * random.normal(size=40))
    study = optuna.create_study()
    spaces = {name: FloatDistribution(-0.5, 49.5) for name in "abc"}
    for row, score in zip(cells.tolist(), scores.tolist(), strict=True):
        params = dict(zip("abc", map(float, row), strict=True))
        study.add_trial(optuna.trial.create_trial(params=params, distributions=spaces, value=score))
    forests = [FanovaImportanceEvaluator(n_trees=64, max_depth=64, seed=seed).evaluate(study) for seed in range(2)]
    expected = [np.mean([forest[name] for forest in forests]) for name in "abc"]
    found = np.mean([explained(list(cells.T), [50] * 3, scores, seed) for seed in range(8)], axis=0)
    assert found == pytest.approx(expected, abs=0.04)  # two of Optuna's own forests differ by 0.03


@pytest.mark.slow
def test_without_an_influence_5_of_100_are_significant_and_a_threshold_is_found_in_most():
    random = np.random.default_rng(4)

    def found(shape):
        values, scores = random.random(32), 0.1 * random.normal(size=32)
        permutations = np.argsort(random.random((199, 32)), axis=1)
        cells = numeric_axis(values, 0, 1).cells
        return influence(cells, True, scores + shape(values), permutations, np.zeros(200)).p <= 0.05

    none, bad_above = (lambda value: 0 * value), (lambda value: np.where(value > 0.7, -0.3, 0.0))
    bad_ends = lambda value: np.where(np.abs(value - 0.5) > 0.3, -0.3, 0.0)  # noqa: E731
    assert np.mean([found(none) for _ in range(1000)]) == pytest.approx(0.05, abs=0.02)
    assert np.mean([found(bad_above) for _ in range(100)]) > 0.9
    assert np.mean([found(bad_ends) for _ in range(100)]) > 0.9


@pytest.mark.parametrize("trials", [16, pytest.param(40, marks=pytest.mark.slow)])
def test_the_stated_power_is_about_that_of_the_test(trials):
    random, found, correlation = np.random.default_rng(5), [], 2 * np.sin(np.pi / 12)  # Spearman's is 0.5
    for _ in range(200):
        values = random.normal(size=trials)
        scores = correlation * values + np.sqrt(1 - correlation**2) * random.normal(size=trials)
        permutations = np.argsort(random.random((399, trials)), axis=1)
        cells = rankdata(values).astype(int)
        found.append(influence(cells, True, scores, permutations, np.zeros(400)).p <= 0.05)
    assert power(trials, 1) == pytest.approx(np.mean(found), abs=0.08)


def made(engine, accuracies, *, kind="random", **more):
    """A stage of η and momentum, where η < 0.1 makes the given accuracies."""
    maker = made_study.Maker(engine)
    space = {"eta": {"low": 1e-3, "high": 1.0, "log": True}, "momentum": {"choices": [0.5, 0.9]}}
    stage = maker.stage("coarse", kind, space, trials=len(accuracies))
    for number, accuracy in enumerate(accuracies):
        params = {"eta": 10 ** (-3 + 3 * number / len(accuracies)), "momentum": [0.5, 0.9][number % 2]} | more
        maker.trial(stage, number, params, accuracy, epochs=2)
    return maker, stage


def found(engine):
    frames = load_frames(engine, "made")
    return stage_importances(frames, view_stages(frames))


def test_the_sentence_names_the_important_hyperparameter_and_those_that_are_not_significant(engine):
    made(engine, [0.5] * 12 + [0.2] * 12)
    (coarse,) = found(engine)
    assert [key.label for key in coarse.hyperparameters] == ["η", "momentum"]
    said = "coarse: η (p = 0.008) has a statistically significant influence on the order of 24 configurations. "
    power = (
        "Not detected: momentum, but the power was low: an influence with a rank correlation of 0.5 would have been"
        " found with a probability of about 48%; 80% needs 43 configurations."
    )
    assert coarse.sentence == said + power


def test_configurations_that_diverged_count_as_not_among_the_best(engine):
    maker, stage = made(engine, [0.4, 0.44, 0.42, 0.39, 0.43, 0.38, 0.4, 0.41, 0.45, 0.37])
    for number in range(10, 40):
        params = {"eta": 0.5 + 0.01 * number, "momentum": [0.5, 0.9][number % 2]}
        maker.unfinished(stage, number, params, "failed", reason="loss became NaN in epoch 1")
    (coarse,) = found(engine)
    assert coarse.configurations == 40
    assert coarse.sentence.startswith("coarse: η (p = 0.008) has a statistically significant influence on the order")


def test_few_configurations_are_said_to_be_too_few(engine):
    made(engine, [0.3, 0.4, 0.5])
    (coarse,) = found(engine)
    assert coarse.sentence == "coarse: 3 configurations are too few to estimate importance (at least 8 are needed)."


def test_one_value_or_a_final_has_no_importance(engine):
    maker = made_study.Maker(engine)
    stage = maker.stage("only", "list", None)
    for number in range(9):
        maker.trial(stage, number, {"eta": 0.1}, 0.4, epochs=2)
    final = maker.stage("final", "final", None)
    maker.trial(final, 0, {"eta": 0.1}, 0.4, epochs=2)
    assert found(engine) == []


def test_the_page_has_bars_with_a_text_alternative(engine, tmp_path):
    made(engine, [0.5] * 12 + [0.2] * 12, odd="<img src=x onerror=alert(1)>")
    text = write_report(engine, "made", tmp_path).read_text()
    assert '<section id="importance">' in text
    assert 'aria-label="Importance of the hyperparameters. coarse: η ' in text
    assert "<img src=x" not in text
