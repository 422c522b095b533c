"""Whether the file of a store is whole, by SQLite's full check."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def find_fault(connection: sqlite3.Connection, schema: str = "main") -> str | None:
    """Return what the check complains of first, None when all is whole. It reads everything."""
    (found,) = connection.execute(f"PRAGMA {schema}.integrity_check(1)").fetchone()
    if found != "ok":
        return str(found).splitlines()[-1]
    lost = connection.execute(f"PRAGMA {schema}.foreign_key_check").fetchone()
    return f"a row of {lost[0]} belongs to one of {lost[2]} that is not there" if lost else None
