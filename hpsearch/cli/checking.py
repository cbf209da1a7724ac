"""`gradcheck`: compare a model file's gradients with numeric ones. May import nn, workers and rich."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hpsearch.errors import InputError, ModelError, nearest
from hpsearch.nn import Network
from hpsearch.nn.gradcheck import ParameterCheck, check
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.random import generator
from hpsearch.workers.plugin import layers, read_plugin


def gradcheck(
    model: Path,
    settings: tuple[str, ...],
    *,
    features: int,
    images: int,
    classes: int,
    loss: str,
    lam: float,
    h: float,
    epsilon: float,
    tolerance: float,
    entries: int,
    seed: int,
) -> int:
    """Print a table of the checks; return 1 if any relative error exceeds the tolerance."""
    plugin = read_plugin(model)
    parameters = dict(_setting(text, plugin.parameters) for text in settings)
    made = layers(plugin, classes, parameters)
    rng = generator(seed, "gradcheck")
    try:
        network = Network(made, inputs=features, rows=(images,), dtype="float64", loss=LOSSES[loss]())
        network.initialise(0, generator(seed, "weights"))
        x = rng.standard_normal((images, features))
        y = rng.integers(classes, size=images)
        found = check(network, x, y, np.array([lam]), h=h, eps=epsilon, sample=entries, rng=rng)
    except Exception as error:
        raise ModelError(f"{model}: the layers failed: {type(error).__name__}: {error}") from error
    failed = [c for c in found if not c.relative_error <= tolerance]  # so that NaN fails
    _print(found, tolerance)
    verdict = f"{len(failed)} of {len(found)} parameters fail" if failed else f"all {len(found)} parameters pass"
    worst = max(found, key=lambda c: (np.isnan(c.relative_error), c.relative_error))
    print(
        f"{verdict} (relative error at most {tolerance:g}); the worst entry is {worst.name}{_index(worst)}: "
        f"analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g}"
    )
    return 1 if failed else 0


def _setting(text: str, known: tuple[str, ...]) -> tuple[str, Any]:
    key, _, value = text.partition("=")
    if key not in known:
        raise InputError(f"--set {text}: {key!r} is not a parameter of the model{nearest(key, known)}")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        raise InputError(f"--set {text}: must be KEY=VALUE with a value as TOML writes it, e.g. hidden=[50]") from None


def _index(c: ParameterCheck) -> str:
    return f"[{', '.join(map(str, c.index))}]"


def _print(found: list[ParameterCheck], tolerance: float) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("parameter")
    for heading in ("entries", "relative error", "absolute difference"):
        table.add_column(heading, justify="right")
    table.add_column("worst entry")
    for heading in ("analytic", "numeric"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for c in found:
        cells = (
            c.name,
            str(c.entries),
            f"{c.relative_error:.2e}",
            f"{c.absolute_difference:.2e}",
            _index(c),
            f"{c.analytic:.6g}",
            f"{c.numeric:.6g}",
            "ok" if c.relative_error <= tolerance else "FAILS",
        )
        table.add_row(*cells)
    Console(width=None if Console().is_terminal else 140).print(table, markup=False, highlight=False)
