"""hpsearch: hyperparameter search for small networks: exact, resumable, and honest about chance."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpsearch.reporting.results import Results

__version__ = "0.1.0"


def load(name: str, storage: str = "sqlite:///studies/hpsearch.db") -> "Results":
    """Return a study's results as pandas frames and figures, finished or not; a notebook shows them.

    >>> hpsearch.load("mlp").ranking  # doctest: +SKIP

    Raises StorageError for a database that cannot be read, or a name that it does not hold.
    """
    from hpsearch.reporting import load_results
    from hpsearch.storage.database import open_to_read

    return load_results(open_to_read(storage), name)
