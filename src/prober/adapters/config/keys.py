"""Every key of ``probes.toml``: what it holds, its limits, its default and what it is for.

This table is the only definition. Validation, defaults, ``config show`` and the JSON Schema are made from it, and a
test holds the documentation against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from prober.adapters.config.addresses import read_link, read_mail_address, read_server, read_url
from prober.adapters.config.expectations import conditions, status
from prober.adapters.config.kinds import (
    HEADER_NAME,
    REQUEST_HEADER_NAME,
    Invalid,
    Kind,
    Shape,
    boolean,
    check_header_value,
    check_pattern,
    duration,
    header_name,
    one_of,
    percent,
    request_header_name,
    text,
    whole,
)
from prober.adapters.config.moments import cron, moment, timezone
from prober.core.durations import UNITS_MS
from prober.core.windows import LONGEST_MS

ID_PATTERN: Final = "[a-z0-9][a-z0-9_-]{0,63}"
MOST_PROBES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table, by its dotted name. ``default`` is as the file would have it; None: there is none.

    Values that variables give to a key that ``can_hold_secrets`` are secrets; the whole value is if it ``is_secret``.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    can_hold_secrets: bool = False
    is_secret: bool = False


Tree: TypeAlias = Mapping[str, "Key | Tree | None"]


def _list_of(kind: Kind) -> Kind:
    return replace(kind, shape=Shape.LIST)


def _check_username(value: str) -> None:
    if ":" in value or not value.isprintable():
        raise Invalid("a user name of HTTP basic authentication holds no colon and no control character")


def _check_password(value: str) -> None:
    if not value.isprintable():
        raise Invalid("a password holds no control character")


_URL = Kind(read=read_url, schema={"type": "string", "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s@]+|\$[{$]"})
_LINK = replace(_URL, read=read_link)
_MAIL = Kind(read=read_mail_address, schema={"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$|\$[{$]"})
_SERVER = Kind(read=read_server, schema={"type": "string", "minLength": 1})
_HEADERS = replace(
    text(can_be_empty=True, check=check_header_value),
    shape=Shape.MAP,
    read_name=request_header_name,
    name_schema=REQUEST_HEADER_NAME,
)
_HEADER_PATTERNS = replace(text(), shape=Shape.MAP, read_name=header_name, name_schema=HEADER_NAME)
_COUNT = whole(1, 1000)

TOP_KEYS: Final = (
    Key(name="title", kind=text(), default="prober", doc="What all of this is called, to people."),
    Key(name="location", kind=text(), doc="Where this runs; default: github-actions there, else the host's name."),
    Key(
        name="connectivity.urls",
        kind=_list_of(_URL),
        can_hold_secrets=True,
        doc="Asked only when checks fail, to tell whether we are offline.",
    ),
    Key(
        name="standby.behind",
        kind=one_of("uptimerobot", "prober"),
        doc="Stay quiet while this other monitor is watching.",
    ),
    Key(
        name="standby.api_key",
        kind=text(check=_check_password),
        can_hold_secrets=True,
        is_secret=True,
        doc="Read-only key of UptimeRobot.",
    ),
    Key(
        name="standby.url",
        kind=_URL,
        can_hold_secrets=True,
        doc="Base address of UptimeRobot's API, if not the usual one; or where the status of the other prober is.",
    ),
    Key(
        name="standby.every",
        kind=duration(least_ms=UNITS_MS["s"], most_ms=UNITS_MS["h"]),
        default="1m",
        doc="At most one look at the other monitor per this time.",
    ),
    Key(
        name="heartbeat.url",
        kind=_URL,
        can_hold_secrets=True,
        doc="Requested after each complete round: who watches the watcher.",
    ),
    Key(name="store.path", kind=text(), doc="The database file, relative to this file."),
    Key(
        name="store.keep",
        kind=duration(least_ms=UNITS_MS["d"]),
        default="90d",
        doc="How long single results are kept; figures and incidents are kept for good.",
    ),
)

PROBE_KEYS: Final = (
    Key(name="url", kind=_URL, can_hold_secrets=True, doc="What to request: http or https."),
    Key(name="name", kind=text(), doc="What people call it; default: the id."),
    Key(name="tags", kind=_list_of(text()), default=[], doc="Groups it belongs to."),
    Key(name="uptimerobot_id", kind=whole(1, 2**63 - 1), doc="The monitor there that watches the same thing."),
    Key(name="severity", kind=one_of("P0", "P1", "P2", "P3"), default="P1", doc="Of being down; slow is one lower."),
    Key(name="runbook", kind=_LINK, doc="Link in alerts: what to do."),
    Key(name="dashboard", kind=_LINK, doc="Link in alerts: where to look."),
    Key(
        name="method",
        kind=one_of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
        default="GET",
        doc="HTTP method.",
    ),
    Key(name="headers", kind=_HEADERS, can_hold_secrets=True, doc="Request headers."),
    Key(name="auth.username", kind=text(check=_check_username), can_hold_secrets=True, doc="HTTP basic: user."),
    Key(
        name="auth.password",
        kind=text(can_be_empty=True, check=_check_password),
        can_hold_secrets=True,
        is_secret=True,
        doc="HTTP basic: password.",
    ),
    Key(name="body", kind=text(can_be_empty=True), can_hold_secrets=True, doc="Request body."),
    Key(name="enabled", kind=boolean(), default=True, doc="False: kept and shown, not checked."),
    Key(name="redirects", kind=whole(0, 20), default=5, doc="How many to follow; 0: judge the 3xx itself."),
    Key(name="verify", kind=boolean(), default=True, doc="False: the certificate is not judged."),
    Key(name="ca", kind=text(), doc="PEM file of further trusted roots, relative to this file."),
    Key(name="allow_private", kind=boolean(), default=False, doc="Private addresses also on GitHub's hosted runners."),
    Key(
        name="interval",
        kind=duration(least_ms=UNITS_MS["s"], most_ms=UNITS_MS["d"]),
        default="5m",
        doc="Time between the starts of two checks.",
    ),
    Key(name="timeout", kind=duration(), default="10s", doc="Deadline of a whole check, below the interval."),
    Key(name="failures", kind=_COUNT, default=3, doc="Failed checks in a row that open a down incident."),
    Key(name="recoveries", kind=_COUNT, default=2, doc="Good checks in a row that close it."),
    Key(name="slow", kind=duration(can_be_off=True), default="1s", doc="A good check above this is slow; false: off."),
    Key(name="slow_checks", kind=_COUNT, default=3, doc="Slow checks in a row that open a slow incident."),
    Key(
        name="recheck",
        kind=duration(),
        doc="Spacing while a verdict is pending, at most the interval; default: the interval.",
    ),
    Key(name="target", kind=percent(), doc="Uptime aimed for, in percent."),
    Key(name="expect.status", kind=status(), default=["2xx"], doc="Healthy status codes."),
    Key(name="expect.body.contains", kind=text(), doc="Text that the body must contain."),
    Key(name="expect.body.not_contains", kind=text(), doc="Text that it must not contain."),
    Key(name="expect.body.matches", kind=text(check=check_pattern), doc="Regular expression that must be found in it."),
    Key(name="expect.header", kind=_HEADER_PATTERNS, doc="Response headers, as shell-style patterns."),
    Key(name="expect.certificate", kind=duration(), doc="An alert when the certificate has less than this left."),
    Key(name="expect.json", kind=conditions(), doc="Conditions on a JSON body, by path."),
)

ALERT_KEYS: Final = (
    Key(name="kind", kind=one_of("email"), doc="What sort of channel; [alert.email] needs none."),
    Key(name="to", kind=_list_of(_MAIL), doc="Who gets the alerts."),
    Key(name="from", kind=_MAIL, doc="Whom they come from."),
    Key(name="server", kind=_SERVER, doc="SMTP server."),
    Key(name="port", kind=whole(1, 65535), doc="Default by security: 587, 465 or 25."),
    Key(
        name="security",
        kind=one_of("starttls", "tls", "none"),
        default="starttls",
        doc="How the connection is kept secret.",
    ),
    Key(name="username", kind=text(), doc="SMTP user."),
    Key(name="password", kind=text(check=_check_password), can_hold_secrets=True, is_secret=True, doc="SMTP password."),
    Key(
        name="remind",
        kind=duration(least_ms=UNITS_MS["s"]),
        doc="Time between reminders of what is open and not acknowledged; default: never.",
    ),
    Key(name="tags", kind=_list_of(text()), default=[], doc="Only probes with one of these; default: all."),
)

MAINTENANCE_KEYS: Final = (
    Key(name="probes", kind=_list_of(text()), doc="Ids of the probes it is for."),
    Key(
        name="tags", kind=_list_of(text()), doc="It is for probes with one of these; neither probes nor tags: for all."
    ),
    Key(name="cron", kind=cron(), doc="When it begins, again and again: minute, hour, day, month, day of the week."),
    Key(name="start", kind=moment(), doc="When it begins, once."),
    Key(
        name="duration",
        kind=duration(least_ms=UNITS_MS["s"], most_ms=LONGEST_MS),
        doc="How long it lasts, in time that passes.",
    ),
    Key(name="timezone", kind=timezone(), default="UTC", doc="Where cron is read, and a start without an offset."),
    Key(name="reason", kind=text(), doc="Shown to people."),
)


def tree(keys: tuple[Key, ...]) -> Tree:
    """Return keys by their nested names."""
    root: dict[str, Any] = {}
    for key in keys:
        *groups, last = key.name.split(".")
        table = root
        for group in groups:
            table = table.setdefault(group, {})
        table[last] = key
    return root


PROBE_TREE: Final = tree(PROBE_KEYS)
ALERT_TREE: Final = tree(ALERT_KEYS)
MAINTENANCE_TREE: Final = tree(MAINTENANCE_KEYS)
TOP_TREE: Final[Tree] = {**tree(TOP_KEYS), "defaults": None, "probe": None, "alert": None, "maintenance": None}


def default_values(keys: tuple[Key, ...]) -> dict[str, Any]:
    """Return the defaults by name, as the program works with them."""
    return {key.name: _default_value(key) for key in keys}


def _default_value(key: Key) -> Any:  # noqa: ANN401 - whatever the kind reads
    if isinstance(key.default, list):
        return tuple(key.kind.read(each) for each in key.default)
    return None if key.default is None else key.kind.read(key.default)
