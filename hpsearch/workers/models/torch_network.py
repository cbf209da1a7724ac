"""A PyTorch module in place of a network of layers: one trial, trained and measured by the code of `hpsearch.nn`.

So batches, flips, schedules and what is measured are the same as of layers. May import trainables and PyTorch.
"""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hpsearch.data import class_weights
from hpsearch.errors import ModelError
from hpsearch.nn.losses import Loss
from hpsearch.nn.network import State
from hpsearch.spec import Configuration, Training
from hpsearch.trainables import Data
from hpsearch.workers.models.plugin import DEVICE, Plugin, called, check_types, on_one_line, shown
from hpsearch.workers.models.torch_training import Updates, loss_of

Array = npt.NDArray[Any]

_OPTIMISER = "optimiser:"
"""Before the names of the optimiser's arrays in a state; a module's own names have no colon."""


@contextmanager
def exact(*, own_numbers: bool = False) -> Iterator[None]:
    """One thread and deterministic algorithms, for a while; with `own_numbers`, the random numbers are set back too."""
    threads, strict = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic
    fills = memory.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    with torch.random.fork_rng(enabled=own_numbers), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, such as that lazy modules are new; they disturb progress bars
        try:
            torch.set_num_threads(1)
            torch.set_deterministic_debug_mode(
                "error"
            )  # `use_deterministic_algorithms` imports a compiler, for seconds
            memory.fill_uninitialized_memory = False  # it takes time; `check` finds who reads it
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_deterministic_debug_mode(strict)
            memory.fill_uninitialized_memory = fills


