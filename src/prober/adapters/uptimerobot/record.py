"""What UptimeRobot tells of a window: uptime, outages and response times of every monitor.

Response times come as averages of half an hour, for a week at most per request; a page of 50 monitors would else be too
long to be taken. A log entry that is still going on has the time up to now as its duration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prober.adapters.uptimerobot import laundry
from prober.adapters.uptimerobot.calls import RefusedError, all_monitors
from prober.adapters.uptimerobot.look import watch_of
from prober.core.compare import Outage, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prober.adapters.uptimerobot.calls import Ask
    from prober.core.sight import Limited, Rejected, Unreachable
    from prober.core.uptime import Period

_WEEK_S: Final = 7 * 86_400
_AVERAGED_MIN: Final = 30
_DOWN: Final = 1
_LONGEST_S: Final = 100 * 366 * 86_400
_SLOWEST_MS: Final = 3_600_000


async def read_records(
    fetch: Ask, *, url: str, api_key: str, window: Period
) -> tuple[Record, ...] | Unreachable | Limited | Rejected:
    """Return the record of each monitor over a window that ends now, or why there is none.

    Outages reach back a week before it, so that one that began earlier is known as such.
    """
    from_s, to_s = window.from_ms // 1000, window.to_ms // 1000
    weeks = list(_weeks(from_s, to_s))
    logs: dict[str, str | int] = {
        "logs": 1,
        "log_types": "1-2",
        "logs_start_date": from_s - _WEEK_S,
        "logs_end_date": to_s,
    }
    try:
        newest = await all_monitors(
            fetch,
            url=url,
            api_key=api_key,
            switches={**logs, "custom_uptime_ranges": f"{from_s}_{to_s}", **_response_times(weeks[0])},
        )
        older = [
            await all_monitors(fetch, url=url, api_key=api_key, switches=_response_times(week)) for week in weeks[1:]
        ]
    except RefusedError as refused:
        return refused.sight
    return tuple(_records(newest, older))


def _weeks(from_s: int, to_s: int) -> Iterator[tuple[int, int]]:
    """Yield the window in stretches of a week, the newest first; both ends belong to each."""
    while to_s - from_s > _WEEK_S:
        yield to_s - _WEEK_S, to_s
        to_s -= _WEEK_S + 1
    yield from_s, to_s


def _response_times(week: tuple[int, int]) -> dict[str, int]:
    return {
        "response_times": 1,
        "response_times_average": _AVERAGED_MIN,
        "response_times_start_date": week[0],
        "response_times_end_date": week[1],
    }


def _records(newest: Iterable[dict[str, Any]], older: Sequence[Sequence[dict[str, Any]]]) -> Iterator[Record]:
    latencies: dict[str, list[int]] = {}
    for each in (monitor for monitors in older for monitor in monitors):
        latencies.setdefault(str(each.get("id")), []).extend(_latencies(each))
    for each in newest:
        if (watch := watch_of(each)) is not None:
            yield Record(
                watch=watch,
                uptime_percent=_percent(each.get("custom_uptime_ranges")),
                outages=tuple(_outages(each.get("logs"), is_down=watch.state == "down")),
                latencies_ms=(*_latencies(each), *latencies.get(str(each.get("id")), [])),
            )


def _percent(value: object) -> float | None:
    percent = laundry.decimal(value)
    return percent if percent is not None and percent <= 100 else None  # noqa: PLR2004 - percent


def _outages(logs: object, *, is_down: bool) -> Iterator[Outage]:
    """Yield the outages of a log; the last of one that is down has no end yet."""
    entries = [each for each in logs if isinstance(each, dict)] if isinstance(logs, list) else []
    starts = [(laundry.moment_ms(each.get("datetime")), each) for each in entries]
    newest_ms = max((at_ms for at_ms, _ in starts if at_ms is not None), default=None)
    for at_ms, each in starts:
        if at_ms is not None and laundry.whole(each.get("type")) == _DOWN:
            lasted_s = laundry.whole(each.get("duration")) or 0
            ended_ms = at_ms + min(max(lasted_s, 0), _LONGEST_S) * 1000
            yield Outage(started_at_ms=at_ms, ended_at_ms=None if is_down and at_ms == newest_ms else ended_ms)


def _latencies(monitor: dict[str, Any]) -> Iterator[int]:
    samples = monitor.get("response_times")
    for each in samples if isinstance(samples, list) else []:
        value = laundry.decimal(each.get("value")) if isinstance(each, dict) else None
        if value is not None and value <= _SLOWEST_MS:
            yield round(value)
