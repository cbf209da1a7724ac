"""`replay`: what another pruner or a smaller budget would have chosen. Imports what it needs late."""

import click

from hpsearch.cli.options import name_argument, storage_option
from hpsearch.cli.output import exit_on_signal, json_option


@click.command()
@name_argument
@click.option("--pruner", metavar="TABLE", help="A pruner as in a study file, e.g. '{ kind = \"halving\" }'.")
@click.option(
    "--sampler",
    metavar="TABLE",
    help="A sampler as in a study file (random, qmc, tpe, gp); it chooses among the configurations that were trained.",
)
@click.option(
    "--trials", type=click.IntRange(min=1), metavar="N", help="How many configurations to train [default: all]."
)
@click.option("--stage", metavar="NAME", help="Only this stage [default: each that has begun].")
@click.option(
    "--orders",
    type=click.IntRange(2, 100_000),
    metavar="N",
    help="How many random orders of the configurations [default: 200; 20 with qmc, tpe and gp].",
)
@storage_option
@json_option
def replay(
    name: str,
    pruner: str | None,
    sampler: str | None,
    trials: int | None,
    stage: str | None,
    orders: int | None,
    storage: str,
    as_json: bool,
) -> None:
    """Tell what another pruner, sampler or number of trials would have chosen and saved in study NAME.

    The search is replayed on the stored learning curves, in random orders; nothing is trained. Only configurations that
    trained to their end take part.
    """
    from hpsearch.cli.replay.run import run

    exit_on_signal()
    run(name, storage, pruner, sampler, trials, stage, orders, as_json=as_json)