class TorchNetwork:
    """The module that a model file makes, with its optimiser, as `hpsearch.nn.network.Trained` has it.

    Parameters of two or more dimensions are weights, which λ regularises; biases and scales of normalisation are not.
    Raises ModelError, in one line, where the file makes no module that can be trained on these data.
    """

    trials = 1
    multiply_adds = 0  # they are not counted
    params: Mapping[str, Any] = {}  # `updates` has PyTorch's

    def __init__(self, plugin: Plugin, data: Data, seed: int, configuration: Configuration, loss: Loss) -> None:
        """seed: of the module's first weights. loss: what is measured; the one trained on is PyTorch's of its name."""
        parameters = configuration.parameters
        self._plugin, self.shape, self.outputs, self.loss = plugin, data.shape, data.outputs, loss
        self._device = self._device_of(parameters.pop(DEVICE, "cpu"))
        check_types(plugin, parameters)
        self._call = shown("module", parameters)
        with exact(own_numbers=True):
            torch.manual_seed(seed)
            self.module: nn.Module = called(plugin, self._call, lambda: plugin.function(data, **parameters))
            if not isinstance(self.module, nn.Module):
                raise self._error(f"must return a torch.nn.Module, got {on_one_line(self.module)}")
            self._check_outputs(torch.tensor(data.samples[:2]))
            self._check_parameters()
            self.module.to(self._device)
        learned = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        self.size = sum(p.numel() for p in learned.values())
        self._regularised = [p for p in learned.values() if p.ndim >= 2]
        self.updates = Updates(learned, configuration.training)
        self._prepare(configuration.training, data)

    def _prepare(self, training: Training, data: Data) -> None:
        weight = None
        if training.class_weight is not None:
            weights = class_weights(training.class_weight, data.labels, data.class_names)
            weight = torch.tensor(weights, dtype=torch.float32, device=self._device)
        self._loss = loss_of(training.loss, weight)
        self._tallied = training.curves == "running"  # elsewhere the scores of training are not used
        self._scores: Any = None

    def _error(self, rule: str) -> ModelError:
        return ModelError(f"{self._plugin.path}: {self._call} {rule}")

    def _device_of(self, given: Any) -> torch.device:
        try:
            found = torch.device(given)
        except (RuntimeError, TypeError):
            found = torch.device("meta")
        if found.type not in ("cpu", "cuda"):
            rule = "must be 'cpu', 'cuda' or one of several, such as 'cuda:1'"
            raise ModelError(f"{self._plugin.path}: {DEVICE} {rule}, got {on_one_line(given)}")
        there = torch.cuda.device_count()
        if found.type == "cuda" and (found.index or 0) >= there:
            rule = f"must be one that PyTorch finds on this machine, which has {there or 'no'} GPUs"
            raise ModelError(f"{self._plugin.path}: {DEVICE} {rule}, got {given!r}")
        return found

    def _check_outputs(self, samples: Any) -> None:
        what = f"the forward pass of {self._call} with samples {(len(samples), *self.shape)}"
        found = called(self._plugin, what, lambda: self._evaluated(samples))
        expected = (len(samples), self.outputs)
        if not isinstance(found, torch.Tensor) or not found.is_floating_point() or found.shape != expected:
            is_tensor = isinstance(found, torch.Tensor)
            got = f"{found.dtype} {tuple(found.shape)}".removeprefix("torch.") if is_tensor else on_one_line(found)
            rule = f"must give {self.outputs} numbers for each sample (data.outputs), {expected} as floats"
            raise self._error(f"{rule}, got {got}")

    def _check_parameters(self) -> None:
        """Refuse what no state can hold, and what cannot be trained."""
        for name, value in self.module.state_dict().items():
            if not isinstance(value, torch.Tensor):
                raise self._error(f"must keep its state in tensors, but {name!r} is {on_one_line(value)}")
            if nn.parameter.is_lazy(value):
                raise self._error(f"must use all its lazy parameters in its forward pass, but not {name!r}")
            if value.dtype == torch.bfloat16:
                raise self._error(f"must have parameters of a type that NumPy has, but {name!r} is bfloat16")
        if not any(p.requires_grad for p in self.module.parameters()):
            raise self._error("must have parameters to train, it has none")

    # Training

    def begin_epoch(self, rngs: Sequence[np.random.Generator]) -> None:
        """Seed PyTorch's random numbers, from which dropout draws, for this epoch of this trial."""
        torch.manual_seed(int(rngs[0].integers(2**63)))
        self.module.train()

    def forward(self, x: Array, training: bool = False) -> Array:
        """Outputs of samples x (N, D), (1, N, C) or (1, N, T); in training they are kept for `propagate`."""
        if not training:
            with exact():
                found = self._evaluated(torch.tensor(x).to(self._device))
        else:
            inputs = torch.from_numpy(x).to(self._device)
            self._scores = found = self.module(inputs.view(len(x), *self.shape))
            if not self._tallied:
                return np.empty((1, 0, 0), np.float32)  # from a GPU they would have to be waited for
        outputs: Array = found.detach().float().cpu().numpy()[None]
        return outputs

    def _evaluated(self, samples: Any) -> Any:
        self.module.eval()
        with torch.no_grad():
            return self.module(samples.view(len(samples), *self.shape))

    def propagate(self, scores: Array, y: Array) -> None:
        """Set the gradients of the mean loss of the batch that went `forward`."""
        loss = self._loss(self._scores, torch.from_numpy(y).to(self._device))
        loss.backward()
        self._scores = None

    def squared_norm(self, k: int) -> float:
        """Σ‖W‖² over the weights; biases do not count."""
        return sum(float(p.detach().double().square().sum()) for p in self._regularised)

    # What is kept

    def weights(self, k: int) -> State:
        """The parameters and buffers by the module's own names: `load_state_dict` takes them as tensors."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.module.state_dict().items()}

    def state(self, k: int) -> State:
        """The weights, and what the optimiser keeps of each parameter."""
        return self.weights(k) | {f"{_OPTIMISER}{name}": array for name, array in self.updates.state().items()}

    def load(self, k: int, state: State) -> None:
        """Load a `state` or `weights` into a module just made. Raises ModelError where it has other parameters."""
        own = {name: array for name, array in state.items() if not name.startswith(_OPTIMISER)}
        made = {name: tuple(value.shape) for name, value in self.module.state_dict().items()}
        saved = {name: array.shape for name, array in own.items()}
        if differ := sorted({name for name, _ in saved.items() ^ made.items()}):
            rule = "must make the same parameters each time, but other ones were saved"
            raise self._error(f"{rule}: {', '.join(differ[:3])}{', …' * (len(differ) > 3)}")
        self.module.load_state_dict({name: torch.tensor(array) for name, array in own.items()})
        kept = {name.removeprefix(_OPTIMISER): array for name, array in state.items() if name not in own}
        self.updates.load(kept)
