"""`gradcheck`: the gradients of a model file against central differences. Imports what it needs late."""

from pathlib import Path
from typing import Any

import click

from hpsearch.cli.output import json_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A parameter of the model, e.g. hidden=[50]."
)
@click.option("--features", type=click.IntRange(1), default=20, show_default=True, help="Features per sample.")
@click.option("--samples", type=click.IntRange(1), default=10, show_default=True, help="Samples in the batch.")
@click.option("--classes", type=click.IntRange(2), default=10, show_default=True)
@click.option("--loss", type=click.Choice(["cross_entropy", "hinge"]), default="cross_entropy", show_default=True)
@click.option(
    "--lambda",
    "lam",
    type=click.FloatRange(0),
    default=0.1,
    show_default=True,
    help="λ, the strength of the L2 regularisation.",
)
@click.option(
    "--h", type=click.FloatRange(0, min_open=True), default=1e-6, show_default=True, help="The step of the differences."
)
@click.option(
    "--epsilon",
    type=click.FloatRange(0, min_open=True),
    default=1e-3,
    show_default=True,
    help="Least denominator of the relative error.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, min_open=True),
    default=1e-6,
    show_default=True,
    help="Largest relative error that passes.",
)
@click.option(
    "--entries", type=click.IntRange(1), default=500, show_default=True, help="Most entries checked per parameter."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def gradcheck(model: Path, assignments: tuple[str, ...], **given: Any) -> int:
    """Check the gradients of a model file by finite differences.

    Compares them to central differences in float64. The relative error of a and n is |a - n| / max(epsilon, |a| + |n|).
    Exit status 1 if it is too large anywhere.
    """
    from hpsearch.cli.gradcheck.run import gradcheck as run

    return run(model, assignments, **given)
