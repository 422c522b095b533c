from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from prober.adapters.config.problems import Excerpt, InvalidConfig, Problem
from prober.adapters.log import Log
from prober.app.announce import Told
from prober.app.journal import Journal
from prober.core.model import (
    CertificateExpiring,
    Closed,
    ClosedAs,
    Kind,
    Opened,
    Outcome,
    ProberBlind,
    Reason,
    Reminded,
    Result,
)
from prober.core.settings import Maintenance
from prober.errors import ConfigError, StoreError
from tests.app.world import OPS, QUICK, World, channel, config, probe
from tests.fakes import MIN_MS, T0, jumping_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from prober.adapters.log import Format, Level
    from prober.core.gate import HeldBy
    from prober.core.model import Event


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


class Heard:
    """What a journal wrote; ``lines`` without their time, which is always the same."""

    def __init__(self, *, form: Format = "text", least: Level = "debug") -> None:
        self.lines: list[str] = []
        self.journal = Journal(Log(self._take, now_ms=lambda: T0, form=form, least=least))

    def _take(self, line: bytes) -> bool:
        self.lines.append(line.decode().removeprefix("2026-09-21T14:13:20.000Z ").rstrip("\n"))
        return True


@pytest.fixture
def heard() -> Heard:
    return Heard()


def result(outcome: Outcome = Outcome.OK, **fields: Any) -> Result:
    return Result(probe_id="api", location="here", at_ms=T0, outcome=outcome, **fields)


