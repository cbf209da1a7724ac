"""Rows with blobs, read only where these are what was written. May import SQLAlchemy and `hpsearch.errors`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, null, select
from sqlalchemy.engine import result_tuple

from hpsearch.errors import DamagedError
from hpsearch.storage import schema
from hpsearch.storage.damage.checksums import blobs_of, checksum

TABLES = (schema.weights, schema.predictions, schema.labels)
_AT_ONCE = 20

Key = Mapping[str, Any]


def intact(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """The rows of a query, each once its blobs have been compared with their checksums.

    Raises DamagedError, with the trial and what of it is lost.
    """
    columns = list(query.selected_columns)
    blobs = _blobs(columns)
    more = [beside for _, beside in blobs]
    keys = {column.table: [*column.table.primary_key] for column, _ in blobs}
    more += [column for key in keys.values() for column in key]
    result = connection.execute(query.add_columns(*more))
    made = result_tuple([column.name for column in columns])
    places = [(columns.index(column), len(columns) + number, column) for number, (column, _) in enumerate(blobs)]
    for row in result:
        for at, beside, column in places:
            if checksum(row[at]) != row[beside]:
                result.close()
                key = dict(
                    zip([each.name for each in more[len(blobs) :]], row[len(columns) + len(blobs) :], strict=True)
                )
                raise DamagedError(f"{_named(connection, key)}: {_lost(column, key, row[at], row[beside])}")
        yield made(row[: len(columns)])


def _blobs(columns: Sequence[Any]) -> list[tuple[Column[Any], Column[Any]]]:
    """Those of the columns that are blobs of our tables, each with the column of its checksum."""
    return [
        (column, blobs_of(column.table)[column.name])
        for column in columns
        if getattr(column, "table", None) in TABLES and column.name in blobs_of(column.table)
    ]


def require_intact(connection: Connection, study_id: int) -> None:
    """Raise DamagedError for the first blob of a study that is not what was written."""
    query = select(schema.studies.c.name, schema.stages.c.id).join_from(schema.studies, schema.stages)
    for name, stage_id in connection.execute(query.where(schema.studies.c.id == study_id)).all():
        for problem in damaged(connection, stage_id):
            raise DamagedError(f"study {name!r}, {problem}")


def damaged(connection: Connection, stage_id: int) -> Iterator[str]:
    """All blobs of a stage that are not what was written, a line each."""
    for table in TABLES:
        names, key = blobs_of(table), list(table.primary_key)
        samples = table.c.get("samples", null())
        query = select(*key, *(table.c[name] for name in names), *names.values(), samples)
        if table is schema.labels:
            query = query.where(table.c.stage_id == stage_id)
        else:
            query = query.join_from(table, schema.trials).where(schema.trials.c.stage_id == stage_id)
        lost = []
        for row in connection.execute(query.order_by(*key).execution_options(yield_per=_AT_ONCE)):
            found, contents, checksums = row[: len(key)], row[len(key) :], row[len(key) + len(names) :]
            for name, content, beside in zip(names, contents, checksums, strict=False):
                place = dict(zip((column.name for column in key), found, strict=True))
                if checksum(content) != beside:
                    lost.append((place, _lost(table.c[name], place, content, beside)))
                elif content and (rule := _of_another_size(name, content, row[-1])):
                    lost.append((place, f"{_WORDS[name](place)} {rule}"))
        for place, what in lost:
            yield f"{_named(connection, place, whole=False)}: {what}"


def _of_another_size(name: str, content: bytes, samples: int) -> str | None:
    """How a blob that is as it was stored, by another program, does not fit its row."""
    sizes = {"correct": ((samples or 0) + 7) // 8, "outputs": 4 * (samples or 1), "predicted": samples or 1}
    size = sizes.get(name)
    if size is None or (len(content) == size if name == "correct" else size and len(content) % size == 0):
        return None
    return f"are {len(content):,} bytes, which {samples:,} samples do not give"


def _named(connection: Connection, key: Key, *, whole: bool = True) -> str:
    """The stage or the trial that a row belongs to, `whole` with the study."""
    trial, stage, study = schema.trials.c, schema.stages.c, schema.studies.c
    query = select(study.name, stage.name, trial.number).select_from(
        schema.stages.outerjoin(schema.studies).outerjoin(schema.trials)
    )
    wanted = trial.id == key["trial_id"] if "trial_id" in key else stage.id == key["stage_id"]
    row = connection.execute(query.where(wanted).limit(1)).one_or_none()
    if row is None:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in key.items())
    place = f"trial {row[1]}:{row[2]}" if "trial_id" in key else f"stage {row[1]!r}"
    return f"study {row[0]!r}, {place}" if whole else place


def _lost(column: Column[Any], key: Key, content: bytes | None, beside: int | None) -> str:
    """What of a trial or a stage is lost, and how that is known."""
    what = _WORDS[column.name](key)
    if content is None:
        return f"{what} are lost: there is a checksum, but no content"
    size = f"{len(content):,} bytes" if isinstance(content, bytes) else f"a {type(content).__name__}"
    if beside is None:
        return f"{what} are lost: {size} without a checksum"
    return f"{what} are lost: {size} with the checksum {_shown(checksum(content))}, {_shown(beside)} was stored"


def _shown(number: Any) -> str:
    return f"{number:08x}" if isinstance(number, int) else repr(number)


_WORDS: dict[str, Callable[[Key], str]] = {
    "content": lambda key: "its best weights" if key["kind"] == "best" else "the weights that it would go on from",
    "correct": lambda key: f"its correct predictions of the {key['split']} samples in epoch {key['epoch']}",
    "predicted": lambda key: f"its predicted classes of the {key['split']} samples in epoch {key['epoch']}",
    "outputs": lambda key: f"its outputs for the {key['split']} samples in epoch {key['epoch']}",
    "labels": lambda key: f"the labels of its {key['split']} samples of fold {key['fold']}",
    "scale": lambda key: f"the mean and deviation of its {key['split']} samples' targets of fold {key['fold']}",
}
