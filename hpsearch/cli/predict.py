"""`predict`: the winner's predictions for a table. Imports what it needs late."""

import sys
from pathlib import Path
from typing import Any

import click

from hpsearch.cli.options import data_dir_option, name_argument, storage_option, trust_option
from hpsearch.cli.output import exit_on_signal, json_option, print_json
from hpsearch.errors import InputError
from hpsearch.text import visible_line


@click.command()
@name_argument
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file to write, .csv or .parquet [default: standard output, as CSV].",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "parquet"]),
    help="The format of the output [default: by the name of --out].",
)
@click.option("--probabilities", is_flag=True, help="Write the probability of each class as well.")
@click.option(
    "--keep", multiple=True, metavar="COLUMN", help="Copy this column of TABLE to the output; may be repeated."
)
@click.option(
    "--label",
    metavar="COLUMN",
    help="The column of true labels, by which the predictions are scored [default: the study's label, if it is there].",
)
@click.option(
    "--trial",
    metavar="STAGE:NUMBER",
    help="The trial, e.g. fine:3 [default: final:all if there is one, else the first of [final], else the best].",
)
@trust_option
@data_dir_option
@storage_option
@json_option
def predict(
    name: str,
    table: Path,
    out: Path | None,
    format_name: str | None,
    keep: tuple[str, ...],
    label: str | None,
    trial: str | None,
    storage: str,
    data_dir: Path | None,
    as_json: bool,
    probabilities: bool,
    trust_model: bool,
) -> None:
    """Predict the rows of TABLE, a CSV or Parquet file, with the model that study NAME found.

    TABLE has the columns that the study was trained on, in any order. The output has a row for each of its rows, in
    their order. If it has the column of labels as well, the score is said.
    """
    from hpsearch.api.results import load_results
    from hpsearch.exporting.predictions.predict import Wanted, predict_file

    exit_on_signal()
    if as_json and out is None:
        raise InputError("--json needs --out, since the predictions are printed otherwise")
    results = load_results(name, storage, data_dir, trust_model=trust_model)
    model: Any = results.regressor(trial) if results.frames.regression else results.classifier(trial)
    study = results.frames.written
    assert study is not None  # its model was loaded
    done = predict_file(model, study, table, out, Wanted(keep, probabilities, label, format_name), sys.stdout)
    which = f"trial {model.model.trial}"
    if as_json:
        found = {"rows": done.rows, "labelled": done.scored, "metric": done.metric, "score": done.score}
        found["unseen"] = dict(done.unseen)
        print_json({"study": name, "trial": model.model.trial, "out": str(out), **found})
        return
    rows = "1 row" if done.rows == 1 else f"{done.rows:,} rows"
    print(f"hpsearch: {rows} predicted by {which}{f', in {out}' if out else ''}", file=sys.stderr)
    if done.unseen:
        listed = ", ".join(f"{name} in {number:,} row{'s' * (number != 1)}" for name, number in done.unseen.items())
        print(visible_line(f"hpsearch: categories that training never saw: {listed}"), file=sys.stderr)
    if done.score is not None:
        part = "" if done.scored == done.rows else f" on the {done.scored:,} with a label"
        print(f"hpsearch: {done.shown}{part}", file=sys.stderr)