OPENED = Opened(
    probe_id="api",
    kind=Kind.DOWN,
    at_ms=T0 + 2 * MIN_MS,
    started_at_ms=T0,
    reason=Reason.STATUS,
    detail="status 503, expected 2xx",
    checks=3,
)
CLOSED = Closed(
    probe_id="api",
    kind=Kind.DOWN,
    at_ms=T0 + 13 * MIN_MS,
    started_at_ms=T0,
    ended_at_ms=T0 + 12 * MIN_MS,
    closed_as=ClosedAs.RECOVERED,
)
REMINDED = Reminded(
    probe_id="api", kind=Kind.DOWN, at_ms=T0 + 65 * MIN_MS, started_at_ms=T0, sequence=1, recipients=(("ops", OPS),)
)
CERTIFICATE = CertificateExpiring(
    probe_id="api", at_ms=T0, fingerprint="f", not_after_ms=T0 + 13 * 24 * 60 * MIN_MS, stage_ms=1
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (OPENED, "warning  down opened: api: status 503, expected 2xx  probe=api incident=42 round=1"),
        (
            replace(OPENED, kind=Kind.SLOW, detail=None),
            "warning  slow opened: api: 3 checks in a row  probe=api incident=42 round=1",
        ),
        (CLOSED, "info     down recovered: api: after 12 min  probe=api incident=42 round=1"),
        (replace(CLOSED, kind=Kind.SLOW), "info     slow over: api: after 12 min  probe=api incident=42 round=1"),
        (
            replace(CLOSED, kind=Kind.SLOW, closed_as=ClosedAs.SUPERSEDED),
            "info     slow superseded: api: it is down now  probe=api incident=42 round=1",
        ),
        (
            replace(CLOSED, closed_as=ClosedAs.REMOVED),
            "info     removed: api: after 12 min  probe=api incident=42 round=1",
        ),
        (REMINDED, "info     reminded: api: down for 1 h 5 min  probe=api incident=42 round=1"),
        (CERTIFICATE, "warning  certificate expiring: api: it ends on 2026-10-04  probe=api incident=42 round=1"),
        (
            ProberBlind(at_ms=T0 + 12 * MIN_MS, since_ms=T0),
            "warning  prober blind: offline for 12 min  incident=42 round=1",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_every_event_is_a_line_of_its_own(heard: Heard, event: Event, line: str) -> None:
    heard.journal.round_recorded([], [Told(event=event, incident=42)], 0)
    assert heard.lines[:-1] == [line]


@pytest.mark.parametrize(("held_by", "why"), [("standby", "somebody else is watching"), ("maintenance", "maintenance")])
def test_what_is_held_says_so(heard: Heard, held_by: HeldBy, why: str) -> None:
    heard.journal.round_recorded([], [Told(event=OPENED, incident=42, held_by=held_by)], 0)
    assert heard.lines[0].endswith(f" (not told: {why})  probe=api incident=42 round=1")


def test_a_round_is_told_as_what_it_came_to(heard: Heard) -> None:
    results = [
        result(latency_us=61_200),
        result(Outcome.SLOW, latency_us=1_234_000),
        result(Outcome.FAILED, reason=Reason.STATUS, detail="status 503"),
        result(Outcome.UNKNOWN, reason=Reason.OFFLINE),
        result(latency_us=5_300),
    ]
    heard.journal.round_recorded(results, [], 1)
    heard.journal.round_recorded([], [], 0)
    heard.journal.round_recorded([], [], 2)
    assert heard.lines == [
        "debug    api: ok, 61 ms  probe=api round=1",
        "debug    api: slow, 1234 ms  probe=api round=1",
        "debug    api: failed, status 503  probe=api round=1",
        "debug    api: unknown  probe=api round=1",
        "debug    api: ok, 5.3 ms  probe=api round=1",
        "info     1 alert queued  round=1",
        "debug    round finished: 5 checks: 2 ok, 1 slow, 1 failed, 1 unknown  round=1",
        "info     2 alerts queued  round=2",
        "debug    round finished: 0 checks  round=2",
    ]


def invalid() -> InvalidConfig:
    excerpt = Excerpt(line=13, column=1, width=6, line_text="timeot = 1")
    return InvalidConfig(
        (
            Problem(
                file="probes.toml",
                message='unknown key "timeot"',
                excerpt=excerpt,
                suggestion='did you mean "timeout"?',
            ),
            Problem(file="probes.toml", message="there is no probe"),
        )
    )


@pytest.mark.parametrize(
    ("tell", "lines"),
    [
        (
            lambda told: told.started(version="1.2", location="here", probes=1, store=Path("p.db")),
            ["info     prober 1.2 started: 1 probe, location here, store p.db"],
        ),
        (lambda told: told.ready(), ["info     ready"]),
        (
            lambda told: told.reload_failed(invalid()),
            [
                "error    reload failed, the old configuration stays: 2 problems",
                'error    probes.toml:13:1: error: unknown key "timeot"; did you mean "timeout"?',
                "error    probes.toml: error: there is no probe",
            ],
        ),
        (
            lambda told: told.reload_failed(ConfigError("no probes.toml")),
            ["error    reload failed, the old configuration stays: 1 problem", "error    no probes.toml"],
        ),
        (
            lambda told: told.store_lost(StoreError("p.db: disk full\nfree some")),
            ["error    the store failed us, checks and alerts go on without it: p.db: disk full free some"],
        ),
        (
            lambda told: told.store_healed(lost_for_ms=3 * MIN_MS),
            ["warning  the store is back after 3 min, with all that happened meanwhile"],
        ),
        (
            lambda told: told.store_set_aside(Path("p.db.corrupt-1")),
            ["error    the store could not be read: it was set aside as p.db.corrupt-1, and history starts anew"],
        ),
        (
            lambda told: told.kept_in_memory(StoreError("p.db: disk full\nfree some")),
            [
                (
                    "error    no file can be written anywhere: what happens is kept in memory only, "
                    "and lost when this process ends: p.db: disk full free some"
                )
            ],
        ),
        (lambda told: told.standin_set_aside("set aside as 1.db.corrupt-1"), ["error    set aside as 1.db.corrupt-1"]),
        (lambda told: told.standin_left("not in it yet"), ["warning  not in it yet"]),
        (lambda told: told.signal_received("SIGTERM", meaning="stopping"), ["info     SIGTERM: stopping"]),
        (lambda told: told.stopped(undelivered=0), ["info     stopped"]),
        (lambda told: told.stopped(undelivered=2), ["info     stopped, 2 alerts not delivered yet"]),
        (lambda told: told.heartbeat_failed("status 500"), ["warning  heartbeat failed: status 500"]),
        (lambda told: told.heartbeat_recovered(), ["info     heartbeat recovered"]),
        (
            lambda told: told.watchdog_starving(idle_ms=90_000),
            ["error    no progress for 1 min: the watchdog is not fed any more"],
        ),
        (lambda told: told.clock_jumped(3_600_000), ["warning  the wall clock jumped forward by 1 h"]),
        (lambda told: told.clock_jumped(-5_000), ["warning  the wall clock jumped back by 5 s"]),
    ],
)
def test_what_a_service_tells_of_itself(heard: Heard, tell: Callable[[Journal], None], lines: list[str]) -> None:
    tell(heard.journal)
    assert heard.lines == lines
    tell(Journal())  # and without a log it is silent
    assert heard.lines == lines


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (config(), "nothing changed"),
        (config(probe(), probe("web"), probe("ws")), "added web, ws"),
        (config(probe("web")), "added web; removed api"),
        (config(probe(interval_ms=1)), "changed api"),
        (config(title="New", channels=(channel(server="mail"),)), "title changed; channels changed"),
        (config(heartbeat_url="https://secret.example"), "heartbeat url changed"),
        (config(keep_ms=1, maintenance=(Maintenance(duration_ms=1),)), "maintenance changed; keep changed"),
    ],
)
def test_a_reload_says_what_changed(heard: Heard, changed: Any, said: str) -> None:
    heard.journal.reloaded(config(), changed)
    assert heard.lines == [f"info     reloaded: {said}"]


