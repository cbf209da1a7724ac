"""Every metric equals what sklearn.metrics gives when called by hand."""

import inspect
import math
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from metrics_data import (
    CLASSIFICATION,
    COMPUTED,
    REGRESSION,
    labelled,
    names,
    one_of,
    perfect_for,
    prediction_for,
    valued,
)
from sklearn import metrics as sk
from sklearn.preprocessing import label_binarize

from hpsearch.metrics import KINDS, check_labels, evaluate, parse


def second(p):
    return p[:, 1]


def rest(score):
    """One class against the rest, by hand."""
    return lambda y, c, p, w: np.mean([score(y == k, p[:, k], sample_weight=w) for k in range(p.shape[1])])


def averaged(score, average):
    return lambda y, c, p, w: score(y, c, average=average, sample_weight=w, zero_division=0)


ANY_CLASSES = {
    "accuracy": lambda y, c, p, w: sk.accuracy_score(y, c, sample_weight=w),
    "balanced_accuracy": lambda y, c, p, w: sk.balanced_accuracy_score(y, c, sample_weight=w),
    "matthews_corrcoef": lambda y, c, p, w: sk.matthews_corrcoef(y, c, sample_weight=w),
    "cohen_kappa": lambda y, c, p, w: sk.cohen_kappa_score(y, c, sample_weight=w),
    "log_loss": lambda y, c, p, w: sk.log_loss(y, p, sample_weight=w, labels=range(p.shape[1])),
    "brier": lambda y, c, p, w: sk.brier_score_loss(y, p, sample_weight=w, labels=range(p.shape[1])),
    **{
        f"{kind}_{average}": averaged(getattr(sk, f"{kind}_score"), average)
        for kind in ("f1", "precision", "recall")
        for average in ("macro", "micro", "weighted")
    },
}
TWO_CLASSES = {
    **{kind: averaged(getattr(sk, f"{kind}_score"), "binary") for kind in ("f1", "precision", "recall")},
    **{f"{kind}_binary": averaged(getattr(sk, f"{kind}_score"), "binary") for kind in ("f1", "precision", "recall")},
    "roc_auc": lambda y, c, p, w: sk.roc_auc_score(y, second(p), sample_weight=w),
    "average_precision": lambda y, c, p, w: sk.average_precision_score(y, second(p), sample_weight=w),
    "brier": lambda y, c, p, w: sk.brier_score_loss(y, second(p), sample_weight=w),
}
MANY_CLASSES = {
    **{kind: averaged(getattr(sk, f"{kind}_score"), "macro") for kind in ("f1", "precision", "recall")},
    "roc_auc": lambda y, c, p, w: sk.roc_auc_score(y, p, multi_class="ovr", sample_weight=w),
    "average_precision": lambda y, c, p, w: sk.average_precision_score(y, p, sample_weight=w),
    "top_2_accuracy": lambda y, c, p, w: sk.top_k_accuracy_score(y, p, k=2, sample_weight=w, labels=range(p.shape[1])),
}
VALUES = {
    "rmse": sk.root_mean_squared_error,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "median_absolute_error": sk.median_absolute_error,
    "r2": sk.r2_score,
    "mape": sk.mean_absolute_percentage_error,
    "pinball_0.9": lambda y, v, sample_weight: sk.mean_pinball_loss(y, v, sample_weight=sample_weight, alpha=0.9),
}
ROWS = [
    *((name, hand, classes) for classes in (2, 3, 10) for name, hand in ANY_CLASSES.items()),
    *((name, hand, 2) for name, hand in TWO_CLASSES.items()),
    *((name, hand, classes) for classes in (3, 10) for name, hand in MANY_CLASSES.items()),
]


def test_every_kind_has_a_row():
    names_of_rows = {*ANY_CLASSES, *TWO_CLASSES, *MANY_CLASSES, *VALUES}
    assert {parse(name).kind for name in names_of_rows} == {*KINDS} - {"loss", "cost"}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "by_hand", "classes"), ROWS, ids=[f"{name}-{classes}" for name, _, classes in ROWS])
