"""What a user can type. May import click; all else inside the commands, so that `hpsearch --help` is quick."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hpsearch import __version__
from hpsearch.errors import InputError, nearest
from hpsearch.storage import DEFAULT_URL

Command = TypeVar("Command", bound=Callable[..., Any])


class _Group(click.Group):
    """Commands in the order in which a user meets them; an unknown one is answered with the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise InputError(f"{args[0]!r} is not a command{nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hpsearch")
def cli() -> None:
    """Search hyperparameters of small networks: write a study file, launch it, read the report."""


def _storage(command: Command) -> Command:
    return click.option("--storage", default=DEFAULT_URL, show_default=True, metavar="URL", help="The database.")(
        command
    )


def _data_dir(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where datasets are [default: $HPSEARCH_DATA, or the user's cache].",
    )(command)


def _running(command: Command) -> Command:
    """The options of the commands that run a study."""
    for option in (
        click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
        click.option(
            "--reports",
            type=click.Path(path_type=Path),
            default=Path("reports"),
            show_default=True,
            metavar="DIR",
            help="Where the report goes.",
        ),
        _data_dir,
        click.option(
            "--backend",
            type=click.Choice(["loky", "threading"]),
            default="loky",
            show_default=True,
            help="What runs the workers; threading is for debugging.",
        ),
        click.option(
            "--workers", type=click.IntRange(1, 1024), metavar="N", help="Worker processes [default: one a core]."
        ),
    ):
        command = option(command)
    return _storage(command)


@cli.command()
@click.argument("study_file", type=click.Path(path_type=Path))
@click.option("--or-resume", is_flag=True, help="Go on with the study if it was launched before.")
@_running
def launch(study_file: Path, or_resume: bool, **given: Any) -> int:
    """Check STUDY_FILE, run the search it describes, and write the report."""
    from hpsearch.cli.running import run_launch

    return run_launch(study_file, or_resume=or_resume, **given)


@cli.command()
@click.argument("name")
@click.option(
    "--accept-changes", is_flag=True, help="Go on although the model file has changed; unfinished trials begin anew."
)
@_running
def resume(name: str, **given: Any) -> int:
    """Go on with study NAME where it was stopped, and write the report."""
    from hpsearch.cli.running import run_resume

    return run_resume(name, **given)


@cli.command()
@click.argument("name", required=False)
@click.option("--trial", metavar="STAGE:NUMBER", help="Show this trial of NAME, with its traceback if it failed.")
@click.option("--failures", is_flag=True, help="Show all failed trials of NAME, with their tracebacks.")
@_storage
def status(name: str | None, trial: str | None, failures: bool, storage: str) -> None:
    """List all studies, or the stages of study NAME and why its trials failed."""
    from hpsearch.cli.standing import show_overview, show_study

    if name is not None:
        show_study(name, storage, trial, failures=failures)
    elif trial is not None or failures:
        raise InputError(f"{'--trial' if trial is not None else '--failures'} needs a study: hpsearch status NAME …")
    else:
        show_overview(storage)


@cli.command()
@click.argument("name")
@_storage
def digest(name: str, storage: str) -> None:
    """Print a hash of what study NAME came to: the same for every run of the same study."""
    from hpsearch.cli.verifying import print_digest

    print_digest(name, storage)


@cli.command()
@click.argument("name")
@click.option("--trial", metavar="STAGE:NUMBER", help="Retrain this trial, as fine:3 [default: one drawn at random].")
@click.option("--all", "everything", is_flag=True, help="Retrain every trial.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N", help="Which trial is drawn.")
@_data_dir
@_storage
def verify(name: str, storage: str, **given: Any) -> int:
    """Check that study NAME is what it says: the database, the ranking, the plan, and a trial trained again.

    Changes nothing. Exit status 1 if anything differs.
    """
    from hpsearch.cli.verifying import run_verify

    return run_verify(name, storage, **given)


@cli.command()
@click.argument("name")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Where the report goes.",
)
@click.option(
    "--format",
    "formats",
    default="html,md,csv",
    show_default=True,
    metavar="LIST",
    help="Of html, md, csv, parquet, tex, pdf, png, svg.",
)
@click.option("--trials", metavar="LIST", help="Draw these trials too: 3,7 of the last search, or fine:3,final:0.")
@click.option("--examples", is_flag=True, help="Show test images of the most confused classes.")
@click.option("--watch", is_flag=True, help="Write it again every few seconds while the study runs.")
@_storage
def report(name: str, watch: bool, **given: Any) -> None:
    """Write the report of study NAME, finished or not."""
    from hpsearch.cli.looking import watch_report, write_report

    click.echo((watch_report if watch else write_report)(name, **given))


