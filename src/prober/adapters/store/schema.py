"""Which migrations a store has seen, and how those that it lacks are applied."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from prober.adapters.store.migrations import MIGRATIONS

if TYPE_CHECKING:
    import sqlite3

_SET = "prober"


def all_known() -> set[str]:
    """Return the names of the migrations that this version knows."""
    return {migration.__name__ for migration in MIGRATIONS}


def all_applied(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the migrations that the store has seen; none for an empty file."""
    table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlite_migrations'"
    if connection.execute(table).fetchone() is None:
        return set()
    names = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = :set", {"set": _SET})
    return {name for (name,) in names}


def migrate(connection: sqlite3.Connection, *, now_ms: int) -> None:
    """Apply what is pending, in the caller's transaction."""
    from sqlite_utils import Database  # noqa: PLC0415  costs 90 ms, and most runs have nothing to migrate
    from sqlite_utils.migrations import Migrations  # noqa: PLC0415

    migrations = Migrations(_SET)
    for migration in MIGRATIONS:
        migrations()(migration)
    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(
        """INSERT INTO meta (name, value) VALUES ('installation', :installation), ('created_at_ms', :now)
        ON CONFLICT DO NOTHING""",
        {"installation": secrets.token_hex(8), "now": str(now_ms)},
    )
