"""What a study came to, as one hash; and a study file made of parts."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tiny import TINY, url

from hpsearch.search.verify.checks import study_digest
from hpsearch.storage import reading
from hpsearch.storage.database import open_to_read
from hpsearch.storage.integrity import check_integrity

HEAD = TINY.split("[[stage]]")[0]
SPACE = "space.lambda = { low = 1e-5, high = 1e-1, log = true }\nspace.eta = { low = 1e-2, high = 0.5, log = true }\n"
FINE = '[[stage]]\nname = "fine"\nsampler.kind = "grid"\nspace.eta = { around = "coarse", best = 1, points = 3 }\n'
FINAL = "[final]\nreplicates = 2\n"


def coarse(sampler: str, *more: str) -> str:
    """The first stage with this sampler, and with what else it has."""
    return "\n".join(['[[stage]]\nname = "coarse"', f"sampler = {{ {sampler} }}", *more, SPACE])


def random(trials: int, *more: str) -> str:
    """The first stage, with so many random trials."""
    return coarse(f'kind = "random", trials = {trials}', *more)


def made(*parts: str, name: str = "tiny") -> str:
    """A study file of TINY's beginning and these stages."""
    return HEAD.replace('"tiny"', f'"{name}"') + "\n".join(parts)


def end(folder: Path, name: str = "tiny") -> str:
    """The digest of a study, which must be complete, in a database that holds together."""
    engine = open_to_read(url(folder))
    with closing(engine.connect()) as connection:
        row = reading.get_study(connection, name)
        assert row.state == "complete"
        assert check_integrity(connection) == []
        found = study_digest(connection, row)
    engine.dispose()
    return found


def params(rows: Sequence[dict]) -> list[tuple]:
    """The configurations of some trials."""
    return [tuple(sorted(row["params"].items())) for row in rows]
