"""A metric from what a study file gives, and one line for everything else."""

import pickle

import pytest

from hpsearch.errors import InputError
from hpsearch.metrics import KINDS, Metric, MetricError, MetricFile, check_task, parse
from hpsearch.metrics.names import NAMES, SYNONYMS

ROUND = [*(name for name in NAMES if name not in ("top_k_accuracy", "pinball")), "top_5_accuracy", "pinball_0.05"]


@pytest.mark.parametrize("name", ROUND)
def test_a_metric_is_found_again_by_its_name(name):
    metric = parse(name)
    assert isinstance(metric, Metric)
    assert (metric.name, parse(metric.name)) == (name, metric)
    assert metric.sign == (1 if metric.direction == "maximize" else -1)
    assert pickle.loads(pickle.dumps(metric)) == metric
    assert hash(metric) == hash(parse(name))


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ({"kind": "f1", "average": "macro"}, "f1_macro"),
        ({"kind": "f1_macro"}, "f1_macro"),
        ({"kind": "f1_macro", "direction": "maximize", "average": "macro"}, "f1_macro"),
        ({"kind": "f1_binary", "positive": "sick"}, "f1_binary_sick"),
        ({"kind": "recall", "positive": "sick"}, "recall_binary_sick"),
        ({"kind": "recall", "average": "binary", "positive": "über 1/2"}, "recall_binary_über_1_2"),
        ({"kind": "average_precision", "positive": "sick"}, "average_precision_sick"),
        ({"kind": "pinball", "alpha": 0.9}, "pinball_0.9"),
        ({"kind": "top_k_accuracy", "k": 5}, "top_5_accuracy"),
        ({"kind": "rmse", "direction": "minimize"}, "rmse"),
        ({"kind": "loss"}, "loss"),
    ],
)
def test_a_table_is_a_metric(table, name):
    assert parse(table).name == name


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_minimised_and_scores_maximised(kind):
    errors = {"log_loss", "brier", "rmse", "mse", "mae", "median_absolute_error", "mape", "pinball", "loss", "cost"}
    assert KINDS[kind].direction == ("minimize" if kind in errors else "maximize")


def test_percentages_are_shares_of_samples():
    shares = {"accuracy", "balanced_accuracy", "precision", "recall", "top_k_accuracy"}
    assert {kind for kind, known in KINDS.items() if known.share} == shares
    assert parse("recall_macro").share
    assert not parse("rmse").share


def test_a_file_is_not_read():
    assert parse({"file": "metrics/profit.py"}) == MetricFile("profit", "metrics/profit.py")
    assert parse({"file": "/a/b.py", "direction": "maximize"}) == MetricFile("b", "/a/b.py", "maximize")


MEANT = {
    "neg_mean_squared_error": "mse",
    "neg_root_mean_squared_error": "rmse",
    "neg_mean_absolute_percentage_error": "mape",
    "neg_median_absolute_error": "median_absolute_error",
    "neg_log_loss": "log_loss",
    "neg_brier_score": "brier",
    "roc_auc_ovr": "roc_auc",
    "accuracy_score": "accuracy",
    "f1_score": "f1",
    "r2_score": "r2",
    "recall_score_macro": "recall_macro",
    "sensitivity": "recall",
    "auc": "roc_auc",
    "ACC": "accuracy",
    "bacc": "balanced_accuracy",
    "mcc": "matthews_corrcoef",
    "logloss": "log_loss",
    "cross-entropy": "log_loss",
    "f1 (macro)": "f1_macro",
    "macro F1": "f1_macro",
    "Top-5": "top_5_accuracy",
    "rsme": "rmse",
    "balanced_acuracy": "balanced_accuracy",
    "mean_squared_eror": "mse",
    "R²": "r2",
}


@pytest.mark.parametrize(("given", "meant"), MEANT.items())
def test_the_name_of_another_library_is_answered_with_ours(given, meant):
    with pytest.raises(MetricError) as caught:
        parse(given)
    assert str(caught.value) == f"must be a metric, got {given!r}; did you mean {meant!r}?"
    with pytest.raises(MetricError) as caught:
        parse({"kind": given})
    assert str(caught.value) == f"kind must be a metric, got {given!r}; did you mean {meant!r}?"


def test_every_synonym_leads_to_a_metric_and_is_none():
    for other, ours in SYNONYMS.items():
        assert parse(ours).name == ours
        with pytest.raises(MetricError, match=f"got '{other}'; did you mean '{ours}'"):
            parse(other)


