"""Maintenance windows, beside a model that walks minute by minute over a clock on the wall."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.model import Probe
from prober.core.settings import Maintenance
from prober.core.windows import (
    active,
    around,
    concerns,
    cron_problem,
    instant_ms,
    is_active,
    last_end_ms,
    next_span,
    spans,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.uptime import Span

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = 1_795_183_961_000  # 2026-11-20 14:12:41 UTC, a Friday
API = Probe(id="api", name="API", url="https://h", identity="0" * 16, tags=("prod", "eu"))
WEB = Probe(id="web", name="Web", url="https://w", identity="1" * 16)


def at(text: str) -> int:
    """Return a time in ms; without an offset it is UTC."""
    given = datetime.fromisoformat(text)
    return (given.replace(tzinfo=given.tzinfo or UTC) - EPOCH) // timedelta(milliseconds=1)


def text(at_ms: int) -> str:
    return f"{EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%d %H:%M}"


def recurring(cron: str, minutes: int = 30, timezone: str = "UTC", **further: Any) -> Maintenance:
    return Maintenance(cron=cron, duration_ms=minutes * MINUTE, timezone=timezone, **further)


def once(start: str, minutes: int = 30) -> Maintenance:
    return Maintenance(start_ms=at(start), duration_ms=minutes * MINUTE)


@pytest.mark.parametrize(
    ("timezone", "hours_from", "cron", "minutes", "expected"),
    [
        # 02:00 +01:00 becomes 03:00 +02:00 at 01:00 UTC.
        ("Europe/Berlin", "2026-03-29 00:00", "0 3 * * *", 30, "01:00-01:30"),
        ("Europe/Berlin", "2026-03-29 00:00", "30 2 * * *", 30, "01:00-01:30"),
        ("Europe/Berlin", "2026-03-29 00:00", "0,30 2,3 * * *", 10, "01:00-01:10 01:30-01:40"),
        ("Europe/Berlin", "2026-03-29 00:00", "30 1 * * *", 60, "00:30-01:30"),
        ("Europe/Berlin", "2026-03-29 00:00", "*/30 1,2,3 * * *", 1, "00:00-00:01 00:30-00:31 01:00-01:01 01:30-01:31"),
        ("Europe/Berlin", "2026-03-29 00:00", "*/30 2 * * *", 10, ""),
        ("Europe/Berlin", "2026-03-29 00:00", "15 */2 * * *", 10, "02:15-02:25"),
        # 03:00 +02:00 becomes 02:00 +01:00 at 01:00 UTC.
        ("Europe/Berlin", "2026-10-25 00:00", "0 3 * * *", 30, "02:00-02:30"),
        ("Europe/Berlin", "2026-10-25 00:00", "30 2 * * *", 30, "00:30-01:00"),
        ("Europe/Berlin", "2026-10-25 00:00", "30 2 * * *", 90, "00:30-02:00"),
        ("Europe/Berlin", "2026-10-25 00:00", "*/30 2 * * *", 1, "00:00-00:01 00:30-00:31 01:00-01:01 01:30-01:31"),
        ("Europe/Berlin", "2026-10-25 00:00", "15 */2 * * *", 10, "00:15-00:25 01:15-01:25"),
        # 02:00 -05:00 becomes 03:00 -04:00 at 07:00 UTC.
        ("America/New_York", "2026-03-08 06:00", "0 3 * * *", 30, "07:00-07:30"),
        ("America/New_York", "2026-03-08 06:00", "59 2 * * *", 30, "07:00-07:30"),
        ("America/New_York", "2026-03-08 06:00", "30 * * * *", 1, "06:30-06:31 07:30-07:31 08:30-08:31"),
        # 02:00 -04:00 becomes 01:00 -05:00 at 06:00 UTC.
        ("America/New_York", "2026-11-01 05:30", "0 3 * * *", 30, "08:00-08:30"),
        ("America/New_York", "2026-11-01 05:30", "30 1 * * *", 30, "05:30-06:00"),
        ("America/New_York", "2026-11-01 05:30", "30 * * * *", 1, "05:30-05:31 06:30-06:31 07:30-07:31"),
        # 02:00 +10:30 becomes 02:30 +11:00 at 15:30 UTC.
        ("Australia/Lord_Howe", "2026-10-03 15:00", "0 3 * * *", 30, "16:00-16:30"),
        ("Australia/Lord_Howe", "2026-10-03 15:00", "15 2 * * *", 30, "15:30-16:00"),
        ("Australia/Lord_Howe", "2026-10-03 15:00", "*/20 1,2 * * *", 1, "15:10-15:11 15:40-15:41"),
        # 02:00 +11:00 becomes 01:30 +10:30 at 15:00 UTC.
        ("Australia/Lord_Howe", "2026-04-04 14:30", "0 3 * * *", 30, "16:30-17:00"),
        ("Australia/Lord_Howe", "2026-04-04 14:30", "45 1 * * *", 30, "14:45-15:15"),
        ("Australia/Lord_Howe", "2026-04-04 14:30", "*/20 1 * * *", 1, "14:40-14:41 15:10-15:11"),
        # A midnight that is skipped, and a whole day.
        ("America/Santiago", "2026-09-06 03:00", "0 0 * * *", 30, "04:00-04:30"),
        ("Pacific/Apia", "2011-12-30 09:00", "0 12 30 * *", 30, "10:00-10:30"),
    ],
)
def test_on_the_days_the_clock_changes_windows_begin_as_people_mean(
    timezone: str, hours_from: str, cron: str, minutes: int, expected: str
) -> None:
    begin = at(hours_from)
    found = spans((recurring(cron, minutes, timezone),), API, begin, begin + 3 * HOUR)
    assert " ".join(f"{text(start)[11:]}-{text(stop)[11:]}" for start, stop in found) == expected


@pytest.mark.parametrize(
    ("window", "begin", "end", "expected"),
    [
        (("0 4 * * 2", 30), "2026-12-01 00:00", "2026-12-09 00:00", ["2026-12-01 04:00", "2026-12-08 04:00"]),
        (("30 23 * * *", 90), "2026-12-31 00:00", "2027-01-01 12:00", ["2026-12-31 00:00", "2026-12-31 23:30"]),
        (("0 0 29 2 *", 60), "2026-01-01 00:00", "2032-12-31 00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        (("0 12 L * *", 60), "2026-02-01 00:00", "2026-04-01 00:00", ["2026-02-28 12:00", "2026-03-31 12:00"]),
        (("0 6 * * mon#1", 60), "2026-12-01 00:00", "2027-01-31 00:00", ["2026-12-07 06:00", "2027-01-04 06:00"]),
    ],
)
def test_a_window_comes_when_its_expression_says(
    window: tuple[str, int], begin: str, end: str, expected: list[str]
) -> None:
    assert [text(start) for start, _ in spans((recurring(*window),), API, at(begin), at(end))] == expected


def test_windows_are_cut_at_what_was_asked_for_and_end_before_their_last_instant() -> None:
    window = (once("2026-12-01 04:00", 30),)
    start, end = at("2026-12-01 04:00"), at("2026-12-01 04:30")
    assert spans(window, API, 0, end + DAY) == [(start, end)]
    assert spans(window, API, start + 1, end - 1) == [(start + 1, end - 1)]
    assert spans(window, API, end, end + DAY) == spans(window, API, 0, start) == []
    assert [is_active(window, API, each) for each in (start - 1, start, end - 1, end)] == [False, True, True, False]


def test_windows_that_overlap_or_touch_are_one() -> None:
    windows = (once("2026-12-01 04:00", 30), once("2026-12-01 04:20", 20), once("2026-12-01 04:40", 20))
    begin = at("2026-12-01 00:00")
    assert spans(windows, API, begin, begin + DAY) == [(at("2026-12-01 04:00"), at("2026-12-01 05:00"))]
    assert around(windows, API, at("2026-12-01 04:40")) == (at("2026-12-01 04:00"), at("2026-12-01 05:00"))
    assert around(windows, API, at("2026-12-01 05:00")) is None
    assert last_end_ms(windows, API, at("2026-12-01 04:59")) is None
    assert last_end_ms(windows, API, at("2026-12-01 05:00")) == at("2026-12-01 05:00")


def test_the_bounds_of_a_long_window_are_found() -> None:
    window = (once("2026-09-01 00:00", 90 * 1440),)
    bounds = (at("2026-09-01 00:00"), at("2026-11-30 00:00"))
    assert around(window, API, at("2026-09-01 00:00")) == around(window, API, at("2026-11-29 23:59")) == bounds


def test_a_window_that_is_longer_than_its_period_never_ends() -> None:
    window = (recurring("0 * * * *", 61),)
    begin = at("2026-12-01 00:30")
    assert spans(window, API, begin, begin + 90 * DAY) == [(begin, begin + 90 * DAY)]
    assert around(window, API, begin) == (None, None)
    assert last_end_ms(window, API, begin) is None
    assert next_span(window[0], begin) == (at("2026-12-01 00:00"), at("2026-12-01 01:01"))


@pytest.mark.parametrize(
    ("only", "api", "web"),
    [
        ({}, True, True),
        ({"probe_ids": ("web",)}, False, True),
        ({"tags": ("stage", "prod")}, True, False),
        ({"probe_ids": ("web",), "tags": ("eu",)}, True, True),
        ({"tags": ("stage",)}, False, False),
    ],
)
def test_a_window_is_for_whom_it_names_or_else_for_all(only: dict[str, Any], api: bool, web: bool) -> None:
    window = recurring("* * * * *", 1, **only)
    assert (concerns(window, API), concerns(window, WEB)) == (api, web)
    assert (is_active((window,), API, NOW), is_active((window,), WEB, NOW)) == (api, web)
    assert bool(spans((window,), API, NOW, NOW + 1)) == api


def test_the_first_window_that_covers_a_time_is_the_active_one() -> None:
    other, first, second = once("2026-12-02 04:00"), once("2026-12-01 04:10"), once("2026-12-01 04:00")
    windows = (other, first, second)
    assert active(windows, API, at("2026-12-01 04:05")) is second
    assert active(windows, API, at("2026-12-01 04:15")) is first
    assert active(windows, API, at("2026-12-01 05:00")) is None


@pytest.mark.parametrize(
    ("cron", "before", "ended"),
    [
        ("0 4 * * 2", "2026-12-08 04:29", "2026-12-01 04:30"),
        ("0 4 * * 2", "2026-12-08 04:30", "2026-12-08 04:30"),
        ("0 4 1 1 *", "2026-04-11 00:00", "2026-01-01 04:30"),
        ("0 4 1 1 *", "2026-04-12 00:00", None),
    ],
)
def test_the_last_end_is_known_for_a_hundred_days(cron: str, before: str, ended: str | None) -> None:
    assert last_end_ms((recurring(cron),), API, at(before)) == (ended and at(ended))
    assert last_end_ms((recurring(cron, probe_ids=("web",)),), API, at(before)) is None


@pytest.mark.parametrize(
    ("window", "following"),
    [
        (("0 4 * * 2", 30), ("2026-11-24 04:00", "2026-11-24 04:30")),
        (("0 14 * * *", 30), ("2026-11-20 14:00", "2026-11-20 14:30")),
        (("0 4 1 11 *", 60), ("2027-11-01 04:00", "2027-11-01 05:00")),
        (("0 4 29 2 *", 30), ("2028-02-29 04:00", "2028-02-29 04:30")),
        (("0 4 */7 2 MON#5", 30), None),
    ],
)
def test_the_next_window_may_be_under_way(window: tuple[str, int], following: tuple[str, str] | None) -> None:
    found = next_span(recurring(*window), at("2026-11-20 14:12"))
    assert (found and tuple(map(text, found))) == following


def test_what_is_not_under_way_has_no_bounds() -> None:
    assert around((once("2026-12-01 04:00"),), API, at("2026-12-01 03:59")) is None
    assert next_span(once("2026-12-01 04:00"), at("2026-12-01 04:30")) is None
    assert around((), API, NOW) is None
    assert spans((once("2026-12-01 04:00"),), API, at("2026-12-01 04:10"), at("2026-12-01 04:10")) == []
    assert last_end_ms((), API, NOW) is None


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 4 * * 2", None),
        ("0 4 * * TUE", None),
        ("0 0 29 2 *", None),
        ("0 4 * *", "it has not five fields: minute, hour, day of the month, month, day of the week"),
        ("@daily", "it has not five fields: minute, hour, day of the month, month, day of the week"),
        ("0 0 4 * * 2", "it has not five fields: minute, hour, day of the month, month, day of the week"),
        ("60 4 * * 2", "bad minute: 0 to 59 is meant"),
        ("0 24 * * 2", "bad hour: 0 to 23 is meant"),
        ("0 4 32 * 2", "bad day of month: 1 to 31, or L, is meant"),
        ("0 4 * x *", "bad month: 1 to 12, or JAN to DEC, is meant"),
        ("0 4 * * 9", "bad day of week: 0 to 7, or SUN to SAT, is meant"),
        ("0 0 30 2 *", "it never comes"),
        ("0 0 31 4,6 *", "it never comes"),
        ("0 0 32 2 *", "bad day of month: 1 to 31, or L, is meant"),
        ("0 0 */30 2 MON#5", "it never comes"),
        ("0 0 " + "9" * 5000 + " * *", "a number is too long"),
    ],
)
def test_a_cron_expression_that_cannot_be_used_says_why(cron: str, problem: str | None) -> None:
    assert cron_problem(cron) == problem


@pytest.mark.parametrize(
    ("local", "timezone", "instant"),
    [
        ("2026-12-01T04:00:00", "Europe/Berlin", "2026-12-01 03:00"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29 01:00"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25 00:30"),
        ("2026-12-01T04:00:00", "UTC", "2026-12-01 04:00"),
    ],
)
def test_a_local_time_is_found_on_the_clock(local: str, timezone: str, instant: str) -> None:
    assert text(instant_ms(datetime.fromisoformat(local), timezone)) == instant


# The model.


@dataclass(frozen=True)
class Cron:
    """An expression as sets of minutes, hours and weekdays (Monday is 1); None is a star."""

    minutes: frozenset[int] | None
    hours: frozenset[int] | None
    weekdays: frozenset[int] | None

    @property
    def expression(self) -> str:
        shown = ("*" if each is None else ",".join(map(str, sorted(each))) for each in self._fields())
        minute, hour, weekday = shown
        return f"{minute} {hour} * * {weekday}"

    def names(self, local: datetime) -> bool:
        parts = (local.minute, local.hour, local.isoweekday())
        return all(field is None or part in field for field, part in zip(self._fields(), parts, strict=True))

    def _fields(self) -> tuple[frozenset[int] | None, ...]:
        return self.minutes, self.hours, self.weekdays


@cache
def wall_clock(timezone: str, from_ms: int, to_ms: int) -> list[tuple[int, datetime]]:
    """Return what a clock on the wall there shows, minute by minute."""
    zone = ZoneInfo(timezone)
    walls = (
        (at_ms, (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)) for at_ms in range(from_ms, to_ms, MINUTE)
    )
    return [(at_ms, wall.replace(tzinfo=None, fold=0)) for at_ms, wall in walls]


def model_starts(cron: Cron, timezone: str, from_ms: int, to_ms: int) -> list[int]:
    is_every = cron.minutes is None or cron.hours is None
    starts, seen = [], set()
    for (_, before), (at_ms, wall) in pairwise(wall_clock(timezone, from_ms, to_ms)):
        skipped = []
        while (before := before + timedelta(minutes=1)) < wall:
            skipped.append(before)
        is_first = wall not in seen
        seen.add(wall)
        if (cron.names(wall) and (is_every or is_first)) or (not is_every and any(map(cron.names, skipped))):
            starts.append(at_ms)
    return starts


ZONES: Final = {
    "Europe/Berlin": ("2026-03-29 01:00", "2026-10-25 01:00"),
    "America/New_York": ("2026-03-08 07:00", "2026-11-01 06:00"),
    "Australia/Lord_Howe": ("2026-04-04 15:00", "2026-10-03 15:30"),
    "Asia/Kathmandu": ("2026-04-04 15:00",),
    "UTC": ("2026-10-25 01:00",),
}
CHANGES: Final = [(zone, at(change)) for zone, changes in ZONES.items() for change in changes]


MINUTES = st.frozensets(st.sampled_from((0, 15, 29, 30, 59)), min_size=1, max_size=3)
HOURS = st.frozensets(st.sampled_from((0, 1, 2, 3, 23)), min_size=1, max_size=3)
WEEKDAYS = st.none() | st.frozensets(st.integers(1, 7), min_size=1, max_size=3)
CRONS = st.one_of(
    st.builds(Cron, minutes=MINUTES, hours=HOURS, weekdays=WEEKDAYS),
    st.builds(Cron, minutes=MINUTES, hours=st.none(), weekdays=WEEKDAYS),
    st.builds(Cron, minutes=st.none(), hours=HOURS, weekdays=WEEKDAYS),
)


@given(
    change=st.sampled_from(CHANGES),
    several=st.lists(st.tuples(CRONS, st.integers(1, 26 * 60)), min_size=1, max_size=3),
    begin=st.integers(-24 * 60, 24 * 60),
    length=st.integers(0, 24 * 60),
    odd_ms=st.integers(0, MINUTE - 1),
)
def test_windows_are_what_the_model_says(
    change: tuple[str, int], several: list[tuple[Cron, int]], begin: int, length: int, odd_ms: int
) -> None:
    timezone, change_ms = change
    from_ms = change_ms + begin * MINUTE + odd_ms
    to_ms = from_ms + length * MINUTE
    windows = tuple(recurring(cron.expression, minutes, timezone) for cron, minutes in several)
    begun = [
        (model_starts(cron, timezone, change_ms - 3 * DAY, change_ms + 3 * DAY), length * MINUTE)
        for cron, length in several
    ]

    def is_true(at_ms: int) -> bool:
        return any(bisect_right(starts, at_ms) > bisect_right(starts, at_ms - length_ms) for starts, length_ms in begun)

    found = spans(windows, API, from_ms, to_ms)
    assert_apart(found, from_ms, to_ms)
    for at_ms in range(from_ms, to_ms, 3 * MINUTE):
        assert any(start <= at_ms < end for start, end in found) == is_true(at_ms)
        if at_ms % (21 * MINUTE) == odd_ms:
            assert is_active(windows, API, at_ms) == is_true(at_ms)
    ends = (at_ms for at_ms in range(to_ms - odd_ms, change_ms - DAY, -MINUTE) if not is_true(at_ms))
    last_ms = next((at_ms for at_ms in ends if is_true(at_ms - MINUTE)), None)
    if last_ms is not None:
        assert last_end_ms(windows, API, to_ms) == last_ms


def assert_apart(found: Sequence[Span], from_ms: int, to_ms: int) -> None:
    edges = [edge for span in found for edge in span]
    assert edges == sorted(set(edges))
    assert all(from_ms <= edge <= to_ms for edge in edges)


@given(
    several=st.lists(st.tuples(CRONS, st.integers(1, 26 * 60)), max_size=3),
    edges=st.lists(st.integers(0, 20 * DAY), min_size=3, max_size=3).map(sorted),
)
def test_spans_that_touch_add_up(several: list[tuple[Cron, int]], edges: list[int]) -> None:
    windows = tuple(recurring(cron.expression, minutes, "Europe/Berlin") for cron, minutes in several)
    first, middle, last = (NOW + edge for edge in edges)
    parts = spans(windows, API, first, middle) + spans(windows, API, middle, last)
    whole = spans(windows, API, first, last)
    assert sum(end - start for start, end in parts) == sum(end - start for start, end in whole)


def test_many_probes_cost_little() -> None:
    windows = tuple(recurring(f"{minute} 4 * * *", 45, "Europe/Berlin", tags=("x",)) for minute in range(20))
    probes = [Probe(id=f"p{number}", name="", url="", identity="", tags=("x",)) for number in range(2000)]
    begun = time.process_time()
    for probe in probes:
        assert not is_active(windows, probe, NOW)
        assert last_end_ms(windows, probe, NOW)
        spans(windows, probe, NOW - HOUR, NOW)
    assert time.process_time() - begun < 2
