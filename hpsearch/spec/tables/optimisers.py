"""Optimisers: [training].optimiser. May import pydantic."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from hpsearch.spec.messages import TAG
from hpsearch.spec.tables.base import LARGEST, Positive, Table, of_kind, tag_of

Decay = Annotated[float, Field(ge=0, lt=1)]
"""The share of a running mean that one update keeps."""


class Sgd(Table):
    """Stochastic gradient descent."""

    kind: Literal["sgd"] = "sgd"


class Momentum(Table):
    """Stochastic gradient descent with momentum."""

    kind: Literal["momentum"]
    momentum: Decay = 0.9
    """μ: the share of the last step that is kept."""


class Nesterov(Table):
    """Stochastic gradient descent with Nesterov's momentum."""

    kind: Literal["nesterov"]
    momentum: Decay = 0.9
    """μ: the share of the last step that is kept."""


class Adam(Table):
    """Adam (Kingma & Ba 2015)."""

    kind: Literal["adam"]
    beta1: Decay = 0.9
    """β₁: the share of the gradients' running mean that is kept."""
    beta2: Decay = 0.999
    """β₂: the share of the squared gradients' running mean that is kept."""
    epsilon: Positive = 1e-8
    """ε, added to the denominator."""


class AdamW(Table):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), which replaces λ, the L2 regularisation."""

    kind: Literal["adamw"]
    beta1: Decay = 0.9
    """β₁: the share of the gradients' running mean that is kept."""
    beta2: Decay = 0.999
    """β₂: the share of the squared gradients' running mean that is kept."""
    epsilon: Positive = 1e-8
    """ε, added to the denominator."""
    weight_decay: Annotated[float, Field(ge=0, le=LARGEST)] = 0.01
    """Each update multiplies the weights by 1 − η · this; λ must be 0."""


OPTIMISERS = (Sgd, Momentum, Nesterov, Adam, AdamW)


def _table(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


def written_out(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys of [training] with `optimiser = "adam"` written out as a table."""
    return {key: _table(value) if key == "optimiser" else value for key, value in training.items()}


Optimiser = Annotated[
    Annotated[Sgd, Tag(TAG + "sgd")]
    | Annotated[Momentum, Tag(TAG + "momentum")]
    | Annotated[Nesterov, Tag(TAG + "nesterov")]
    | Annotated[Adam, Tag(TAG + "adam")]
    | Annotated[AdamW, Tag(TAG + "adamw")],
    Discriminator(tag_of),
    of_kind("sgd", "momentum", "nesterov", "adam", "adamw"),
    BeforeValidator(_table),
]
