"""The search of lab report 5 with scikit-learn's MLPClassifier and joblib: the same updates, two processes.

MLPClassifier has no cyclical schedule: each epoch has one learning rate, that of its middle. Its α is of a mean over
the batch, so that λ is α / (2 · batch size).
"""

import math

import numpy as np
import plan
from joblib import Parallel, delayed
from sklearn.neural_network import MLPClassifier


def train(data: plan.Data, lam: float, epochs: int, seed: int) -> tuple[float, float]:
    """Train once; return the best epoch's validation accuracy, and the last one's on the test set."""
    model = MLPClassifier(
        (plan.HIDDEN,),
        solver="sgd",
        momentum=0.0,
        batch_size=plan.BATCH,
        alpha=2 * lam * plan.BATCH,
        random_state=seed,
    )
    updates, best = -(-len(data.y) // plan.BATCH), 0.0
    for epoch in range(epochs):
        eta = plan.rate(int((epoch + 0.5) * updates), updates)
        model.learning_rate_init = eta
        if epoch:
            model._optimizer.learning_rate = eta
        model.partial_fit(data.x, data.y, classes=np.arange(plan.CLASSES))
        best = max(best, float(model.score(data.x_validation, data.y_validation)))
    return best, float(model.score(data.x_test, data.y_test))


def main() -> None:
    rng, sizes, done = np.random.default_rng(0), plan.SIZES, 0
    with Parallel(n_jobs=plan.WORKERS) as parallel:  # which shares the arrays of `data` by a file

        def stage(data: plan.Data, lams: list[float], epochs: int) -> dict[float, float]:
            nonlocal done
            done += len(lams)
            found = parallel(delayed(train)(data, lam, epochs, seed) for seed, lam in enumerate(lams))
            return {lam: score for lam, (score, _) in zip(lams, found, strict=True)}

        def drawn(low: float, high: float) -> list[float]:
            return np.exp(rng.uniform(math.log(low), math.log(high), 8)).tolist()

        data = plan.load(sizes.train)
        low, high = plan.around(stage(data, drawn(plan.LOW, plan.HIGH), sizes.first))
        low, high = plan.around(stage(data, drawn(low, high), sizes.others))
        scores = stage(data, plan.grid(low, high), sizes.others)
        best = max(scores, key=lambda lam: scores[lam])
        data = plan.load(sizes.final, 1_000)
        tests = parallel(delayed(train)(data, best, sizes.others, seed) for seed in range(3))
        plan.end(scores, [test for _, test in tests], done + 3)


if __name__ == "__main__":
    main()
