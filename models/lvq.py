"""Learning vector quantisation (LVQ1, Kohonen 1990), written as two plain functions: an example of a trainable.

Each class has some prototypes. The prototype nearest to a sample moves towards it if both are of one class, else away.
"""

import numpy as np

from hpsearch.trainables import Array, Data, State


def train_epoch(
    state: State,
    data: Data,
    epoch: int,
    rng: np.random.Generator,
    eta: float,
    prototypes: int = 3,
    decay: float = 0.9,
) -> State:
    """One pass over the samples; eta is multiplied by `decay` after each."""
    if not state:
        if prototypes < 1:
            raise ValueError(f"prototypes must be at least 1, got {prototypes}")
        drawn = [rng.choice(np.flatnonzero(data.labels == label), prototypes) for label in range(data.classes)]
        state = {"places": data.samples[np.concatenate(drawn)].T.astype(np.float64)}
    places, step = state["places"].T.copy(), eta * decay ** (epoch - 1)
    for row in data.order(epoch):
        sample = data.samples[row]
        nearest = int(np.argmin(((places - sample) ** 2).sum(axis=1)))
        towards = 1.0 if nearest // prototypes == data.labels[row] else -1.0
        places[nearest] += towards * step * (sample - places[nearest])
    return {"places": places.T, "classes": np.array(data.classes)}


def predict(state: State, samples: Array) -> Array:
    """A score for each class (n, classes): minus the mean squared distance to its nearest prototype."""
    places = state["places"]
    squared = (samples.astype(np.float64) ** 2).sum(axis=1)[:, None] + (places**2).sum(axis=0) - 2 * samples @ places
    return -squared.reshape(len(samples), int(state["classes"]), -1).min(axis=2) / len(places)
