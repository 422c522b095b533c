"""Who is told of an event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prober.core import gate
from prober.core.model import (
    CertificateExpiring,
    Closed,
    ClosedAs,
    Event,
    Incident,
    Kind,
    Opened,
    Probe,
    ProberBlind,
    Reminded,
    Severity,
)
from prober.core.settings import EmailChannel, Maintenance
from prober.core.sight import Disagreed, KeyRejected, RoleChanged, Verdict
from prober.core.standby import ProbeStanding, Standing

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


MIN = 60_000
NOON = 1_790_000_000_000
API = Probe(id="api", name="api", url="https://api.example/", identity="1")
STANDING_BY = Standing(why=Verdict.WATCHING)
STANDING_IN = replace(STANDING_BY, role="standing-in")
BLIND_FOR_API = replace(STANDING_BY, probes={"api": ProbeStanding(is_ours=True)})
WINDOW = Maintenance(start_ms=NOON, duration_ms=30 * MIN, probe_ids=("api",))


def at(event: Event, at_ms: int) -> Event:
    return replace(event, at_ms=at_ms)


@pytest.mark.parametrize("event", [OPENED, CERTIFICATE, reminded("ops/a")], ids=["opened", "certificate", "reminded"])
@pytest.mark.parametrize(
    ("standing", "is_held"), [(None, False), (STANDING_BY, True), (STANDING_IN, False), (BLIND_FOR_API, False)]
)
def test_what_is_about_a_probe_is_held_while_somebody_else_watches_it(
    event: Event, standing: Standing | None, *, is_held: bool
) -> None:
    assert gate.is_held(event, probe=API, standing=standing, windows=()) is is_held


@pytest.mark.parametrize("event", [OPENED, CERTIFICATE, reminded("ops/a")])
@pytest.mark.parametrize(("minute", "is_held"), [(-1, False), (0, True), (29, True), (30, False)])
def test_what_is_about_a_probe_is_held_during_its_maintenance(event: Event, minute: int, *, is_held: bool) -> None:
    event = at(event, NOON + minute * MIN)
    assert gate.is_held(event, probe=API, standing=None, windows=[WINDOW]) is is_held
    assert not gate.is_held(event, probe=replace(API, id="web"), standing=None, windows=[WINDOW])
    assert not gate.is_held(event, probe=None, standing=None, windows=[WINDOW])


@pytest.mark.parametrize(
    "event",
    [
        closed(ClosedAs.RECOVERED),
        BLIND,
        RoleChanged(at_ms=NOON, role="standing-in", why=Verdict.STALE),
        KeyRejected(at_ms=NOON),
    ],
    ids=["ends", "blind", "role", "key"],
)
def test_ends_and_what_is_about_ourselves_are_never_held(event: Event) -> None:
    event = at(event, NOON)
    assert not gate.is_held(event, probe=API, standing=STANDING_BY, windows=[WINDOW])


def test_a_disagreement_is_told_although_they_are_watching() -> None:
    event = Disagreed(probe_id="api", at_ms=9, since_ms=1, started_at_ms=0)
    assert not gate.is_held(event, probe=API, standing=STANDING_BY, windows=())


def test_nothing_that_is_held_is_told_but_an_end() -> None:
    told = {("ops", "a")}
    for event in (OPENED, CERTIFICATE, reminded("ops/a")):
        assert gate.admit(event, channels=[channel("ops: a")], tags=(), told=told, is_held=True) == ()
    assert gate.admit(closed(ClosedAs.RECOVERED), channels=[channel("ops: a")], tags=(), told=told, is_held=True)


HELD = Incident(
    number=1,
    uid="u",
    probe_id="api",
    location="here",
    kind=Kind.DOWN,
    severity=Severity.P1,
    started_at_ms=NOON - 2 * MIN,
    confirmed_at_ms=NOON,
    checks=3,
    is_held=True,
)


@pytest.mark.parametrize(
    ("minute", "standing", "windows", "from_minute"),
    [
        (5, STANDING_BY, [], None),
        (5, STANDING_IN, [], 0),
        (5, BLIND_FOR_API, [], 0),
        (5, None, [], 0),
        (5, None, [WINDOW], None),
        (30, None, [WINDOW], 30),
        (45, None, [WINDOW], 30),
        (45, STANDING_BY, [WINDOW], None),
        (45, STANDING_IN, [WINDOW], 30),
        (5, STANDING_IN, [WINDOW], None),
        (45, None, [replace(WINDOW, start_ms=NOON - 90 * MIN)], 0),
    ],
)
def test_a_held_incident_is_told_once_nothing_holds_it_and_after_maintenance_by_a_bad_check_of_later(
    minute: int, standing: Standing | None, windows: list[Maintenance], from_minute: int | None
) -> None:
    from_ms = gate.released_from_ms(HELD, probe=API, standing=standing, windows=windows, now_ms=NOON + minute * MIN)
    assert from_ms == (None if from_minute is None else NOON + from_minute * MIN)


def test_the_incident_of_a_probe_that_is_gone_knows_no_maintenance() -> None:
    assert gate.released_from_ms(HELD, probe=None, standing=None, windows=[WINDOW], now_ms=NOON) == NOON


def test_what_is_paused_or_marked_as_a_false_positive_stays_held() -> None:
    paused, marked = replace(API, enabled=False), replace(HELD, false_positive=True)
    assert gate.released_from_ms(HELD, probe=paused, standing=None, windows=[], now_ms=NOON) is None
    assert gate.released_from_ms(marked, probe=API, standing=None, windows=[], now_ms=NOON) is None
