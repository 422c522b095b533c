"""An account at UptimeRobot, and how its API is today: values that tests set while the server runs."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Type: TypeAlias = Literal["HTTP", "KEYWORD", "PING", "PORT", "HEARTBEAT", "DNS", "API", "UDP"]
Status: TypeAlias = int
"""0 paused, 1 not checked yet, 2 up, 8 seems down, 9 down; anything else is a number of tomorrow."""

Mood: TypeAlias = Literal[
    "well",
    "bad key",  # HTTP 200, "stat": "fail"
    "refuses",  # likewise, and it is not about the key
    "401",
    "403",
    "429",  # as HTML
    "429 json",
    "500",
    "502",
    "garbage",
    "wrong shape",
    "redirect",
    "cut",
    "hanging",
    "slow",
]

DOWN, UP, STARTED, PAUSED = 1, 2, 98, 99
_KEPT_S = 90 * 86_400


@dataclass(slots=True, kw_only=True)
class Log:
    """One entry of a monitor's log. ``duration_s`` None is still going on."""

    at_s: int
    type: int = DOWN
    duration_s: int | None = None
    code: str = "503"
    detail: str = "Service Unavailable"

    def lasted_s(self, now_s: int) -> int:
        return max(0, now_s - self.at_s) if self.duration_s is None else self.duration_s