@pytest.mark.anyio
async def test_a_run_tells_what_becomes_of_every_alert(world: World, heard: Heard) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "gup"
    for history in "x..":
        await world.run(history, journal=heard.journal)
        await anyio.sleep(7200)
    world.configure(channels=(channel("new@acme.example"),))
    await world.run(journal=heard.journal)
    lines = [line.replace("no reply to the message: connection lost", "no reply to ...") for line in heard.lines]
    assert [re.sub(r"in \d.*?(?=  )", "in a while", line) for line in lines if "to ops@" in line] == [
        f"{told}  probe=api incident=1"
        for told in (
            "warning  alert 1 (api down) to ops@acme.example refused: 450 4.2.0 come again; next try in a while",
            "warning  alert 1 (api down) to ops@acme.example may have been taken: no reply to ...; repeated in a while",
            "error    alert 1 (api down) to ops@acme.example refused: 550 5.1.1 never heard of; next try in a while",
            "warning  alert 1 (api down) to ops@acme.example closed unsent: no longer configured",
            "warning  alert 2 (api recovered) to ops@acme.example closed unsent: no longer configured",
        )
    ]
    world.configure(channels=(channel(OPS),))
    await world.run("x", journal=heard.journal)
    (accepted,) = [line for line in heard.lines if "accepted" in line]
    assert accepted == "info     alert 3 (api down) to ops@acme.example accepted: 250 fine  probe=api incident=2"


def test_secrets_of_a_new_configuration_are_masked_from_then_on(heard: Heard) -> None:
    for journal in (heard.journal, Journal()):
        journal.hide(["hunter2hunter2"])
        journal.heartbeat_failed("hunter2hunter2")
    assert heard.lines == ["warning  heartbeat failed: ***"]


def test_json_lines_carry_what_an_event_is_about() -> None:
    heard = Heard(form="json", least="info")
    heard.journal.round_recorded([], [Told(event=OPENED, incident=42)], 0)
    (line,) = map(json.loads, heard.lines)
    assert (line["probe"], line["incident"], line["round"]) == ("api", 42, 1)
