"""What a shell completes: commands and options (click's part), names of studies, study files. May import storage."""

import shlex
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from hpsearch.errors import HpsearchError

PROGRAM, VARIABLE = "hpsearch", "_HPSEARCH_COMPLETE"

WHERE = {
    "bash": 'put eval "$(hpsearch completion bash)" into ~/.bashrc',
    "zsh": 'put eval "$(hpsearch completion zsh)" into ~/.zshrc',
    "fish": "hpsearch completion fish > ~/.config/fish/completions/hpsearch.fish",
}
"""What a user does with a shell's script."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script with which SHELL completes commands, options, studies and study files."""
    click.echo(script(shell))


def script(shell: str) -> str:
    """Return what makes a shell complete our commands: it asks this program, which answers by `VARIABLE`."""
    kind = get_completion_class(shell)
    assert kind is not None, f"click knows {shell}"
    maker = kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE)
    return (
        f"{(maker.source_template % maker.source_vars()).strip()}\n\n# {WHERE[shell]}"  # zsh wants its own line first
    )


def study_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Studies of the database that the command line names; none if there is none, or it is not to be had."""
    from sqlalchemy.exc import SQLAlchemyError

    from hpsearch.storage import DEFAULT_URL, reading
    from hpsearch.storage.database import opened_to_read

    try:
        with opened_to_read(context.params.get("storage") or DEFAULT_URL) as connection:
            names = reading.study_names(connection)
    except (HpsearchError, SQLAlchemyError):
        return []
    whole = [name for name in names if shlex.quote(name) == name]  # a shell would take others apart
    return [CompletionItem(name) for name in whole if name.startswith(incomplete)]


def study_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Study files here and in studies/; elsewhere, any file."""
    near = [*Path.cwd().glob("*.toml"), *Path.cwd().glob("studies/*.toml")]
    names = sorted(str(path.relative_to(Path.cwd())) for path in near)
    found = [name for name in names if name.startswith(incomplete) and shlex.quote(name) == name]
    return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, type="file")]
