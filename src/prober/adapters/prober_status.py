"""One look at another prober, by what its ``status --json`` says: a file that it publishes, or its page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from prober.core.jsonrules import NotJsonError, parse_json
from prober.core.refusal import refusal_of
from prober.core.sight import Seen, Unreachable, Watch
from prober.core.text import clean
from prober.errors import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prober.core.facts import Answer
    from prober.core.sight import Sight, WatchState

_STATES: Final[dict[str, WatchState]] = {"up": "up", "slow": "up", "down": "down", "unknown": "pending"}
_END_OF_TIME_MS: Final = 253_402_300_800_000  # the year 10000, which no calendar here knows
_SPEAKING: Final = ("active", "standing-in")


async def look(fetch: Callable[..., Awaitable[Answer]], *, url: str) -> Sight:
    """Return what another prober watches now, or why that cannot be seen."""
    try:
        answer = await fetch("GET", url, headers={"accept": "application/json", "cache-control": "no-cache"})
    except NoAnswerError as error:
        return Unreachable(why=str(error))
    return refusal_of(answer) or _seen(answer.body)


def _seen(body: bytes) -> Sight:
    try:
        status = parse_json(body)
    except NotJsonError:
        return Unreachable(why="the answer is not JSON")
    if not isinstance(status, dict) or status.get("schema") != 1:
        return Unreachable(why="the answer is not the status of a prober that we understand")
    generated_ms, probes = _moment_ms(status.get("generated_at")), status.get("probes")
    if generated_ms is None or not isinstance(probes, list):
        return Unreachable(why="the answer does not say when it was made, or of which probes")
    seen = [
        watch
        for each in probes
        if isinstance(each, dict) and (watch := _watch(each, status.get("role"), generated_ms)) is not None
    ]
    return Seen(watches=tuple({watch.key: watch for watch in seen}.values()))


def _watch(probe: dict[str, Any], role: object, generated_ms: int) -> Watch | None:
    """Return a probe, None when it was never checked. Of nothing later than the file itself is it a proof."""
    key, name, last = probe.get("id"), probe.get("name"), probe.get("last_check")
    if not isinstance(key, str) or not isinstance(last, dict) or (at_ms := _moment_ms(last.get("at"))) is None:
        return None
    return Watch(
        key=clean(key),
        name=clean(name) if isinstance(name, str) else clean(key),
        state=_state(probe, last.get("outcome"), role),
        newest_ms=min(at_ms, generated_ms),
    )


def _state(probe: dict[str, Any], outcome: object, role: object) -> WatchState:
    """Return what they say; who does not speak is not watching for us, nor is who could not judge.

    Two that stand behind one another would otherwise both be silent.
    """
    state, own_role = probe.get("state"), probe.get("role", role)
    if own_role == "standby":
        return "standby"
    if own_role not in _SPEAKING or not isinstance(state, str):
        return "paused"
    if state == "maintenance":
        state = "down" if outcome == "failed" else "up"
    return "pending" if outcome == "unknown" and state != "paused" else _STATES.get(state, "paused")


def _moment_ms(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    at_ms = round(moment.timestamp() * 1000) if moment.tzinfo else 0
    return at_ms if 0 < at_ms < _END_OF_TIME_MS else None
