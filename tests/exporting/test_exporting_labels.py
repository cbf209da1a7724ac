"""A winner speaks of the labels and columns of its file, in scikit-learn's way."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from hpsearch.exporting.predictions.labels import labels_of, numbers_of


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (("1", "2", "10"), [1, 2, 10]),
        (("-1", "1"), [-1, 1]),
        (("0.5", "1.0"), [0.5, 1.0]),
        (("False", "True"), [False, True]),
        (("ill", "well"), ["ill", "well"]),
        (("1", "2", "other"), ["1", "2", "other"]),
        (("1", "1.0"), ["1", "1.0"]),  # one number, two classes
        (("1", "nan"), ["1", "nan"]),
        (("1", "9" * 30), [1.0, 1e30]),
    ],
)
def test_labels_are_what_they_were_in_the_file(classes, labels):
    found = labels_of(classes)
    assert found.tolist() == labels
    assert found.dtype.kind == np.array(labels).dtype.kind
    assert numbers_of(found, found).tolist() == list(range(len(labels)))


def test_a_classifier_speaks_of_the_labels_of_its_file(iris):
    results, frame, _ = iris
    classifier, samples, labels = results.classifier(), frame.drop(columns="y"), frame["y"]
    check_is_fitted(classifier)
    assert is_classifier(classifier)
    assert classifier.classes_.tolist() == [-1, 1, 3]
    predicted = classifier.predict(samples)
    assert classifier.score(samples, labels) == accuracy_score(labels, predicted) > 0.9
    weight = np.arange(150.0)
    assert classifier.score(samples, labels, weight) == accuracy_score(labels, predicted, sample_weight=weight)
    assert classifier.score(samples, labels.astype(float)) == classifier.score(samples, labels)
    assert FrozenEstimator(classifier).fit(samples, labels).score(samples, labels) > 0.9
    with pytest.raises(ValueError, match=r"^y must have labels of the classes -1, 1, 3, got 'setosa'$"):
        classifier.score(samples, ["setosa"] * 150)


def test_columns_of_a_frame_are_put_in_order(iris):
    results, frame, _ = iris
    classifier, samples = results.classifier(), frame.drop(columns="y")
    assert classifier.feature_names_in_.tolist() == ["a b", "c", "d", "e"]
    reordered = samples[["e", "a b", "d", "c"]]
    expected = classifier.predict_proba(samples.to_numpy())
    assert np.array_equal(classifier.predict_proba(reordered), expected)
    assert np.array_equal(clone(classifier).predict_proba(reordered.astype(str)), expected)  # as csv.reader has them


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.drop(columns="c"), "X must have the 4 columns trained on, lacks 'c'$"),
        (lambda x: x.rename(columns={"a b": "a_b"}), "lacks 'a b'; did you mean 'a_b'.$"),
        (lambda x: x.assign(y=1), "X must have the 4 columns trained on and no other, has 'y' as well$"),
        (lambda x: x[["a b", "c", "c", "d", "e"]], "X must not have a column twice, has 'c'$"),
        (lambda x: x.assign(d="red"), "X must be numbers .samples, features., got 'red' in row 0, column 'd'$"),
        (lambda x: x.assign(d=np.nan), "X contains NaN"),
    ],
)
def test_other_columns_are_refused_in_one_line(iris, change, message):
    results, frame, _ = iris
    with pytest.raises(ValueError, match=message):
        results.classifier().predict(change(frame.drop(columns="y")))