@cli.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME NAME …")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Where the comparison goes.",
)
@_storage
def compare(names: tuple[str, ...], reports: Path, storage: str) -> None:
    """Write one report about several studies: their best settings, tests between them, curves together."""
    from hpsearch.cli.looking import write_comparison

    click.echo(write_comparison(names, storage, reports))


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Whoever can reach it can delete studies.")
@_storage
def dashboard(port: int, host: str, storage: str) -> None:
    """Look inside with optuna-dashboard, in a browser; its notes lead to the reports."""
    from hpsearch.cli.serving import serve_dashboard

    serve_dashboard(storage, host, port)


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the model, e.g. hidden=[50]."
)
@click.option("--features", type=click.IntRange(1), default=20, show_default=True, help="Numbers per image.")
@click.option("--images", type=click.IntRange(1), default=10, show_default=True, help="Images in the batch.")
@click.option("--classes", type=click.IntRange(2), default=10, show_default=True)
@click.option("--loss", type=click.Choice(["cross_entropy", "hinge"]), default="cross_entropy", show_default=True)
@click.option("--lambda", "lam", type=click.FloatRange(0), default=0.1, show_default=True, help="Regularisation.")
@click.option("--h", type=click.FloatRange(0, min_open=True), default=1e-6, show_default=True, help="The step.")
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
@click.option("--entries", type=click.IntRange(1), default=500, show_default=True, help="Most entries per parameter.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def gradcheck(model: Path, settings: tuple[str, ...], **given: Any) -> int:
    """Compare the gradients of the model file MODEL with central differences, in float64.

    The relative error of a and n is |a - n| / max(epsilon, |a| + |n|). Exit status 1 if it is too large anywhere.
    """
    from hpsearch.cli.checking import gradcheck as run

    return run(model, settings, **given)


@cli.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_storage
def delete(name: str, yes: bool, storage: str) -> None:
    """Delete study NAME with all its results."""
    from hpsearch.search import launching

    if not yes:
        click.confirm(f"Delete study {name!r} and all its results from {storage}?", abort=True)
    launching.delete(name, storage)
    click.echo(f"study {name!r} is deleted; its report, if any, is left")


@cli.group(name="data", cls=_Group)
def data_group() -> None:
    """Fetch datasets; see and clear what was prepared from them."""


@data_group.command()
@click.argument("dataset")
@click.option("--layout", type=click.Choice(["python", "binary", "matlab"]), default="python", show_default=True)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to put it [default: $HPSEARCH_DATA, or the user's cache].",
)
@click.option("--url", metavar="URL", help="The archive's address, for a mirror.")
def fetch(dataset: str, layout: str, data_dir: Path | None, url: str | None) -> None:
    """Download DATASET, check it, and unpack it."""
    from hpsearch import data

    directory = data.data_directory(data_dir)
    click.echo(data.fetch(dataset, directory, layout=layout, url=url, progress=os.isatty(2)))


@data_group.command()
def clean() -> None:
    """Delete the prepared splits; they are made again when a study needs them."""
    from hpsearch import data

    click.echo(f"{data.clean() / 1e6:,.0f} MB freed")