BAD = [
    ("xyzzy", "must be a metric, got 'xyzzy'; known: accuracy, average_precision, balanced_accuracy, "),
    ("", "must be a metric, got ''; known: accuracy, "),
    ("a\nb", "must be a metric, got 'a\\nb'; known: "),
    ("metrics/profit.py", "got 'metrics/profit.py'; did you mean { file = \"metrics/profit.py\" }?"),
    ("top_k_accuracy", 'must have k, as in { kind = "top_k_accuracy", k = 5 }, got "top_k_accuracy" alone'),
    ("pinball", 'must have alpha, as in { kind = "pinball", alpha = 0.9 }, got "pinball" alone'),
    ("top_1_accuracy", 'k must be at least 2, got 1: that is metric = "accuracy"'),
    ("pinball_1.5", "alpha must be a quantile above 0 and below 1, got 1.5"),
    ("pinball_0.9.1", "must be a metric, got 'pinball_0.9.1'; did you mean"),
    (3, 'must be the name of a metric, such as "accuracy", or a table, got 3'),
    (["rmse"], "must be the name of a metric, such as \"accuracy\", or a table, got ['rmse']"),
    ({}, 'must have kind, such as "f1", or file, the path of a metric of one\'s own'),
    ({"kind": "f1", "file": "a.py"}, "must have only one of kind, file and returned, got kind and file"),
    ({"kind": 1}, "kind must be the name of a metric, got 1"),
    ({"kind": "f1_macro", "average": "micro"}, "average must be left out with kind = \"f1_macro\", got 'micro'"),
    ({"kind": "f1_macro", "positive": "a"}, 'average must be "binary" with a positive class, or positive be left out'),
    ({"kind": "f1_makro"}, "kind must be a metric, got 'f1_makro'; did you mean 'f1_macro'?"),
    ({"kind": "f1", "averag": "macro"}, "averag is not a key of f1; did you mean 'average'?"),
    ({"kind": "rmse", "alpha": 0.5}, "alpha is not a key of rmse; known: direction"),
    ({"kind": "f1", "average": "makro"}, "average must be an average, got 'makro'; did you mean 'macro'?"),
    ({"kind": "f1", "average": None}, "average must be an average, got None; known: macro, micro, weighted, binary"),
    (
        {"kind": "f1", "average": "macro", "positive": "a"},
        'average must be "binary" with a positive class, or positive be left out, got "macro"',
    ),
    ({"kind": "f1", "positive": 1}, 'positive must be the name of a class, got 1; did you mean "1"?'),
    ({"kind": "f1", "positive": ""}, "positive must be the name of a class, got ''"),
    ({"kind": "pinball"}, "alpha is missing; pinball needs it, as in alpha = 0.9"),
    ({"kind": "pinball", "alpha": 1}, "alpha must be a quantile above 0 and below 1, got 1"),
    ({"kind": "pinball", "alpha": float("nan")}, "alpha must be a quantile above 0 and below 1, got nan"),
    ({"kind": "pinball", "alpha": True}, "alpha must be a quantile above 0 and below 1, got True"),
    ({"kind": "pinball", "alpha": "0.9"}, "alpha must be a quantile above 0 and below 1, got '0.9'"),
    ({"kind": "top_k_accuracy"}, "k is missing; top_k_accuracy needs it, as in k = 5"),
    ({"kind": "top_k_accuracy", "k": 0}, "k must be a whole number of at least 2, got 0"),
    ({"kind": "top_k_accuracy", "k": 2.0}, "k must be a whole number of at least 2, got 2.0"),
    ({"kind": "top_k_accuracy", "k": True}, "k must be a whole number of at least 2, got True"),
    ({"kind": "rmse", "direction": "maximize"}, 'direction must be "minimize" for rmse, got "maximize"'),
    ({"kind": "f1", "direction": "minimize"}, 'direction must be "maximize" for f1, got "minimize"'),
    (
        {"kind": "f1", "direction": "maximise"},
        "direction must be \"maximize\" or \"minimize\", got 'maximise'; did you mean 'maximize'?",
    ),
    ({"kind": "f1", "direction": ["up"]}, 'direction must be "maximize" or "minimize", got [\'up\']'),
    ({"file": 3}, 'file must be the path of a Python file, such as "metrics/profit.py", got 3'),
    (
        {"file": "profit.toml"},
        "file must be the path of a Python file, such as \"metrics/profit.py\", got 'profit.toml'",
    ),
    ({"file": ".py"}, "file must be the path of a Python file, such as \"metrics/profit.py\", got '.py'"),
    ({"file": "metrics/f1.py"}, "file must not have the name of one of hpsearch's metrics, got 'metrics/f1.py'"),
    ({"file": "a.py", "needs": "values"}, "needs is not a key of a metric's file; known: direction, file"),
    ({"file": "a.py", "direction": "up"}, 'direction must be "maximize" or "minimize", got \'up\''),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[str(given) for given, _ in BAD])
def test_anything_else_costs_one_line(given, message):
    with pytest.raises(InputError) as caught:
        parse(given)
    error = caught.value
    assert message in str(error)
    assert "\n" not in str(error)
    assert str(error) == " ".join((*error.key, error.text))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.text, again.key) == (str(error), error.text, error.key)


def test_a_metric_fits_its_task():
    check_task(parse("rmse"), "regression")
    check_task(parse("loss"), "regression")
    check_task(parse("loss"), "classification")
    with pytest.raises(MetricError) as caught:
        check_task(parse("accuracy"), "regression")
    assert str(caught.value) == (
        "must be a metric of regression, got 'accuracy' of classification; "
        "known: rmse, mse, mae, median_absolute_error, r2, mape, pinball, loss, cost"
    )
