"""What an account at UptimeRobot holds, both versions of its API read into one shape.

Texts are as people wrote them, so they may hold anything: secrets, line breaks, what acts. None: nobody told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from prober.core.expect import Json

Auth: TypeAlias = Literal["none", "basic", "digest", "bearer"]
Recurrence: TypeAlias = Literal["once", "daily", "weekly", "monthly"]

LAST_DAY = -1
"""As a day of the month: the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """A text whose presence, or else its absence, means down."""

    text: str
    is_down_when_present: bool
    ignores_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One comparison with a value of a JSON body, in their words."""

    path: str
    comparison: str
    target: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is posted, by its shape alone: the values are secrets. ``fields`` names those of a form."""

    is_form: bool
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Whom a monitor tells: after how many minutes first, and how often again; 0: at once, never."""

    contact: str
    after_min: int = 0
    again_min: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One monitor. ``kind`` is ``http``, ``keyword``, ``api``, or what else it is, in a word or two.

    ``success_codes`` are words such as ``200`` or ``2xx``; ``status_rules`` are (code, is it up). ``slow_ms`` and
    ``certificate_days`` are None where nothing is watched for; ``rest`` names what else is set and has no place here.
    """

    id: int
    kind: str
    name: str = ""
    url: str = ""
    is_paused: bool = False
    interval_s: int | None = None
    timeout_s: int | None = None
    method: str | None = None
    follows_redirects: bool = True
    success_codes: tuple[str, ...] | None = None
    status_rules: tuple[tuple[int, bool], ...] = ()
    keyword: Keyword | None = None
    assertions: tuple[Assertion, ...] = ()
    needs_all: bool = True
    auth: Auth = "none"
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    headers: tuple[str, ...] = ()
    body: Body | None = None
    slow_ms: int | None = None
    certificate_days: int | None = None
    ignores_certificate: bool = False
    tags: tuple[str, ...] = ()
    custom: tuple[tuple[str, str], ...] = ()
    assignments: tuple[Assignment, ...] = ()
    windows: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody who is told. ``kind`` is ``e-mail``, or what else it is, in a word or two."""

    id: str
    kind: str
    value: str = ""
    name: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A maintenance window. ``minute`` is that of the day, for what recurs; ``start_ms`` is for what happens once.

    ``days`` are those of the week, 1 for Monday to 7 for Sunday, or of the month, or `LAST_DAY`.
    """

    id: str
    recurrence: Recurrence | None
    name: str = ""
    start_ms: int | None = None
    minute: int | None = None
    days: tuple[int, ...] = ()
    duration_min: int = 0
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All of it. ``timezone`` is whatever they call that of the windows; ``troubles`` say what could not be read."""

    monitors: tuple[Monitor, ...]
    contacts: tuple[Contact, ...] = ()
    windows: tuple[Window, ...] = ()
    timezone: str | None = None
    troubles: tuple[str, ...] = ()
