"""What the tests of metrics share: random labels with predictions of each kind, and one metric of each kind."""

import numpy as np

from hpsearch.metrics import KINDS, parse

OPTIONS = {"top_k_accuracy": {"k": 2}, "pinball": {"alpha": 0.9}}


def names(classes):
    return [f"class {number}" for number in range(classes)]


def one_of(kind):
    """The metric of a kind, with the options that it requires."""
    return parse({"kind": kind, **OPTIONS.get(kind, {})})


CLASSIFICATION = [kind for kind, known in KINDS.items() if known.tasks == ("classification",)]
REGRESSION = [kind for kind, known in KINDS.items() if known.tasks == ("regression",)]
COMPUTED = [*CLASSIFICATION, *REGRESSION]


def labelled(classes, n=200, seed=0, missing=()):
    """Labels (n,), predicted classes (n,), probabilities (n, C) with ties, weights (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([c for c in range(classes) if c not in missing], n)
    probabilities = rng.dirichlet(np.ones(classes), n)
    probabilities[np.arange(n), labels] += 0.3
    probabilities = np.maximum(np.round(probabilities / probabilities.sum(axis=1, keepdims=True), 1), 0.05)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return labels, probabilities.argmax(axis=1), probabilities, rng.uniform(0.1, 2, n)


def valued(targets, n=200, seed=0):
    """Values (n, T), or (n,) where `targets` is None, predictions of the same shape, weights (n,)."""
    rng = np.random.default_rng(seed)
    shape = (n,) if targets is None else (n, targets)
    truth = 100 + 30 * rng.standard_normal(shape)
    return truth, truth + 10 * rng.standard_normal(shape), rng.uniform(0.1, 2, n)


def prediction_for(metric, predicted, probabilities):
    return predicted if metric.needs == "classes" else probabilities


def perfect_for(metric, truth, classes=0):
    """The prediction that is right with certainty."""
    if metric.needs in ("classes", "values"):
        return truth
    return (truth[:, None] == np.arange(classes)).astype(float)
