"""The layers that a model file builds, and their sizes. May import `hpsearch.nn`."""

from collections.abc import Mapping
from typing import Any

from hpsearch.errors import ModelError, raised
from hpsearch.nn import Layer, Network
from hpsearch.nn.products import cohort_size
from hpsearch.workers.models.plugin import Plugin, called, check_types, on_one_line, shown

MOST_LAYERS = 2_000
"""More would take minutes to make, in which nothing is said."""


def layers(plugin: Plugin, classes: int, parameters: Mapping[str, Any]) -> list[Layer]:
    """Call the plug-in's `build`. Raises ModelError if it refuses the parameters or returns no layers."""
    assert plugin.way == "build"
    check_types(plugin, parameters)
    what = shown("build", parameters)
    made = called(plugin, what, lambda: plugin.function(classes, **parameters))
    if not isinstance(made, list) or not made or not all(isinstance(layer, Layer) for layer in made):
        raise ModelError(f"{plugin.path}: {what} must return a list of layers, got {on_one_line(made)}")
    if len(made) > MOST_LAYERS:
        raise ModelError(f"{plugin.path}: a model must have at most {MOST_LAYERS:,} layers, got {len(made):,}")
    return made


def size(plugin: Plugin, inputs: int, classes: int, parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Return (numbers the model learns, outputs of its first layer that learns anything), of a model of layers.

    Raises ModelError if the layers do not fit each other or do not end in one score per class.
    """
    made = layers(plugin, classes, parameters)
    try:
        network = Network(made, inputs=inputs)
    except ValueError as error:
        raise ModelError(f"{plugin.path}: the layers do not fit: {error}") from error
    except (Exception, SystemExit) as error:
        raise ModelError(f"{plugin.path}: the layers do not fit: {raised(error)}") from error
    if network.outputs != classes:
        raise ModelError(
            f"{plugin.path}: the last layer must have {classes} outputs, one a class, has {network.outputs}"
        )
    return network.size, next((getattr(layer, "outputs", inputs) for layer in made if layer.params), inputs)


def largest_cohort(plugin: Plugin, inputs: int, classes: int, parameters: Mapping[str, Any]) -> int:
    """The maximal size of a cohort with these parameters, from the shapes of its layers; 1 for trainables."""
    if plugin.kind != "layers":
        return 1
    numbers, outputs = size(plugin, inputs, classes, parameters)
    return cohort_size(outputs, numbers)
