"""Who is told of an event."""

from __future__ import annotations

import pytest

from prober.core import gate
from prober.core.model import CertificateExpiring, Closed, ClosedAs, Event, Kind, Opened, ProberBlind, Reminded
from prober.core.settings import EmailChannel

OPENED = Opened(probe_id="api", kind=Kind.DOWN, at_ms=3, started_at_ms=1, reason=None, detail=None, checks=3)
CERTIFICATE = CertificateExpiring(probe_id="api", at_ms=3, fingerprint="aa", not_after_ms=9, stage_ms=6)
BLIND = ProberBlind(at_ms=3, since_ms=1)


def closed(as_: ClosedAs) -> Closed:
    return Closed(probe_id="api", kind=Kind.DOWN, at_ms=9, started_at_ms=1, ended_at_ms=8, closed_as=as_)


def reminded(*due: str) -> Reminded:
    recipients = tuple(map(recipient, due))
    return Reminded(probe_id="api", kind=Kind.DOWN, at_ms=9, started_at_ms=1, sequence=1, recipients=recipients)


def channel(written: str) -> EmailChannel:
    """Read a channel as the tables write it: ``ops(prod,db): a b``."""
    head, _, addresses = written.partition(": ")
    name, _, tags = head.rstrip(")").partition("(")
    return EmailChannel(
        id=name,
        to=tuple(addresses.split()),
        tags=tuple(filter(None, tags.split(","))),
        sender="prober@acme.example",
        server="localhost",
        port=25,
    )


def recipient(written: str) -> tuple[str, str]:
    name, _, address = written.partition("/")
    return name, address


TWO = ("ops: a b", "night(prod): c")


@pytest.mark.parametrize(
    ("event", "channels", "tags", "told", "heard_by"),
    [
        (OPENED, TWO, "", "", "ops/a ops/b"),
        (OPENED, TWO, "prod", "", "ops/a ops/b night/c"),
        (OPENED, TWO, "db", "", "ops/a ops/b"),
        (OPENED, ("x(prod,db): a",), "web db", "", "x/a"),
        (OPENED, ("x: a", "y: a"), "", "", "x/a y/a"),
        (OPENED, (), "", "", ""),
        (OPENED, TWO, None, "", "ops/a ops/b night/c"),
        (CERTIFICATE, TWO, "db", "", "ops/a ops/b"),
        (CERTIFICATE, TWO, "prod", "", "ops/a ops/b night/c"),
        (BLIND, TWO, None, "", "ops/a ops/b night/c"),
        (closed(ClosedAs.RECOVERED), TWO, "prod", "", ""),
        (closed(ClosedAs.RECOVERED), TWO, "", "night/c ops/b", "ops/b night/c"),
        (closed(ClosedAs.RECOVERED), TWO, "", "ops/gone gone/a", ""),
        (closed(ClosedAs.REMOVED), TWO, None, "ops/a", "ops/a"),
        (closed(ClosedAs.RESOLVED), TWO, "", "ops/a", "ops/a"),
        (closed(ClosedAs.SUPERSEDED), TWO, "prod", "ops/a night/c", ""),
        (reminded("night/c", "ops/b"), TWO, "", "", "ops/b night/c"),
        (reminded("ops/gone"), TWO, "", "", ""),
    ],
)
def test_an_event_is_told_to_exactly_these(
    event: Event, channels: tuple[str, ...], tags: str | None, told: str, heard_by: str
) -> None:
    admitted = gate.admit(
        event,
        channels=list(map(channel, channels)),
        tags=None if tags is None else tags.split(),
        told=set(map(recipient, told.split())),
    )
    assert admitted == tuple(map(recipient, heard_by.split()))


@pytest.mark.parametrize(
    ("event", "heard_by"),
    [
        (OPENED, ""),
        (CERTIFICATE, ""),
        (BLIND, ""),
        (reminded("ops/a"), ""),
        (closed(ClosedAs.RECOVERED), "ops/a"),
        (closed(ClosedAs.SUPERSEDED), ""),
    ],
)
def test_when_nobody_is_to_be_told_only_the_end_of_what_people_know_is(event: Event, heard_by: str) -> None:
    told = {("ops", "a")}
    admitted = gate.admit(event, channels=[channel("ops: a")], tags=(), told=told, is_alerting=False)
    assert admitted == tuple(map(recipient, heard_by.split()))