def test_a_metric_of_classes_is_that_of_scikit_learn(name, by_hand, classes, weighted):
    y, c, p, w = labelled(classes)
    metric, weight = parse(name), w if weighted else None
    found = evaluate(metric, y, prediction_for(metric, c, p), classes=names(classes), sample_weight=weight)
    assert found == pytest.approx(by_hand(y, c, p, weight), abs=1e-12)
    assert isinstance(found, float)
    check_labels(metric, y, names(classes), weight)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [*ANY_CLASSES, "top_2_accuracy", "f1", "recall"])
@pytest.mark.parametrize(("classes", "missing"), [(3, (1,)), (10, (0, 4, 9)), (10, tuple(range(2, 10)))])
def test_a_metric_of_classes_is_that_of_scikit_learn_where_classes_are_missing(name, classes, missing, weighted):
    y, c, p, w = labelled(classes, n=60, missing=missing)
    metric, weight = parse(name), w if weighted else None
    found = evaluate(metric, y, prediction_for(metric, c, p), classes=names(classes), sample_weight=weight)
    assert found == pytest.approx((ANY_CLASSES | MANY_CLASSES)[name](y, c, p, weight), abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("name", VALUES)
def test_a_metric_of_values_is_that_of_scikit_learn(name, targets, weighted):
    y, v, w = valued(targets)
    weight = w if weighted else None
    found = evaluate(parse(name), y, v, sample_weight=weight)
    assert found == pytest.approx(VALUES[name](y, v, sample_weight=weight), rel=1e-12)


@pytest.mark.parametrize("positive", range(3))
@pytest.mark.parametrize("kind", ["f1", "precision", "recall"])
def test_the_positive_class_is_given_by_its_name_among_any_number_of_classes(kind, positive):
    y, c, _, w = labelled(3)
    metric = parse({"kind": kind, "positive": f"class {positive}"})
    by_hand = getattr(sk, f"{kind}_score")(y, c, labels=[positive], average="macro", sample_weight=w)
    assert evaluate(metric, y, c, classes=names(3), sample_weight=w) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("positive", range(2))
def test_average_precision_of_one_class_is_against_the_rest(classes, positive):
    y, _, p, w = labelled(classes)
    metric = parse({"kind": "average_precision", "positive": f"class {positive}"})
    by_hand = sk.average_precision_score(y == positive, p[:, positive], sample_weight=w)
    assert evaluate(metric, y, p, classes=names(classes), sample_weight=w) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("kind", ["roc_auc", "average_precision"])
def test_scores_may_be_of_any_scale_and_tied(kind):
    y, c, p, w = labelled(10)
    scores = np.round(5 * np.log(p))
    by_hand = rest(getattr(sk, f"{kind}_score"))(y, c, scores, w)
    assert evaluate(parse(kind), y, scores, classes=names(10), sample_weight=w) == pytest.approx(by_hand, abs=1e-12)
    onehot = label_binarize(y, classes=range(10))
    assert by_hand == pytest.approx(getattr(sk, f"{kind}_score")(onehot, scores, sample_weight=w), abs=1e-12)


@pytest.mark.parametrize("kind", ["roc_auc", "average_precision", "log_loss", "brier"])
def test_two_classes_may_have_one_column(kind):
    y, _, p, w = labelled(2)
    both = evaluate(parse(kind), y, p, classes=names(2), sample_weight=w)
    assert evaluate(parse(kind), y, p[:, 1], classes=names(2), sample_weight=w) == pytest.approx(both, abs=1e-12)


def test_the_first_of_two_classes_has_the_negative_scores_of_one_column():
    y, _, p, _ = labelled(2)
    metric = parse({"kind": "average_precision", "positive": "class 0"})
    found = evaluate(metric, y, p[:, 1] - 0.5, classes=names(2))
    assert found == pytest.approx(sk.average_precision_score(y == 0, 0.5 - p[:, 1]), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_accuracy_has_the_bits_of_a_mean(dtype):
    for seed in range(20):
        y, c, _, w = labelled(7, n=333 + seed, seed=seed)
        predicted = c.astype(dtype)
        assert evaluate(parse("accuracy"), y, predicted, classes=names(7)) == float(np.mean(predicted == y))
        weighted = evaluate(parse("accuracy"), y, predicted, classes=names(7), sample_weight=w)
        assert weighted == sk.accuracy_score(y, c, sample_weight=w)


@pytest.mark.parametrize("kind", COMPUTED)
def test_single_precision_is_computed_in_double(kind):
    metric, classes = one_of(kind), names(3) if kind in CLASSIFICATION else ()
    y, c, p, _ = labelled(3)
    truth, prediction = (y, prediction_for(metric, c, p)) if classes else valued(2)[:2]
    single = prediction.astype(np.float32) if metric.needs != "classes" else prediction.astype(np.uint8)
    found = evaluate(metric, truth, single, classes=classes)
    assert found == evaluate(metric, truth, single.astype(prediction.dtype), classes=classes)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [kind for kind in COMPUTED if KINDS[kind].needs != "classes"])
def test_a_prediction_that_diverged_gives_nan(kind, number):
    y, _, p, _ = labelled(3)
    truth, prediction = valued(2)[:2] if kind in REGRESSION else (y, p)
    prediction[3, 1] = number
    assert math.isnan(evaluate(one_of(kind), truth, prediction, classes=names(3) if kind in CLASSIFICATION else ()))


@pytest.mark.parametrize("kind", ["mse", "rmse", "r2"])
def test_a_value_beyond_all_floats_is_nan(kind):
    truth, prediction, _ = valued(None)
    assert math.isnan(evaluate(parse(kind), truth, prediction * 1e300))


@pytest.mark.parametrize("kind", CLASSIFICATION)
def test_always_predicting_one_class_has_a_value_without_a_warning(kind):
    y, _, _, _ = labelled(3)
    metric = one_of(kind)
    prediction = perfect_for(metric, np.zeros_like(y), 3)
    assert math.isfinite(evaluate(metric, y, prediction, classes=names(3)))


@pytest.mark.parametrize(
    ("kind", "shape"), [("accuracy", (200, 1)), ("f1", (3, 200)), ("log_loss", (200,)), ("brier", (200, 2))]
)
def test_a_prediction_of_another_shape_is_refused(kind, shape):
    y, _, _, _ = labelled(3)
    with pytest.raises(AssertionError):
        evaluate(parse(kind), y, np.full(shape, 0.5), classes=names(3))


def test_mape_of_a_zero_and_r2_of_equal_values_are_those_of_scikit_learn():
    truth, values = np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0])
    assert evaluate(parse("mape"), truth, values) == sk.mean_absolute_percentage_error(truth, values)
    assert evaluate(parse("r2"), np.ones(3), values) == sk.r2_score(np.ones(3), values) == 0


