"""scikit-learn's own checks of a classifier and a regressor.

An exported model is fitted already, and most of the checks fit first. They run on one that is fitted here, in closed
form, and predicts by our code.
"""

from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_X_y
from tiny import ROOT

from hpsearch.data.tables.columns import Column, Columns
from hpsearch.exporting.classifier import Classifier
from hpsearch.exporting.regressor import Regressor
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.spec import Configuration
from hpsearch.spec.tables.training import Training
from hpsearch.workers.models.plugin import hash_of

FILE = ROOT / "models" / "softmax.py"


def trained(X, y, names, *, regression):
    """A model of one dense layer with the parameters that scikit-learn finds for standardised samples."""
    mean, deviation = X.mean(axis=0), np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    inputs = (X - mean) / deviation
    scale = {"target_mean": None, "target_deviation": None}
    if regression:
        scale = {"target_mean": y.mean(axis=0, keepdims=True), "target_deviation": np.ones(1)}
        fitted = LinearRegression().fit(inputs, y - y.mean())
        weights, bias, classes = fitted.coef_[:, None], np.atleast_1d(fitted.intercept_), ()
    else:
        fitted = LogisticRegression().fit(inputs, y)
        weights, bias, classes = fitted.coef_.T, fitted.intercept_, tuple(map(str, fitted.classes_))
        if len(classes) == 2:
            weights, bias = np.hstack([0 * weights, weights]), np.hstack([0 * bias, bias])
    loss = "squared_error" if regression else "cross_entropy"
    return TrainedModel(
        study="checks",
        trial="one:0",
        model_file=FILE,
        model_hash=hash_of(FILE),
        configuration=Configuration({"file": "models/softmax.py"}, Training.of({"epochs": 1, "loss": loss})),
        classes=classes,
        targets=("target",) if regression else (),
        image_shape=(1, 1, X.shape[1]),
        mean=mean,
        deviation=deviation,
        weights={"0.weights": weights.astype(np.float32), "0.bias": bias.astype(np.float32)},
        split=Path(),
        seed=0,
        point=("one", 0),
        replicate=0,
        columns=Columns(tuple(map(Column, names))) if names else None,
        **scale,
    )


class Fitted:
    """Gets its model from `fit`, and not from a study."""

    regression = False

    def __init__(self):
        pass

    @property
    def model(self):
        return self.model_

    def fit(self, X, y):
        names = getattr(X, "columns", ())
        X, y = check_X_y(X, y, dtype=np.float64, y_numeric=self.regression, estimator=self)
        if not self.regression:
            check_classification_targets(y)
        named = len(names) and all(isinstance(name, str) for name in names)
        self.model_ = trained(X, y, tuple(names) if named else (), regression=self.regression)
        self._model = self.model_.made()
        return self

    def __sklearn_is_fitted__(self):
        return "model_" in vars(self)

    def __getstate__(self):
        return {"model_": self.model_} if "model_" in vars(self) else {}

    def __setstate__(self, state):
        vars(self).update(state)
        if state:
            self._model = self.model_.made()

    def _samples(self, X):
        if "model_" not in vars(self):
            raise NotFittedError("fit it first")
        return super()._samples(X)


class FittedClassifier(Fitted, Classifier):
    pass


class FittedRegressor(Fitted, Regressor):
    regression = True


OF_FITTED = {
    *("check_estimator_cloneable", "check_estimator_repr", "check_estimator_tags_renamed"),
    *("check_get_params_invariance", "check_mixin_order", "check_no_attributes_set_in_init"),
    *("check_parameters_default_constructible", "check_set_params", "check_valid_tag_types"),
}
"""The checks that need no `fit`, which a model of a study passes as well."""


@pytest.mark.long
def test_a_model_of_a_study_passes_the_checks_that_do_not_fit(iris):
    model = iris[0].classifier()
    checks = {check.func.__name__: check for _, check in estimator_checks_generator(model)}
    assert checks.keys() >= OF_FITTED
    for name in sorted(OF_FITTED):
        checks[name](model)


@parametrize_with_checks([FittedClassifier(), FittedRegressor()])
def test_it_predicts_as_scikit_learn_wants(estimator, check):
    check(estimator)
