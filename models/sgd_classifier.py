"""A linear classifier of scikit-learn, trained by its `partial_fit`: an example of a trainable.

λ is its `alpha`; the samples are visited in the order that all trials of a stage share.
"""

import numpy as np
from sklearn.linear_model import SGDClassifier

from hpsearch.trainables import Array, Data, State


def make(
    data: Data,
    seed: int,
    eta: float,
    lambda_: float = 0.0,
    class_weight: Array | None = None,
    penalty: str = "l2",
) -> "Trained":
    """Logistic regression, each class against the others; penalty is "l1", "l2" or "elasticnet"."""
    if penalty not in ("l1", "l2", "elasticnet"):
        raise ValueError(f"penalty must be l1, l2 or elasticnet, got {penalty!r}")
    given = {"loss": "log_loss", "penalty": penalty, "alpha": lambda_, "eta0": eta, "learning_rate": "constant"}
    weight = None if class_weight is None else dict(enumerate(class_weight))
    return Trained(SGDClassifier(**given, class_weight=weight, shuffle=False, random_state=seed), data)


class Trained:
    """The classifier, and the data that it is trained on."""

    def __init__(self, classifier: SGDClassifier, data: Data) -> None:
        self.classifier, self.data = classifier, data

    def train(self, epoch: int) -> None:
        """One pass over the samples."""
        order = self.data.order(epoch)
        samples, labels = self.data.samples[order], self.data.labels[order]
        self.classifier.partial_fit(samples, labels, classes=np.arange(self.data.classes))

    def predict_proba(self, samples: Array) -> Array:
        """The probability of each class (n, classes)."""
        found: Array = self.classifier.predict_proba(samples)
        return found

    def save(self) -> State:
        """The coefficients and the state of the training; arrays named `….weights` are drawn in the report."""
        learned = self.classifier
        return {"0.weights": learned.coef_.T, "0.bias": learned.intercept_, "updates": np.array(learned.t_)}

    def restore(self, state: State) -> None:
        """Continue from what `save` returned."""
        self.classifier.classes_ = np.arange(self.data.classes)
        self.classifier.coef_ = np.ascontiguousarray(state["0.weights"].T)
        self.classifier.intercept_ = state["0.bias"]
        self.classifier.t_ = float(state["updates"])
