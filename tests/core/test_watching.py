"""One answer of the other side: who is being watched by it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.model import Probe
from prober.core.sight import Watch, WatchState
from prober.core.watching import Answered, is_fresh, match

NOW = 1_790_000_000_000
MIN = 60_000


def probe(probe_id: str = "api", **fields: Any) -> Probe:
    usual: dict[str, Any] = {"name": probe_id, "url": f"https://{probe_id}.example/health", "identity": "1"}
    return Probe(**{"id": probe_id} | usual | fields)


def watch(state: WatchState = "up", age_min: float | None = 1, **fields: Any) -> Watch:
    newest_ms = None if age_min is None else round(NOW - age_min * MIN)
    usual: dict[str, Any] = {"key": "1", "name": "API", "url": "https://api.example/health", "interval_ms": 5 * MIN}
    return Watch(**usual | {"state": state, "newest_ms": newest_ms} | fields)


@pytest.mark.parametrize(
    ("age_min", "interval_min", "expected"),
    [
        (0, 5, True),
        (15, 5, True),
        (15 + 1 / MIN, 5, False),
        (15, 1, True),
        (30, 10, True),
        (30 + 1 / MIN, 10, False),
        (-2, 5, True),
        (-2 - 1 / MIN, 5, False),
    ],
)
def test_a_sample_is_fresh_for_three_intervals_or_15_minutes_and_never_from_the_future(
    age_min: float, interval_min: int, *, expected: bool
) -> None:
    assert is_fresh(round(NOW - age_min * MIN), interval_min * MIN, NOW) is expected
    assert not is_fresh(None, interval_min * MIN, NOW)


@pytest.mark.parametrize(
    ("watches", "is_watching"),
    [
        ([], False),
        ([watch()], True),
        ([watch(age_min=16)], False),
        ([watch(age_min=None)], False),
        ([watch(age_min=16), watch()], True),
        ([watch("down", None), watch(age_min=16)], False),
        ([watch("down", None)], False),
        ([watch("down", 10)], True),
        ([watch("down", 16)], False),
        ([watch("down", 60, logged_ms=NOW - 10 * MIN)], True),
        ([watch("down", 60, logged_ms=NOW + 10 * MIN)], False),
        ([watch("down", 60), watch("paused", 10)], True),
        ([watch("paused", 1)], False),
        ([watch("pending", 1)], False),
    ],
)
def test_they_are_watching_while_what_is_up_has_fresh_samples_or_nothing_is_up_and_something_happened(
    watches: list[Watch], *, is_watching: bool
) -> None:
    assert Answered(watches, [probe()], now_ms=NOW).is_watching is is_watching


@pytest.mark.parametrize(
    ("watches", "says"),
    [
        ([watch()], "up"),
        ([watch(age_min=16), watch(key="2", url=None)], None),
        ([watch("down", 600), watch(key="2", url=None)], "down"),
        ([watch("down", 600), watch(key="2", url=None, age_min=16)], None),
        ([watch("paused"), watch(key="2", url=None)], None),
        ([watch("pending"), watch(key="2", url=None)], None),
        ([watch(url="https://other.example")], None),
    ],
)
def test_of_a_probe_they_say_up_or_down_or_are_not_watching_it(watches: list[Watch], says: str | None) -> None:
    assert Answered(watches, [probe()], now_ms=NOW).says(probe()) == says


def test_without_an_interval_of_theirs_ours_counts() -> None:
    slowly = probe(interval_ms=60 * MIN)
    assert Answered([watch(age_min=170, interval_ms=None)], [slowly], now_ms=NOW).says(slowly) == "up"
    assert Answered([watch(age_min=190, interval_ms=None)], [slowly], now_ms=NOW).says(slowly) is None


def test_a_probe_that_is_seldom_checked_does_not_excuse_another() -> None:
    often, seldom = probe(interval_ms=MIN), probe("daily", interval_ms=24 * 60 * MIN)
    watches = [watch(age_min=60, key="api", interval_ms=None), watch(age_min=60, key="daily", interval_ms=None)]
    answer = Answered(watches, [often, seldom], now_ms=NOW, by_id=True)
    assert (answer.says(often), answer.says(seldom)) == (None, "up")


def test_the_newest_sign_of_life_is_the_last_sample_or_entry_that_is_not_from_the_future() -> None:
    watches = [watch(age_min=3), watch("down", 60, logged_ms=NOW - 2 * MIN), watch(age_min=-3)]
    assert Answered(watches, [probe()], now_ms=NOW).alive_ms() == NOW - 2 * MIN
    assert Answered([watch(age_min=None)], [probe()], now_ms=NOW).alive_ms() is None


@pytest.mark.parametrize(
    ("linked", "url", "watches", "key"),
    [
        (7, "https://a.example", [("7", "https://b.example")], "7"),
        (7, "https://a.example", [("8", "https://a.example"), ("7", None)], "7"),
        (7, "https://a.example", [("8", "https://a.example")], "8"),
        (None, "https://a.example", [("8", "https://a.example/")], "8"),
        (None, "https://A.example/x#part", [("8", "HTTPS://a.EXAMPLE/x")], "8"),
        (None, "https://a.example/x", [("8", "https://a.example/X")], None),
        (None, "https://a.example/?q=1", [("8", "https://a.example/")], None),
        (None, "https://a.example", [("8", "http://[")], None),
        (None, "https://a.example", [], None),
    ],
)
def test_a_probe_belongs_to_the_monitor_it_names_or_else_to_that_of_its_url(
    linked: int | None, url: str, watches: list[tuple[str, str | None]], key: str | None
) -> None:
    found = match([probe(url=url, uptimerobot_id=linked)], [watch(key=each, url=at) for each, at in watches])
    assert (found["api"].key if found else None) == key


def test_of_two_monitors_for_one_url_the_first_that_is_at_work_counts() -> None:
    watches = [watch("paused", key="1"), watch(key="2"), watch("down", key="3"), watch("pending", key="4")]
    assert match([probe()], watches)["api"].key == "2"
    assert match([probe()], [watches[0], watches[3]])["api"].key == "1"


def test_another_prober_calls_our_probes_by_our_ids() -> None:
    assert match([probe("api"), probe("web")], [watch(key="web")], by_id=True).keys() == {"web"}


@given(
    st.lists(
        st.builds(
            watch,
            st.sampled_from(["up", "down", "paused", "pending"]),
            st.none() | st.integers(-5, 60),
            key=st.sampled_from("123"),
        ),
        max_size=5,
    )
)
def test_who_is_not_watching_says_nothing_of_any_probe(watches: list[Watch]) -> None:
    answer = Answered(watches, [probe()], now_ms=NOW)
    assert answer.is_watching or answer.says(probe()) is None
