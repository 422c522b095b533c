"""How long nobody may be told of anything after the other side has fallen silent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.model import Probe
from prober.core.sight import Seen, Unreachable, Verdict, Watch
from prober.core.standby import Standing, follow, worst_silence_ms

MIN_MS = 60_000


def probe(interval_min: float, probe_id: str = "api") -> Probe:
    interval_ms = round(interval_min * MIN_MS)
    return Probe(id=probe_id, name=probe_id, url=f"https://{probe_id}/", identity="", interval_ms=interval_ms)


@pytest.mark.parametrize(
    ("intervals_min", "every_min", "worst_min"),
    [
        ([1], 1, 18),
        ([5], 1, 22),
        ([1, 5], 1, 18),
        ([10], 1, 42),
        ([1, 10], 2, 36),
        ([1], 10, 45),
        ([0.5], 0.5, 16.5),
    ],
)
def test_it_is_what_stays_fresh_and_three_looks_of_which_the_first_waits_for_a_round(
    intervals_min: list[float], every_min: float, worst_min: float
) -> None:
    probes = [probe(interval, f"p{number}") for number, interval in enumerate(intervals_min)]
    assert worst_silence_ms(probes, round(every_min * MIN_MS)) == worst_min * MIN_MS


@given(
    interval_ms=st.integers(1_000, 7_200_000),
    every_ms=st.integers(1_000, 3_600_000),
    first=st.floats(0, 1),
    answers=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_whether_they_answer_or_not_we_stand_in_by_then(
    interval_ms: int, every_ms: int, first: float, answers: list[bool]
) -> None:
    watched = Probe(id="api", name="API", url="https://api/", identity="", interval_ms=interval_ms)
    last = Watch(key="1", name="API", state="up", url="https://api/", interval_ms=interval_ms, newest_ms=0)
    worst_ms = worst_silence_ms([watched], every_ms)
    looked_ms = max(3 * interval_ms, 900_000)  # the latest look that still finds it fresh
    standing = Standing(why=Verdict.WATCHING)
    wait_ms = round(first * max(interval_ms, every_ms))
    for answered in answers:
        looked_ms, wait_ms = looked_ms + max(wait_ms, 1), every_ms
        sight = Seen(watches=(last,)) if answered else Unreachable(why="refused")
        standing, _ = follow(standing, sight, probes=[watched], down_since={}, now_ms=looked_ms)
        if standing.role == "standing-in":
            break
    assert (standing.role, looked_ms <= worst_ms) == ("standing-in", True)
