"""What an answer of another program's API means when it is not the one that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from prober.core.sight import Limited, Rejected, Unreachable

if TYPE_CHECKING:
    from prober.core.facts import Answer

_OK: Final = 200
_ON_THE_KEY: Final = frozenset({401, 403})
_TOO_MANY: Final = 429
_WAIT_S: Final = 60
_LONGEST_WAIT_S: Final = 3_600
_HTTP_DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"


def refusal_of(answer: Answer) -> Unreachable | Limited | Rejected | None:
    """Return what kept an API from answering, None when its answer can be read."""
    if answer.status in _ON_THE_KEY:
        return Rejected(why=f"status {answer.status}")
    if answer.status == _TOO_MANY:
        return Limited(wait_ms=_wait_s(answer) * 1000)
    if answer.status != _OK:
        return Unreachable(why=f"status {answer.status}, expected {_OK}")
    if answer.is_cut:
        return Unreachable(why="the answer is too long")
    return None


def _wait_s(answer: Answer) -> int:
    """Return how long to stay away, from a second to an hour: a minute where they do not say, or not readably.

    A point in time is measured against their own clock, not ours.
    """
    now_s = _date_s(answer.header("date"))
    after = answer.header("retry-after")
    until_s = _date_s(after) or _whole(answer.header("x-ratelimit-reset"))
    wait_s = _whole(after)
    if wait_s is None and None not in {now_s, until_s}:
        wait_s = (until_s or 0) - (now_s or 0)
    return _WAIT_S if wait_s is None else min(max(wait_s, 1), _LONGEST_WAIT_S)


def _whole(text: str | None) -> int | None:
    """Return a number of seconds; none has more than ten digits."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("1796112000") else None


def _date_s(text: str | None) -> int | None:
    try:
        return int(datetime.strptime((text or "").strip(), _HTTP_DATE).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
