"""`completion`: the script of a shell, and the completion of study names and study files. May import storage."""

import shlex
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from hpsearch.errors import HpsearchError

PROGRAM, VARIABLE = "hpsearch", "_HPSEARCH_COMPLETE"

INSTALLATION = {
    "bash": 'put eval "$(hpsearch completion bash)" into ~/.bashrc',
    "zsh": 'put eval "$(hpsearch completion zsh)" into ~/.zshrc',
    "fish": "hpsearch completion fish > ~/.config/fish/completions/hpsearch.fish",
}
"""How a user installs the script of a shell."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL. It completes commands, options, studies and study files."""
    click.echo(script(shell))


def script(shell: str) -> str:
    """Return a shell's completion script: it calls this program with `VARIABLE` set, which prints the completions."""
    kind = get_completion_class(shell)
    assert kind is not None, f"click knows {shell}"
    maker = kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE)
    source = (maker.source_template % maker.source_vars()).strip()  # zsh needs its own line to be the first
    return f"{source}\n\n# {INSTALLATION[shell]}"


def study_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the studies of the database that the command line names; none where it cannot be read."""
    from sqlalchemy.exc import SQLAlchemyError

    from hpsearch.storage import reading
    from hpsearch.storage.database import opened_to_read
    from hpsearch.storage.sqlite.workspace import default_url

    try:
        with opened_to_read(context.params.get("storage") or default_url()) as connection:
            names = reading.study_names(connection)
    except (HpsearchError, SQLAlchemyError):
        return []
    unquoted = [name for name in names if shlex.quote(name) == name]  # a shell would split others into words
    return [CompletionItem(name) for name in unquoted if name.startswith(incomplete)]


def study_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the study files here and in studies/; elsewhere, any file."""
    near = [*Path.cwd().glob("*.toml"), *Path.cwd().glob("studies/*.toml")]
    names = sorted(str(path.relative_to(Path.cwd())) for path in near)
    found = [name for name in names if name.startswith(incomplete) and shlex.quote(name) == name]
    return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, type="file")]
