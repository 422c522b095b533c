"""Short ways to make what the store keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prober.adapters.store import events, incidents, outbox
from prober.adapters.store.outbox import OutboxRow, Queued
from prober.adapters.store.probes import ensure_probes
from prober.core.alerts import AlertKind
from prober.core.model import Kind, Opened, Outcome, Probe, Reason, Result, Severity

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

T0 = 1_790_000_000_000


def probe(probe_id: str = "api", **fields: Any) -> Probe:
    usual: dict[str, Any] = {"name": probe_id, "url": "https://api.example/", "identity": "1"}
    return Probe(id=probe_id, **usual | fields)


def result(at_ms: int = T0, **fields: Any) -> Result:
    usual: dict[str, Any] = {"probe_id": "api", "location": "here", "outcome": Outcome.OK, "status": 200}
    return Result(at_ms=at_ms, **usual | {"latency_us": 61_200} | fields)


def failed(at_ms: int = T0, **fields: Any) -> Result:
    usual: dict[str, Any] = {"outcome": Outcome.FAILED, "reason": Reason.STATUS, "detail": "status 503", "status": 503}
    return result(at_ms, **usual | {"latency_us": None} | fields)


def know(store: Store, *probe_ids: str) -> None:
    with store.transaction():
        ensure_probes(store, [probe(each) for each in probe_ids])


def begin(store: Store, uid: str = "u1", *, probe_id: str = "api", at_ms: int = T0, kind: Kind = Kind.DOWN) -> int:
    opened = Opened(
        probe_id=probe_id,
        kind=kind,
        at_ms=at_ms + 600_000,
        started_at_ms=at_ms,
        reason=Reason.STATUS,
        detail="status 503, expected 2xx",
        checks=3,
    )
    return incidents.open_incident(store, opened, uid=uid, location="here", severity=Severity.P1)


def event(store: Store, uid: str, incident: int | None = None) -> int:
    return events.record_event(
        store, uid=uid, kind="down_opened", probe_id=None, location="here", incident=incident, at_ms=T0
    )


def queue(
    store: Store, uid: str, *, incident: int | None = None, kind: AlertKind = AlertKind.DOWN, to: str = "a@example.org"
) -> OutboxRow:
    """Queue one alert about an event of its own, and return its row."""
    number = event(store, uid, incident)
    (row_id,) = outbox.queue(store, [alert(uid, event=number, incident=incident, kind=kind, to=to)])
    return outbox.one_row(store, row_id)


def alert(
    uid: str,
    *,
    event: int | None = None,
    incident: int | None = None,
    kind: AlertKind = AlertKind.SEVERAL,
    to: str = "a@example.org",
) -> Queued:
    return Queued(
        event=event,
        incident=incident,
        kind=kind,
        channel="ops",
        recipient=to,
        facts='{"kind":"down","probe_id":"api"}',
        queued_at_ms=T0,
        message_id=f"<{uid}@example.org>",
    )
