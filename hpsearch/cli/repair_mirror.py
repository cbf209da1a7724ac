"""`repair-mirror`: write what Optuna and its dashboard show of a study anew. Imports what it needs late."""

import click

from hpsearch.cli.options import name_argument, storage_option
from hpsearch.cli.output import exit_on_signal, json_option, print_json


@click.command("repair-mirror")
@name_argument
@storage_option
@json_option
def repair_mirror(name: str, storage: str, as_json: bool) -> None:
    """Write anew what Optuna's tables show of study NAME.

    The results are in hpsearch's own tables, and are not changed. In Optuna's tables, which optuna-dashboard shows,
    stages that were deleted there come back, and trials that another program added to them are deleted. The study may
    not be running.
    """
    from hpsearch.search.repair import repair_mirror as write_anew

    exit_on_signal()  # rows that are not committed are discarded
    names = write_anew(name, storage)
    if as_json:
        return print_json({"study": name, "optuna_studies": names})
    return click.echo(f"study {name!r}: {len(names)} Optuna stud{'y' if len(names) == 1 else 'ies'} written anew")