@dataclass(slots=True, kw_only=True)
class Monitor:
    """One monitor, with the union of what both versions of the API know of it.

    ``sample_age_s`` is how old the newest response time is, None without any; ``samples``, (epoch s, ms) newest first,
    take its place if given. Without them there is one sample per interval, except while a log entry says down.
    """

    id: int
    name: str
    url: str
    type: Type = "HTTP"
    type_number: int | None = None
    status: Status = 2
    interval_s: int = 300
    timeout_s: int = 30
    created_s: int = 1_600_000_000
    sample_age_s: int | None = 60
    latency_ms: int = 120
    samples: list[tuple[int, int]] | None = None
    logs: list[Log] = field(default_factory=list)
    method: str = "HEAD"
    success_codes: list[str] = field(default_factory=lambda: ["2xx", "3xx"])
    custom_statuses: str = ""
    follows_redirects: bool = True
    checks_ssl: bool = False
    auth: Literal["NONE", "HTTP_BASIC", "DIGEST", "BEARER"] = "NONE"
    username: str = ""
    password: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body_type: Literal["KEY_VALUE", "RAW_JSON"] | None = None
    body: Any = None
    keyword: str = ""
    alerts_if_exists: bool = False
    ignores_case: bool = False
    port: int | None = None
    sub_type: int | None = None
    grace_s: int = 0
    slow_ms: dict[str, int] = field(default_factory=dict)
    regions: list[str] = field(default_factory=lambda: ["na"])
    config: dict[str, Any] = field(default_factory=dict)
    contacts: list[tuple[int, int, int]] = field(default_factory=list)
    """Contact id, threshold and recurrence in minutes."""
    windows: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    group_id: int = 0
    custom_fields: dict[str, str] = field(default_factory=dict)
    ssl_expires_s: int | None = None
    key: str | None = field(default=None, repr=False)

    def all_samples(self, now_s: int, *, from_s: int, to_s: int) -> Iterator[tuple[int, int]]:
        """Yield the response times in ``[from_s, to_s]``, newest first."""
        if self.samples is not None:
            yield from (each for each in self.samples if from_s <= each[0] <= to_s)
        elif self.sample_age_s is not None and self.type != "HEARTBEAT" and self.status in {2, 8, 9}:
            newest_s = now_s - self.sample_age_s
            at_s = newest_s - max(0, -((to_s - newest_s) // self.interval_s)) * self.interval_s
            for each_s in range(at_s, max(from_s, self.created_s, now_s - _KEPT_S) - 1, -self.interval_s):
                if not self.is_down_at(each_s, now_s):
                    yield each_s, self.latency_ms

    def is_down_at(self, at_s: int, now_s: int) -> bool:
        return any(log.type == DOWN and log.at_s <= at_s < log.at_s + log.lasted_s(now_s) for log in self.logs)

    def downtime_s(self, from_s: int, to_s: int, now_s: int) -> int:
        """Return how long the log says down within a range."""
        ends = ((log.at_s, log.at_s + log.lasted_s(now_s)) for log in self.logs if log.type == DOWN)
        return sum(max(0, min(end, to_s) - max(start, from_s)) for start, end in ends)

    def uptime_percent(self, from_s: int, to_s: int, now_s: int) -> float:
        """Return the share of a range that is not down; before it was made it counts as up, as theirs does."""
        return 100 * (1 - self.downtime_s(from_s, to_s, now_s) / max(1, to_s - from_s))


@dataclass(slots=True, kw_only=True)
class Contact:
    """One alert contact: 1 SMS, 2 e-mail, 3 Twitter, 5 webhook, 6 Pushbullet, 7 Zapier, 9 Pushover, 11 Slack."""

    id: int
    type: int
    value: str
    name: str = ""
    status: int = 2


@dataclass(slots=True, kw_only=True)
class Window:
    """One maintenance window: 1 once, 2 daily, 3 weekly, 4 monthly. ``days``: 1-7 or 1-31, -1 is a month's last."""

    id: int
    name: str
    type: int
    start: str
    """``HH:MM``; for a window that comes once, see ``date``."""
    duration_min: int
    days: list[int] = field(default_factory=list)
    date: str | None = None
    """``YYYY-MM-DD`` for a window that comes once."""
    starts_s: int | None = None
    """The same as epoch s, which is how v2 says it."""
    is_active: bool = True


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """What the body says, sent as a form or as JSON."""
        if "json" in self.headers.get("content-type", ""):
            return {name: str(value) for name, value in json.loads(self.body or b"{}").items()}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True, kw_only=True)
class Account:
    """An account, its API's mood, and all that it was asked.

    ``now_ms`` is its clock, ``skew_s`` how much that is ahead. ``mood`` is how it answers, after the ``moods`` of the
    next requests, one each; ``slow_s`` is how long a slow one takes. ``numbers``, ``missing`` and ``is_escaped`` say
    how v2 writes a number, writes what is not there, and writes names and URLs.
    """

    now_ms: Callable[[], int]
    key: str = field(default="ur1234-read-only-secret", repr=False)
    monitors: list[Monitor] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    email: str = "owner@acme.example"
    plan: str = "Free"
    plan_ends: str | None = None
    utc_offset_min: int = 0
    skew_s: int = 0
    mood: Mood = "well"
    moods: deque[Mood] = field(default_factory=deque)
    slow_s: float = 1.0
    retry_after: str | None = "30"
    per_minute: int | None = None
    page_size: int = 50
    numbers: Literal["numbers", "strings"] = "numbers"
    missing: Literal["empty", "null"] = "empty"
    is_escaped: bool = False
    requests: list[Request] = field(default_factory=list)

    @property
    def now_s(self) -> int:
        """What the account's own clock says, in whole seconds."""
        return self.now_ms() // 1000 + self.skew_s

    def monitor(self, name: str) -> Monitor:
        """Return a monitor by its name."""
        return next(each for each in self.monitors if each.name == name)

    def go_stale(self, age_s: int = 86_400) -> None:
        """Stop looking at anything: every sample is that old, every status stays what it was."""
        for each in self.monitors:
            each.sample_age_s = age_s
            each.samples = None

    def stop_looking(self) -> None:
        """Take no sample any more: the newest ones stay as they are, and grow old."""
        for each in self.monitors:
            each.samples = list(each.all_samples(self.now_s, from_s=0, to_s=self.now_s))[:1]

    def look_again(self) -> None:
        """Take samples again, as old as ever."""
        for each in self.monitors:
            each.samples = None

    def next_mood(self) -> Mood:
        return self.moods.popleft() if self.moods else self.mood
