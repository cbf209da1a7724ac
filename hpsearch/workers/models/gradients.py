"""A model file's gradients compared with numerical ones, on random samples. May import `hpsearch.nn`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.errors import ModelError, raised
from hpsearch.nn import Network
from hpsearch.nn.gradcheck import ParameterCheck, check
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.random import generator
from hpsearch.workers.models.built_layers import layers
from hpsearch.workers.models.checked_layers import checked
from hpsearch.workers.models.plugin import Plugin

TOLERANCE = 1e-6
"""Largest relative error that passes."""


def gradients(
    plugin: Plugin,
    parameters: Mapping[str, Any],
    *,
    features: int = 20,
    samples: int = 10,
    classes: int = 10,
    loss: str = "cross_entropy",
    lam: float = 0.1,
    h: float = 1e-6,
    epsilon: float = 1e-3,
    entries: int = 500,
    seed: int = 0,
) -> list[ParameterCheck]:
    """Compare, in float64, each parameter of the layers with these parameters; see `hpsearch.nn.gradcheck.check`.

    Raises ModelError if the file makes no layers, or they fail.
    """
    if plugin.kind != "layers":
        raise ModelError(f"{plugin.path}: a trainable has no gradients to compare; `hpsearch check` checks it")
    made = checked(layers(plugin, classes, parameters), plugin.path)
    rng = generator(seed, "gradcheck")
    try:
        network = Network(made, inputs=features, rows=(samples,), dtype="float64", loss=LOSSES[loss]())
        network.initialise(0, generator(seed, "weights"))
        x = rng.standard_normal((samples, features))
        y = rng.integers(classes, size=samples)
        return check(network, x, y, np.array([lam]), h=h, eps=epsilon, sample=entries, rng=rng)
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{plugin.path}: the layers failed: {raised(error)}") from error
