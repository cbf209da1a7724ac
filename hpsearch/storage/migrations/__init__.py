"""From the tables of an earlier version to those of this one: a module for each version, in order. May import Alembic.

A migration module has `VERSION`, the version that it leads to, and `migrate(operations)`, which changes the tables of
the version before it with Alembic's operations. It must be safe to run again where an earlier run was ended anywhere:
MySQL and MariaDB commit each change of a table by itself.
"""

from typing import Protocol

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from hpsearch.storage import schema
from hpsearch.storage.migrations import version4, version5, version6, version7, version8


class _Migration(Protocol):
    @property
    def VERSION(self) -> int: ...  # noqa: N802 - a constant of a module
    def migrate(self, operations: Operations) -> None: ...


MIGRATIONS: tuple[_Migration, ...] = (version4, version5, version6, version7, version8)

assert [migration.VERSION for migration in MIGRATIONS] == list(
    range(schema.OLDEST_VERSION + 1, schema.SCHEMA_VERSION + 1)
)


def migrate(connection: Connection, found: int) -> None:
    """Bring the tables of version `found` to this one's; the caller commits."""
    operations = Operations(MigrationContext.configure(connection))
    for migration in MIGRATIONS:
        if found < migration.VERSION:
            migration.migrate(operations)
            connection.execute(schema.versions.update().values(version=migration.VERSION))
