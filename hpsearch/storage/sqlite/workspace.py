"""Which workspace a command belongs to, and so its database and its reports. May import `hpsearch.platform`."""

from pathlib import Path

from hpsearch.platform import user
from hpsearch.storage import DEFAULT_URL

_DATABASE = Path(DEFAULT_URL.removeprefix("sqlite:///"))


def workspace() -> Path:
    """The workspace of the current folder: that folder, or the nearest one above it that is a workspace of this user.

    A workspace has a database of studies, or folders of studies and of models. It is relative to the current folder.
    """
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return Path()
    for up, folder in enumerate((here, *here.parents)):
        if _is_workspace(folder):
            return Path(*[".."] * up)
    return Path()


def _is_workspace(folder: Path) -> bool:
    try:
        known = (folder / _DATABASE).is_file() or all((folder / name).is_dir() for name in ("studies", "models"))
        return known and user() in (None, folder.stat().st_uid)  # what others put above us is not ours to use
    except OSError:
        return False


def default_url() -> str:
    """The database, where neither --storage nor the environment names one."""
    return f"sqlite:///{(workspace() / _DATABASE).as_posix()}"


def default_reports() -> Path:
    """The folder of reports, where --reports names none."""
    return workspace() / "reports"
