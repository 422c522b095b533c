"""What was maintenance: recorded stretch by stretch, and the same in whichever order copies come together."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store.db import open_in_memory
from prober.adapters.store.maintenance import MaintenanceRow, all_maintenance, append_maintenance, find_reason
from prober.adapters.store.merge import Merged, merge
from prober.adapters.store.public import export, load
from prober.core.uptime import union
from tests.adapters.store.builders import know

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store


def row(from_ms: int, to_ms: int, reason: str | None = None, probe_id: str = "api") -> MaintenanceRow:
    return MaintenanceRow(probe_id=probe_id, from_ms=from_ms, to_ms=to_ms, reason=reason)


def keep(store: Store, *rows: MaintenanceRow) -> None:
    know(store, *{each.probe_id for each in rows})
    with store.transaction():
        append_maintenance(store, rows)


def stored(store: Store) -> list[tuple[object, ...]]:
    return [
        tuple(each) for each in store.rows("SELECT from_ms, to_ms, reason FROM maintenance ORDER BY probe, from_ms")
    ]


def test_a_stretch_that_goes_on_is_one_row(store: Store) -> None:
    keep(store, row(100, 200, "deploy"))
    keep(store, row(200, 300, "deploy"), row(250, 280, "deploy"))
    assert stored(store) == [(100, 300, "deploy")]


def test_a_gap_or_another_reason_begins_a_row(store: Store) -> None:
    keep(store, row(100, 200), row(201, 300), row(300, 400, "deploy"), row(300, 500, "move"))
    assert stored(store) == [(100, 200, None), (201, 300, None), (300, 500, "deploy")]


def test_maintenance_is_found_by_probe_and_time(store: Store) -> None:
    keep(store, row(100, 200, "deploy"), row(300, 400), row(100, 500, probe_id="web"))
    assert all_maintenance(store, ["api"], since_ms=200) == {"api": [(300, 400)]}
    assert all_maintenance(store, ["api", "web"], since_ms=0) == {"api": [(100, 200), (300, 400)], "web": [(100, 500)]}
    assert [find_reason(store, "api", at_ms) for at_ms in (99, 100, 199, 200, 300)] == [
        None,
        "deploy",
        "deploy",
        None,
        None,
    ]


def test_the_view_shows_times_and_the_reason(store: Store) -> None:
    keep(store, row(1_790_000_000_000, 1_790_001_800_000, "deploy"))
    (shown,) = store.rows("SELECT probe, began_at, ended_at, duration_s, reason FROM v_maintenance")
    assert tuple(shown) == ("api", "2026-09-21T14:13:20.000Z", "2026-09-21T14:43:20.000Z", 1800.0, "deploy")


def test_the_reason_is_not_published(store: Store, tmp_path: Path) -> None:
    keep(store, row(100, 200, "the secret move"))
    content = export(store, key=b"correct horse battery staple")
    assert b"secret move" not in content
    away = load(tmp_path / "published.db", content, key=b"correct horse battery staple", channels=(), now_ms=1)
    with closing(away):
        assert stored(away) == [(100, 200, None)]
        assert merge(store, away) == Merged()
        assert stored(store) == [(100, 200, "the secret move")]


ROWS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20), st.sampled_from([None, "deploy", "move"])).map(
        lambda each: row(each[0], each[0] + each[1], each[2])
    ),
    max_size=8,
)


def minutes(rows: Sequence[MaintenanceRow]) -> list[tuple[int, int]]:
    return union((each.from_ms, each.to_ms) for each in rows)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, ours=ROWS, theirs=ROWS)
def test_merging_is_a_union_in_any_order(
    before: list[MaintenanceRow], ours: list[MaintenanceRow], theirs: list[MaintenanceRow]
) -> None:
    with closing(open_in_memory(now_ms=0)) as here, closing(open_in_memory(now_ms=0)) as there:
        for store, own in ((here, ours), (there, theirs)):
            know(store, "api")
            keep(store, *before, *own)
        merge(here, there)
        once = stored(here)
        merge(there, here)
        assert stored(there) == once
        merge(here, there)
        assert stored(here) == once
        found = all_maintenance(here, ["api"], since_ms=-1)
        assert union(found["api"]) == minutes([*before, *ours, *theirs])
