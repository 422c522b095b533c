"""docs/database.md describes the schema as it is, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store.results import append_results
from prober.core.facts import Phases
from prober.core.model import Outcome, Reason
from tests.adapters.store.builders import T0, begin, failed, know, queue, result

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

TEXT = (Path(__file__).parents[3] / "docs/database.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


def documented() -> dict[str, list[str]]:
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return {name: re.findall(r"^\| `(\w+)` \| \S", section, re.MULTILINE) for name, section in sections}


def test_every_table_view_and_column_is_documented_in_order(store: Store) -> None:
    names = store.rows(
        r"SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE '\_%' ESCAPE '\' "
        "AND name <> 'sqlite_sequence'"
    )
    actual = {
        name: [row["name"] for row in store.rows(f"SELECT name FROM pragma_table_info('{name}')")] for (name,) in names
    }
    assert documented() == actual


def test_all_our_tables_are_strict(store: Store) -> None:
    loose = store.rows("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict")
    assert {row["name"] for row in loose} == {"_sqlite_migrations", "sqlite_schema", "sqlite_sequence"}


@pytest.mark.parametrize("query", QUERIES)
def test_the_example_queries_work(store: Store, query: str) -> None:
    assert store.connection.execute(query).description


def test_v_results_undoes_the_packing(store: Store) -> None:
    know(store, "api")
    with store.transaction():
        append_results(
            store,
            [
                result(T0, clock="kernel", family="ipv6", latency_us=61_234),
                failed(
                    T0 + 300_001, clock="portable", family=None, status=None, reason=Reason.DNS, phases=Phases(dns_us=7)
                ),
                result(T0 + 600_000, outcome=Outcome.UNKNOWN, family="ipv4", latency_us=None, reason=Reason.BUSY),
            ],
        )
    rows = store.rows("SELECT at, outcome, reason, status, latency_ms, dns_ms, clock, family FROM v_results")
    assert [tuple(row) for row in rows] == [
        ("2026-09-21T14:13:20.000Z", "ok", None, 200, 61.234, None, "kernel", "ipv6"),
        ("2026-09-21T14:18:20.001Z", "failed", "dns", None, None, 0.007, "portable", None),
        ("2026-09-21T14:23:20.000Z", "unknown", "busy", 200, None, None, "portable", "ipv4"),
    ]
    day = store.rows("SELECT day, checks, ok, slow, failed, unknown, average_ms, longest_ms FROM v_daily")
    assert [tuple(row) for row in day] == [("2026-09-21", 3, 1, 0, 1, 1, 61.234, 61.234)]


def test_codes_read_as_documented(store: Store) -> None:
    know(store, "api")
    with store.transaction():
        append_results(
            store,
            [
                result(T0, clock="kernel", family="ipv4"),
                failed(T0 + 1, clock="portable", family="ipv4"),
                failed(T0 + 2, clock="portable", family=None, status=None),
            ],
        )
    codes = [row["code"] for row in store.rows("SELECT code FROM results")]
    assert codes == [20000, 50312, 52]
    assert all(f"`{code}`" in TEXT for code in codes)


def test_v_incidents_and_v_alerts_show_times_and_names(store: Store) -> None:
    know(store, "api")
    number = begin(store)
    queue(store, "e1", incident=number)
    incident = store.find("SELECT started_at, confirmed_at, announced_at, ended_at, duration_s FROM v_incidents")
    assert incident
    assert tuple(incident) == (
        "2026-09-21T14:13:20.000Z",
        "2026-09-21T14:23:20.000Z",
        "2026-09-21T14:13:20.000Z",
        None,
        None,
    )
    alert = store.find("SELECT probe, incident, state, queued_at, next_attempt_at, sent_at FROM v_alerts")
    assert alert
    assert tuple(alert) == ("api", number, "queued", "2026-09-21T14:13:20.000Z", "2026-09-21T14:13:20.000Z", None)
