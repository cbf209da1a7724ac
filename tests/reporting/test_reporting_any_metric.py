"""Intervals and tests of any objective, from a launched study: stored labels, single runs, seeds, earlier studies."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from scipy import stats
from tiny import digest_of, options, url, workspace

from hpsearch.metrics import evaluate, parse
from hpsearch.reporting import write_report
from hpsearch.reporting.frames import load
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection_bias import corrected_accuracies
from hpsearch.reporting.sections.summary import summarise
from hpsearch.reporting.statistics.comparison.best import compare, compare_with_best
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.contributions import bounds, contributions
from hpsearch.reporting.statistics.intervals import Bounds
from hpsearch.reporting.statistics.selection import Valued, correct_selection_bias
from hpsearch.reporting.statistics.shrinkage import shrink
from hpsearch.reporting.statistics.tests import of_means
from hpsearch.search.copy import copy
from hpsearch.search.delete import delete
from hpsearch.search.launch import launch
from hpsearch.storage.database import open_to_read, opened_to_read
from hpsearch.storage.integrity import check_integrity

TESTED = 360

STUDY = """\
name = "any"
data = { dataset = "digits", train = 200, validation = 120 }
objective = { metric = "f1_macro" }
[model]
file = "models/mlp.py"
hidden = [8]
[training]
epochs = 2
batch_size = 50
[[stage]]
name = "single"
configurations = [{ eta = 0.3 }, { eta = 0.001 }]
[[stage]]
name = "seeds"
replicates = 2
configurations = [{ eta = 0.3 }, { eta = 0.001 }]
[final]
"""


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    launch(workspace(folder, STUDY, "any.toml"), options(folder))
    return folder


def labels(folder):
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        return connection.execute(
            "SELECT stage_id, split, fold, samples, labels FROM hpsearch_labels ORDER BY 1, 2"
        ).fetchall()


def loaded(folder):
    return load(open_to_read(url(folder)), "any")


def test_the_labels_of_what_trials_are_evaluated_on_are_stored_once_a_stage(launched):
    found = labels(launched)
    assert [(stage, split, samples) for stage, split, _, samples, _ in found] == [
        (1, "validation", 120),
        (2, "validation", 120),
        (3, "test", TESTED),
        (3, "validation", 120),
    ]
    frames = loaded(launched)
    truth = np.frombuffer(found[0][4], np.uint8)
    right = frames.predicted(1, "validation") == truth
    assert right.tolist() == frames.correct(1).tolist()


def test_the_contributions_have_the_mean_of_the_stored_metric_on_both_splits(launched):
    frames = loaded(launched)
    final = frames.by_stage["final"][0]
    for split, column in (("validation", "value"), ("test", "test_value")):
        assert frames.sample_scores.of(final, split).mean() == pytest.approx(final[column], rel=1e-5)
    truth = {split: np.frombuffer(content, np.uint8) for *_, split, _, _, content in labels(launched)}
    classes = [str(number) for number in range(10)]
    again = evaluate(parse("f1_macro"), truth["test"], frames.predicted(final["id"]), classes=classes)
    assert again == pytest.approx(final["test_value"])


def test_single_runs_of_another_metric_have_an_interval_and_are_compared_with_the_best(launched):
    single, seeds, _ = view_stages(loaded(launched))
    best, other = single.ranked
    assert best.validation.low < best.validation.value < best.validation.high <= 1
    assert other.mark == "worse"
    assert "f1_macro on other samples, from what each sample contributes to it" in single.caption
    assert "over other seeds and other samples" in seeds.caption


def test_the_selection_by_another_metric_is_corrected_from_the_predictions_at_every_epoch(launched, tmp_path):
    frames = loaded(launched)
    stages = view_stages(frames)
    single, seeds = corrected_accuracies(frames, stages)
    assert (single.chosen.configurations, single.chosen.epochs, single.epochs) == (2, 2, "every")
    assert single.value == pytest.approx(single.chosen.raw, abs=0.02)  # the other configuration is far behind
    assert single.chosen.raw == pytest.approx(frames.by_stage["single"][0]["value"], rel=1e-5)
    assert single.chosen.low < single.value < single.chosen.high <= 1
    assert seeds.worth is not None
    summary = " ".join(summarise(frames, stages, [single, seeds]))
    assert f"Corrected for selection bias, its validation f1_macro is {seeds.corrected} (95% interval" in summary
    assert "The test f1_macro is" in summary
    page = write_report(open_to_read(url(launched)), "any", tmp_path).read_text()
    assert '<th scope="col">corrected<br>f1_macro</th>' in page


def test_a_study_from_before_there_were_labels_is_reported_as_it_was(launched, tmp_path):
    with (
        closing(sqlite3.connect(launched / "study.db")) as source,
        closing(sqlite3.connect(tmp_path / "study.db")) as to,
    ):
        source.backup(to)
        to.execute("DELETE FROM hpsearch_labels")
        to.commit()
    single, seeds, _ = view_stages(loaded(tmp_path))
    assert "gives no interval and no test" in single.caption
    assert single.ranked[0].interval == "–"
    assert "over other seeds, but not other samples" in seeds.caption
    assert digest_of(tmp_path, "any") == digest_of(launched, "any")


def test_two_networks_are_compared_as_scipy_compares_means():
    one, other = np.random.default_rng(0).normal([0.0, 0.2], 1, (90, 2)).T
    assert of_means(one, other, paired=True) == pytest.approx(stats.ttest_rel(one, other).pvalue)
    assert of_means(one, other[:50], paired=False) == pytest.approx(
        stats.ttest_ind(one, other[:50], equal_var=False).pvalue
    )
    assert of_means(one, one, paired=True) == 1


def test_a_copy_has_the_labels_and_what_is_deleted_leaves_none(launched, tmp_path):
    copy("any", url(launched), url(tmp_path))
    assert labels(tmp_path) == labels(launched)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("UPDATE hpsearch_labels SET samples = 119 WHERE split = 'test'")
        connection.commit()
    with opened_to_read(url(tmp_path)) as connection:
        problems = check_integrity(connection)
    assert "study 'any', stage 'final': its labels of 119 test samples are 360 bytes long" in problems
    delete("any", url(tmp_path))
    assert labels(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rmse", "log_loss", "roc_auc", "f1_macro"])
def test_of_equal_networks_none_is_worse_by_any_metric_and_intervals_hold(name):
    random, metric, n, k, tables = np.random.default_rng(4), parse(name), 1_000, 8, 250
    names = () if name == "rmse" else ("a", "b", "c")

    def network(truth, hard):
        if not names:
            return truth + hard[:, 0] + random.standard_normal(len(truth))
        z = 1.5 * (truth[:, None] == np.arange(3)) + hard + random.standard_normal(hard.shape)
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return p.argmax(axis=1) if metric.needs == "classes" else p

    def samples(number):
        truth = random.choice(3, number, p=[0.5, 0.3, 0.2]) if names else random.standard_normal(number)
        return truth, random.standard_normal((number, 3))

    population = samples(1_000_000)
    true = metric.sign * evaluate(metric, population[0], network(*population), classes=names)
    worse, held = [], []
    for _ in range(tables):
        truth, hard = samples(n)
        each = [metric.sign * contributions(metric, truth, network(truth, hard), names) for _ in range(k)]
        runs = sorted((Runs((float(c.mean()),), (c.astype(np.float32),)) for c in each), key=lambda run: -run.mean)
        evidence, found = compare(Evidence(tuple(runs), n, bounds=bounds(metric)))
        worse.append(any(one.worse for one in found if one))
        held += [low <= true <= high for low, high in map(evidence.interval, range(k))]
    assert np.mean(worse) <= 0.06 + 2 * np.sqrt(0.06 * 0.94 / tables)
    assert 0.92 <= np.mean(held) <= 0.98


@pytest.mark.parametrize("unit", [2.0**-60, 2.0**110])
def test_the_unit_of_the_targets_changes_no_statement(unit):
    random = np.random.default_rng(1)
    errors = random.normal(size=(6, 2, 300)) ** 2 + random.normal(size=300) ** 2 + 0.15 * np.arange(6)[:, None, None]

    def statements(unit):
        scores = -unit * errors
        chosen = correct_selection_bias(
            [[Valued(seed[None]) for seed in each] for each in scores], 300, bounds=Bounds()
        )
        true = shrink(chosen.within_reach.scores, chosen.within_reach.noise)
        runs = tuple(Runs(tuple(each.mean(axis=1).tolist()), tuple(each)) for each in scores)
        compared = [(each.low / unit, each.p) for each in compare_with_best(Evidence(runs, 300, bounds=Bounds()))[1:]]
        return np.ravel([*compared, (chosen.low / unit, true.mean[0] / unit), (true.best[0], chosen.chosen_again)])

    assert statements(unit) == pytest.approx(statements(1.0))


@pytest.mark.parametrize("unit", [1e-24, 1e20])
def test_contributions_in_any_unit_of_the_targets_are_those_of_the_metric(tmp_path, monkeypatch, unit):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(2)
    samples = random.normal(size=(380, 3))
    table = np.column_stack([samples, unit * (samples @ [1, 2, 3] + random.normal(size=380))])
    np.savetxt(tmp_path / "made.csv", table, delimiter=",", header="a,b,c,y", comments="")
    made = '{ kind = "csv", path = "made.csv", label = "y", test = 60 }, task = "regression"'
    text = (
        STUDY.replace('"digits"', made)
        .replace("f1_macro", "mse")
        .replace("0.3", "0.03")
        .partition('[[stage]]\nname = "seeds')[0]
    )
    launch(workspace(tmp_path, text, "any.toml"), options(tmp_path))
    frames = loaded(tmp_path)
    trials = frames.by_stage["single"]
    for trial in trials:
        found = frames.sample_scores.of(trial, "validation")
        assert -found.mean() == pytest.approx(trial["value"], rel=1e-5)
        assert np.unique(found).size > 100
    chosen = corrected_accuracies(frames, view_stages(frames))[0].chosen
    assert chosen.low < chosen.corrected < chosen.high < 0
