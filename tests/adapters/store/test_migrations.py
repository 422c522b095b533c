"""A store of an older version comes through with everything in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlite_utils import Database

from prober.adapters.store import schema
from prober.adapters.store.db import open_store
from prober.adapters.store.migrations import MIGRATIONS
from prober.adapters.store.migrations.m001_initial import m001_initial

if TYPE_CHECKING:
    from pathlib import Path

AT_MS = 1_790_000_000_000
VIEWS = {
    "v_results": "SELECT * FROM v_results ORDER BY probe, location, at_ms",
    "v_daily": "SELECT * FROM v_daily ORDER BY probe, location, day",
    "v_incidents": "SELECT number, probe, started_at, ended_at, uid FROM v_incidents ORDER BY number",
}
KEPT = ("meta", "probes", "intervals", "events", "rounds")


@pytest.fixture
def first_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a store as the first version left it, with a day of two probes and two locations in it."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (m001_initial,))
        open_store(path, now_ms=0).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"""
            INSERT INTO probes VALUES ('api', 'API', 'https://a.example/'), ('web', 'Web', 'https://b.example/');
            INSERT INTO series
              VALUES (1, 'api', 'here', {AT_MS}), (2, 'web', 'here', {AT_MS}), (7, 'api', 'there', {AT_MS});
            INSERT INTO intervals VALUES (1, {AT_MS}, 300000), (2, {AT_MS}, 300000), (7, {AT_MS}, 60000);
            WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 287)
            INSERT INTO results
              SELECT no, {AT_MS} + n * 300000 + no,
                CASE n % 9 WHEN 5 THEN 50312 WHEN 6 THEN 52 WHEN 7 THEN 20001 ELSE 20000 END,
                iif(n % 9 IN (5, 6), NULL, 1000 * n)
              FROM series, n;
            INSERT INTO result_details (series, at_ms, reason, detail, wait_us, lag_us, excerpt)
              SELECT series, at_ms, 'status', 'status 503, expected 2xx', 7, 8, 'out of order' FROM results
              WHERE code <> 20000;
            INSERT INTO incidents (uid, probe, location, kind, severity, started_at_ms, confirmed_at_ms, checks)
              VALUES ('u', 'api', 'here', 'down', 'P1', {AT_MS}, {AT_MS}, 3);
            INSERT INTO events (uid, kind, probe, location, incident, at_ms, facts)
              VALUES ('e', 'down_opened', 'api', 'here', 1, {AT_MS}, '{{}}');
            INSERT INTO rounds VALUES (1, 'here', {AT_MS}, {AT_MS}, 2, 0, 'web-1', 7);
        """)
    return path


def seen(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        queries = VIEWS | {table: f"SELECT * FROM {table}" for table in KEPT}
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def test_what_the_first_version_stored_reads_the_same(first_version: Path) -> None:
    before = seen(first_version)
    assert len(before["v_results"]) == 3 * 288
    open_store(first_version, now_ms=1).close()
    assert seen(first_version) == before


def test_the_keys_of_a_store_that_came_from_the_first_version_hold(first_version: Path) -> None:
    with closing(open_store(first_version, now_ms=1)) as store:
        assert store.rows("PRAGMA foreign_key_check") == []
        assert store.rows("PRAGMA integrity_check")[0][0] == "ok"
        store.write("DELETE FROM results WHERE series = 1")
        left = store.rows("SELECT DISTINCT series FROM result_details ORDER BY series")
        assert [row["series"] for row in left] == [2, 7]


def test_a_store_from_the_first_version_has_the_tables_of_a_new_one(first_version: Path, tmp_path: Path) -> None:
    def tables(path: Path) -> set[tuple[str, str]]:
        open_store(path, now_ms=1).close()
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'")
            return {(name, sql) for name, sql in rows if name != "_sqlite_migrations"}

    assert tables(first_version) == tables(tmp_path / "new.db")


def test_a_migration_needs_no_store_around_it() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for migration in MIGRATIONS:
            migration(Database(connection))
        assert connection.execute("SELECT * FROM v_daily").fetchall() == []
