"""Rounds and blackouts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prober.adapters.store.rounds import RoundRow, find_blackout, last_round, record_round, save_blackout
from prober.core.connectivity import Blackout
from tests.adapters.store.builders import T0

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

ROUND = RoundRow(
    location="here", started_at_ms=T0, ended_at_ms=T0 + 900, checks=5, is_offline=False, host="web-1", pid=7
)


def test_the_last_round_is_the_one_that_ended_last(store: Store) -> None:
    assert last_round(store) is None
    late = replace(ROUND, ended_at_ms=T0 + 5_000, is_offline=True)
    for each in (ROUND, late, ROUND):
        record_round(store, each)
    assert last_round(store) == late


def test_a_blackout_lasts_until_it_is_ended_and_is_told_once(store: Store) -> None:
    assert find_blackout(store, "here") is None
    save_blackout(store, "here", None, now_ms=T0)
    for now_ms, is_told in ((T0, False), (T0 + 1, True), (T0 + 2, True)):
        save_blackout(store, "here", Blackout(since_ms=T0, is_told=is_told), now_ms=now_ms)
        assert find_blackout(store, "here") == Blackout(since_ms=T0, is_told=is_told)
    assert find_blackout(store, "there") is None
    save_blackout(store, "here", None, now_ms=T0 + 3)
    assert find_blackout(store, "here") is None
    assert [tuple(row) for row in store.rows("SELECT since_ms, told_at_ms, ended_at_ms FROM blackouts")] == [
        (T0, T0 + 1, T0 + 3)
    ]


def test_a_new_blackout_ends_the_one_before(store: Store) -> None:
    save_blackout(store, "here", Blackout(since_ms=T0), now_ms=T0)
    save_blackout(store, "here", Blackout(since_ms=T0 + 9), now_ms=T0 + 9)
    assert find_blackout(store, "here") == Blackout(since_ms=T0 + 9)


def test_a_blackout_that_a_clock_set_back_and_forth_moves_stays_open_and_told(store: Store) -> None:
    for since_ms in (T0, T0 - 3_600_000, T0):
        save_blackout(store, "here", Blackout(since_ms=since_ms, is_told=True), now_ms=T0 + 600_000)
    assert find_blackout(store, "here") == Blackout(since_ms=T0, is_told=True)
