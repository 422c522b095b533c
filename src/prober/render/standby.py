"""What ``prober standby`` prints: our role and why, then that for each probe and why, then the looks it came from."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Final

from prober.core.roles import patience_ends_ms, pending
from prober.core.sight import WATCHERS, Verdict
from prober.core.text import clean
from prober.render.columns import Column, Paint, fold, lay_out, plain
from prober.render.role import headline
from prober.render.when import moment, rfc3339, short, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.roles import Care, Glance, Pending, ProbeRole, RoleReport
    from prober.core.sight import Role
    from prober.core.standby import Standing

_ROLES: Final[dict[Role, str]] = {"active": "active", "standby": "standby", "standing-in": "standing in"}
_WHY: Final = {
    Verdict.STALE: "no fresh sample in 2 looks",
    Verdict.UNREACHABLE: "no answer that tells anything in 3 looks",
    Verdict.LIMITED: "it has asked us for 15 min to come back later, so nobody knows whether it is watching",
    Verdict.REJECTED: "it does not accept our key, so nobody knows whether it is watching",
}
_NOBODY: Final = """\
  we stand behind nobody, and always tell
    To keep quiet while UptimeRobot or another prober is watching, add [standby] to the configuration: see
    docs/uptimerobot.md
"""


def page(report: RoleReport, *, paint: Paint = plain, width: int | None = None) -> str:
    """Return where we stand for people, in at most ``width`` columns where one is given."""
    if report.behind is None or report.standing is None:
        return _NOBODY
    watcher, standing = WATCHERS[report.behind], report.standing
    head = headline(standing.role, watcher, standing.since_ms, report.generated_at_ms)
    if standing.role == "standby" and standing.since_ms is not None:
        head += f" since {moment(standing.since_ms, report.generated_at_ms)}"
    facts = ((name, fact) for name, fact in _facts(report, standing, watcher) if fact)
    told = (fold(f"    {name:<12}{fact}", width, hang=" " * 16) for name, fact in facts)
    lines = [
        f"  {paint(head, 'yellow' if standing.role == 'standing-in' else 'green')}",
        *chain.from_iterable(told),
        "",
        *_probes(report, watcher, width),
        *(["", *_looks(report, width)] if report.looks else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def shape(report: RoleReport) -> str:
    """Return what ``standby --json`` prints."""
    standing = report.standing
    shown = {
        "schema": 1,
        "generated_at": rfc3339(report.generated_at_ms),
        "location": clean(report.location),
        "role": report.role,
        "behind": report.behind,
        "since": _time(standing.since_ms) if standing else None,
        "why": standing.why if standing else None,
        "newest_at": _time(standing.alive_ms) if standing else None,
        "pending": _pending_shape(pending(standing)) if standing else None,
        "next_look_at": _time(report.next_look_ms),
        "probes": [_probe_shape(each) for each in report.probes],
        "looks": [_look_shape(each) for each in report.looks],
    }
    return json.dumps(shown, indent=2, allow_nan=False) + "\n"


def _facts(report: RoleReport, standing: Standing, watcher: str) -> Iterator[tuple[str, str | None]]:
    now_ms = report.generated_at_ms
    if standing.looked_ms is None:
        yield "why", "no look yet: alerts are held until looks have come to something, after 3 at the latest"
        yield "next look", 'with the next round: "prober run", or the service'
        return
    yield "why", _why(standing, watcher)
    yield "last sign", _ago(standing.alive_ms, now_ms)
    yield "pending", _pending(standing, now_ms)
    yield "last look", _last_look(report, standing.looked_ms)
    due = report.next_look_ms is not None and report.next_look_ms > now_ms
    yield "next look", _next(report.next_look_ms or now_ms, now_ms) if due else "due: it comes with the next round"


def _last_look(report: RoleReport, looked_ms: int) -> str | None:
    if not report.looks:
        return _ago(looked_ms, report.generated_at_ms)
    last = report.looks[0]
    wrong = "" if last.why is None else f": {clean(last.why)}"
    return f"{_ago(last.at_ms, report.generated_at_ms)}, {last.seen}{wrong}"


def _why(standing: Standing, watcher: str) -> str:
    if standing.role == "standing-in":
        return _WHY.get(standing.why or Verdict.STALE, "")
    if standing.why is None:
        return "no look has come to anything yet: alerts are held until one does, or 3 agree"
    is_watching = standing.seen is Verdict.WATCHING
    return f"{watcher} is watching" if is_watching else f"{watcher} was watching before the last look"


def _pending(standing: Standing, now_ms: int) -> str | None:
    ends_ms = patience_ends_ms(standing)
    if ends_ms is not None:
        return f"it has asked us to come back later: without an answer we stand in at {moment(ends_ms, now_ms)}"
    waiting = pending(standing)
    if waiting is None:
        return None
    if waiting.role == "standby":
        return f"{_share(waiting)} say that it is back; after {waiting.needed} in a row we stand by"
    return f"{_share(waiting)} saw nothing fresh; after {waiting.needed} in a row we stand in"


def _share(waiting: Pending) -> str:
    return f"{waiting.looks} of {waiting.needed} looks"


def _next(at_ms: int, now_ms: int) -> str:
    return f"{moment(at_ms, now_ms)} (in {words(at_ms - now_ms)})"


def _ago(at_ms: int | None, now_ms: int) -> str | None:
    return None if at_ms is None else f"{moment(at_ms, now_ms)} ({words(now_ms - at_ms)} ago)"


def _probes(report: RoleReport, watcher: str, width: int | None) -> list[str]:
    columns = [
        Column(title="PROBE", cells=[clean(each.id) for each in report.probes], least=10, gap=2),
        Column(
            title="ROLE",
            cells=["-" if each.care == "paused" else _ROLES[each.role] for each in report.probes],
            least=11,
        ),
        Column(title="WHY", cells=[_care(each, report, watcher) for each in report.probes]),
    ]
    return lay_out(columns, width=width, keeps_all=True)


def _care(probe: ProbeRole, report: RoleReport, watcher: str) -> str:
    there: dict[Care, str] = {
        "watched": f"watched by {watcher}",
        "blind": "paused, gone or stale there",
        "unwatched": f"no {'monitor' if report.behind == 'uptimerobot' else 'such probe'} there: never on standby",
        "silent": f"{watcher} is not seen watching",
        "unseen": "not looked at yet",
        "paused": "paused here (enabled = false)",
    }
    said = [there[probe.care]]
    if probe.contradicted_since_ms is not None:
        said.append(f"says up for {words(report.generated_at_ms - probe.contradicted_since_ms)}, we say down")
    if (waiting := probe.pending) is not None:
        what = "saw it watched" if waiting.role == "standby" else "did not see it watched"
        said.append(f"{_share(waiting)} {what}")
    return "; ".join(said)


def _looks(report: RoleReport, width: int | None) -> list[str]:
    looks, now_ms = report.looks, report.generated_at_ms
    columns = [
        Column(title="LOOK", cells=[moment(each.at_ms, now_ms) for each in looks], gap=2),
        Column(title="SAW", cells=[each.seen for each in looks], gap=2),
        Column(
            title="MONITORS" if report.behind == "uptimerobot" else "PROBES",
            cells=["-" if each.monitors is None else str(each.monitors) for each in looks],
            gap=2,
            is_right=True,
        ),
        Column(title="NEWEST", cells=list(map(_newest, looks)), gap=2, is_right=True),
        Column(title="ROLE", cells=[_ROLES[each.role] for each in looks], gap=2),
        Column(title="WRONG", cells=[clean(each.why or "-") for each in looks], gap=2),
    ]
    return lay_out(columns, width=width, keeps_all=True)


def _newest(look: Glance) -> str:
    return "-" if look.newest_at_ms is None else f"{short(look.at_ms - look.newest_at_ms)} old"


def _probe_shape(probe: ProbeRole) -> dict[str, object]:
    return {
        "id": probe.id,
        "role": probe.role,
        "watched": probe.care == "watched",
        "why": probe.care,
        "pending": _pending_shape(probe.pending),
        "contradicted_since": _time(probe.contradicted_since_ms),
    }


def _pending_shape(waiting: Pending | None) -> dict[str, object] | None:
    return None if waiting is None else {"role": waiting.role, "looks": waiting.looks, "needed": waiting.needed}


def _look_shape(look: Glance) -> dict[str, object]:
    return {
        "at": rfc3339(look.at_ms),
        "seen": look.seen,
        "role": look.role,
        "monitors": look.monitors,
        "newest_at": _time(look.newest_at_ms),
        "detail": None if look.why is None else clean(look.why),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
