"""What an answer that is not the one asked for means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.facts import Answer
from prober.core.refusal import refusal_of
from prober.core.sight import Limited, Rejected, Unreachable

NOW = "Fri, 15 Jan 2027 08:00:00 GMT"
NOW_S = 1_800_000_000


def limited(**headers: str) -> int:
    answer = Answer(status=429, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))
    refused = refusal_of(answer)
    assert isinstance(refused, Limited)
    return refused.wait_ms // 1000


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Answer(status=200), None),
        (Answer(status=200, is_cut=True), Unreachable(why="the answer is too long")),
        (Answer(status=401), Rejected(why="status 401")),
        (Answer(status=403), Rejected(why="status 403")),
        (Answer(status=302), Unreachable(why="status 302, expected 200")),
        (Answer(status=404), Unreachable(why="status 404, expected 200")),
        (Answer(status=502, body=b"ur-secret"), Unreachable(why="status 502, expected 200")),
        (Answer(status=204), Unreachable(why="status 204, expected 200")),
    ],
    ids=lambda each: str(each.status) if isinstance(each, Answer) else "",
)
def test_a_status_says_what_the_answer_is_worth(answer: Answer, meaning: object) -> None:
    assert refusal_of(answer) == meaning


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 60),
        ({"retry_after": "30"}, 30),
        ({"retry_after": " 7 "}, 7),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "-5"}, 60),
        ({"retry_after": "soon"}, 60),
        ({"retry_after": "99999"}, 3600),
        ({"retry_after": "9" * 5000}, 60),
        ({"retry_after": "Fri, 15 Jan 2027 08:02:00 GMT", "date": NOW}, 120),
        ({"retry_after": "Fri, 15 Jan 2027 07:02:00 GMT", "date": NOW}, 1),
        ({"retry_after": "Fri, 15 Jan 2027 08:02:00 GMT"}, 60),
        ({"x_ratelimit_reset": str(NOW_S + 45), "date": NOW}, 45),
        ({"x_ratelimit_reset": str(NOW_S + 45)}, 60),
        ({"retry_after": "30", "x_ratelimit_reset": str(NOW_S + 45), "date": NOW}, 30),
        ({"date": NOW}, 60),
    ],
)
def test_who_asks_too_often_is_told_how_long_to_stay_away(headers: dict[str, str], wait_s: int) -> None:
    assert limited(**headers) == wait_s


@given(st.text(), st.text(), st.text())
def test_no_header_can_keep_us_away_for_more_than_an_hour(after: str, reset: str, date: str) -> None:
    assert 1 <= limited(retry_after=after, x_ratelimit_reset=reset, date=date) <= 3600
