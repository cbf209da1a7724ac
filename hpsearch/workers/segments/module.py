"""Makes the PyTorch module of a trial. May import `hpsearch.nn`, data and spec; PyTorch when there is a module."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hpsearch.data import Split
from hpsearch.nn.network import Trained
from hpsearch.nn.optimisers import Optimiser
from hpsearch.nn.random import generator
from hpsearch.spec import Configuration
from hpsearch.trainables import Data
from hpsearch.workers.models.checked_trainable import common_seed
from hpsearch.workers.models.npz import unpack
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.segments.components import loss_of
from hpsearch.workers.segments.segment import Segment
from hpsearch.workers.segments.trainable import data_of

if TYPE_CHECKING:
    from hpsearch.workers.models.torch_network import TorchNetwork

_ONE_MODULE = threading.RLock()
"""PyTorch has one generator of random numbers a process: workers that are threads train modules one by one."""


@contextmanager
def exactly(plugin: Plugin) -> Iterator[None]:
    """Where the model is a module: train with PyTorch as reproducible as it can be."""
    if plugin.kind != "module":
        yield
        return
    from hpsearch.workers.models.torch_network import exact

    with _ONE_MODULE, exact(own_numbers=True):
        yield


def module_network(segment: Segment, split: Split, plugin: Plugin) -> tuple[Trained, Optimiser]:
    """The module of a segment's only trial, where it continues, and its optimiser."""
    (task,) = segment.tasks
    data = data_of(split, common_seed(segment.seed, segment.replicate))
    network = module_of(plugin, data, segment.seed, task.key, segment.replicate, task.configuration)
    if task.state is not None:
        network.load(0, unpack(task.state))
    return network, network.updates


def module_of(
    plugin: Plugin, data: Data, seed: int, key: tuple[str, int], replicate: int, configuration: Configuration
) -> "TorchNetwork":
    """The module of a trial before its first epoch. Raises ModelError if it cannot be made or trained on the data."""
    from hpsearch.workers.models.torch_network import TorchNetwork

    first = int(generator(seed, "weights", *key, replicate).integers(2**63))
    return TorchNetwork(plugin, data, first, configuration, loss_of(configuration.training))