def test_a_sample_of_weight_0_counts_as_missing():
    y, c, p, _ = labelled(3)
    for kind in CLASSIFICATION:
        metric, prediction = one_of(kind), prediction_for(one_of(kind), c, p)
        found = evaluate(metric, y, prediction, classes=names(3), sample_weight=(np.arange(200) < 150).astype(float))
        alone = evaluate(metric, y[:150], prediction[:150], classes=names(3))
        assert found == pytest.approx(alone, abs=1e-12), kind


def test_threads_leave_the_filters_of_warnings_as_they_were():
    y, c, _, _ = labelled(10, missing=(3, 4))
    before, metric = list(warnings.filters), parse("balanced_accuracy")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: evaluate(metric, y, c, classes=names(10)), range(40)))
    assert len({*found}) == 1
    assert warnings.filters == before


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        ("from hpsearch.metrics import parse; parse('f1_macro')", "numpy sklearn"),
        ("import hpsearch.metrics.evaluation, hpsearch.metrics.own", "sklearn"),
        (
            "import numpy as np; from hpsearch.metrics import check_labels, evaluate, parse; y = np.arange(2);"
            "check_labels(parse('f1'), y, 'ab'); evaluate(parse('accuracy'), y, y, classes='ab')",
            "sklearn",
        ),
    ],
)
def test_scikit_learn_is_imported_only_where_it_computes(program, heavy):
    program += f"; import sys; sys.exit(str(set({heavy.split()}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


def test_the_exported_names_are_there():
    from hpsearch import metrics

    assert all(inspect.getdoc(getattr(metrics, name)) for name in metrics.__all__ if name[0].islower())
    assert {*dir(metrics)} == {*metrics.__all__}
    with pytest.raises(AttributeError, match="has no attribute 'profit'"):
        metrics.profit  # noqa: B018
