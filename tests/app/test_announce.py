"""The gate: who is told of what."""

from __future__ import annotations

from contextlib import closing

import anyio
import pytest

from prober.adapters.store import outbox
from prober.app.announce import queue_store_alert
from prober.core.alerts import AlertFacts, AlertKind
from prober.core.certificate import DAY_MS
from prober.core.expect import Expect
from prober.core.facts import Certificate
from prober.core.model import Policy, Severity
from tests.app.world import CHIEF, HERE, OPS, QUICK, World, channel, config, probe
from tests.fakes import T0, jumping_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def told(world: World) -> list[tuple[str, str, str]]:
    """Return (channel, recipient, kind) of every alert ever queued."""
    return [(row.channel, row.recipient, row.kind) for row in world.rows()]


async def test_everyone_is_told_of_a_probe_where_no_channel_asks_for_tags(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(OPS, CHIEF), channel("night@acme.example", id="night")))
    await world.run("x")
    assert told(world) == [("ops", OPS, "down"), ("ops", CHIEF, "down"), ("night", "night@acme.example", "down")]


async def test_a_channel_with_tags_is_told_of_probes_with_one_of_them(world: World) -> None:
    tagged = probe("api", policy=QUICK, tags=("prod", "web"))
    world.configure(
        tagged,
        probe("lab", policy=QUICK),
        channels=(channel(OPS, id="prod", tags=("prod", "db")), channel(CHIEF, id="all")),
    )
    await world.run("x")
    await world.run(".")
    assert sorted(told(world)) == sorted(
        [("prod", OPS, kind) for kind in ("down", "recovered")]
        + [("all", CHIEF, kind) for kind in ("down", "recovered")] * 2
    )


async def test_what_is_about_ourselves_concerns_everyone(world: World) -> None:
    world.configure(
        connectivity_urls=("https://one.example/",), channels=(channel(OPS, id="prod", tags=("prod",)), channel(CHIEF))
    )
    for _ in range(2):
        await world.run({"api": "!", "connectivity-0": "!"})
        await anyio.sleep(600)
    assert told(world) == [("prod", OPS, "prober_blind"), ("ops", CHIEF, "prober_blind")]


async def test_a_recovery_goes_to_those_who_were_told_and_are_still_configured(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(OPS, CHIEF),))
    await world.run("x")
    world.configure(channels=(channel(CHIEF, "new@acme.example"),))
    await world.run(".")
    assert told(world)[2:] == [("ops", CHIEF, "recovered")]


async def test_a_recovery_goes_to_those_who_were_told_also_when_the_tags_changed(world: World) -> None:
    world.configure(probe(policy=QUICK, tags=("prod",)), channels=(channel(OPS, tags=("prod",)),))
    await world.run("x")
    world.configure(probe(policy=QUICK))
    await world.run(".")
    assert told(world) == [("ops", OPS, "down"), ("ops", OPS, "recovered")]


async def test_one_address_in_two_channels_is_told_by_each(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(OPS), channel(OPS, id="other")))
    await world.run("x")
    assert [row.channel for row in world.rows()] == ["ops", "other"]
    assert len({row.message_id for row in world.rows()}) == 2


async def test_a_slow_incident_that_goes_down_is_closed_without_an_alert_of_its_own(world: World) -> None:
    world.configure(probe(policy=Policy(failures=1, slow_checks=1)))
    await world.run("s")
    await world.run("x")
    assert [(each.kind, each.closed_as) for each in world.incidents()] == [("slow", "superseded"), ("down", None)]
    assert [row.kind for row in world.rows()] == ["slow", "down"]
    assert world.count("events") == 3


async def test_the_end_of_an_incident_that_was_closed_by_hand_is_told_to_nobody(world: World) -> None:
    world.configure(probe(policy=QUICK))
    await world.run("x")
    with closing(world.open()) as store:
        store.write("UPDATE incidents SET ended_at_ms = started_at_ms, closed_as = 'resolved'")
    report = await world.run(".")
    assert [each.incident for each in report.told] == [None]
    assert told(world) == [("ops", OPS, "down")]


@pytest.mark.parametrize(
    ("history", "kinds"),
    [("x", [("down", "P0")]), ("s", [("slow", "P1")]), ("x.", [("down", "P0"), ("recovered", "P0")])],
)
async def test_slow_is_one_less_urgent_than_down(world: World, history: str, kinds: list[tuple[str, str]]) -> None:
    world.configure(probe(policy=QUICK, severity=Severity.P0))
    await world.runs(history)
    assert [(str(row.kind), str(AlertFacts.from_json(row.facts).severity)) for row in world.rows()] == kinds


async def test_a_down_that_was_never_tried_and_its_recovery_are_one_mail(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "g"
    await world.run("x")
    report = await world.run(".")
    await anyio.sleep(60)
    report = await world.run(".")
    assert [row.state for row in world.rows()] == ["merged", "sent"]
    (subject,) = world.mail.subjects()
    assert subject.startswith("[UP after ")
    assert ", alert delayed] api: status 503 (inc 1)" in subject
    assert report.undelivered == 0


async def test_an_alert_names_the_others_that_are_down(world: World) -> None:
    world.configure(probe("api", policy=QUICK), probe("web", name="The web", policy=QUICK), probe("db"))
    await world.run("x")
    api, web = (AlertFacts.from_json(row.facts) for row in world.rows())
    assert (api.others_down, web.others_down) == (("The web",), ("api",))


@pytest.mark.parametrize(
    ("urls", "history", "said"),
    [
        ((), "!", "not configured: an outage of our own network would look the same"),
        (("https://one.example/",), "x", "not asked: nothing failed on the way"),
        (("https://one.example/",), "!", "our own network is fine"),
    ],
)
async def test_an_alert_says_what_is_known_of_our_own_network(
    world: World, urls: tuple[str, ...], history: str, said: str
) -> None:
    world.configure(probe(policy=QUICK), connectivity_urls=urls)
    await world.run({"api": history})
    assert AlertFacts.from_json(world.rows()[0].facts).connectivity == said


def test_everyone_is_told_that_the_store_was_set_aside(world: World) -> None:
    known = config(channels=(channel(OPS, tags=("prod",)), channel(CHIEF, id="all")))
    with closing(world.open()) as store:
        queue_store_alert(store, known, HERE, "prober.db.corrupt-1", T0)
        queue_store_alert(store, known, HERE, "prober.db.corrupt-1", T0)
    assert told(world) == [("ops", OPS, "store_corrupt"), ("all", CHIEF, "store_corrupt")]
    assert "prober.db.corrupt-1" in world.rows()[0].facts
    assert AlertFacts.from_json(world.rows()[0].facts).kind is AlertKind.STORE


async def test_two_certificates_that_alternate_are_each_told_once(world: World) -> None:
    world.configure(probe(expect=Expect(certificate_ms=14 * DAY_MS)))
    certificates = [
        Certificate(fingerprint=name, not_after_ms=T0 + days * DAY_MS) for name, days in (("aa", 10), ("bb", 9))
    ]
    reports = [await world.run(".", certificate=each) for each in certificates * 2]
    assert [len(report.told) for report in reports] == [1, 1, 0, 0]
    assert [subject.split("]")[0] for subject in world.mail.subjects()] == ["[CERT 9d", "[CERT 8d"]


async def test_an_end_that_a_quiet_run_saw_is_told_by_the_next_one_to_those_who_know_of_the_beginning(
    world: World,
) -> None:
    await world.runs("xxx")
    await world.runs(".")
    quiet = await world.run(".", is_alerting=False)
    assert (quiet.queued, quiet.undelivered) == (1, 0)
    await world.run(".")
    assert [subject.split()[0] for subject in world.mail.subjects()] == ["[DOWN", "[UP"]


async def test_who_never_got_a_dropped_beginning_does_not_get_its_end(world: World) -> None:
    world.mail.script = "p"
    await world.runs("xxx")
    (down,) = world.waiting()
    with closing(world.open()) as store, store.transaction():
        outbox.drop(store, down.id)
    await world.runs("..")
    assert world.mail.accepted == []


async def test_an_outage_at_a_time_that_the_wall_clock_repeats_is_another_one(world: World) -> None:
    world.configure(probe(policy=QUICK))
    await world.run("x")
    (first,) = world.incidents()
    await world.run(".")
    world.clock.set_by_ms = first.started_at_ms - world.clock.now_ms()
    await world.run("x")
    assert [each.started_at_ms for each in world.incidents()] == [first.started_at_ms] * 2
    assert [subject.split()[0] for subject in world.mail.subjects()] == ["[DOWN", "[UP", "[DOWN"]
    assert len({row.message_id for row in world.rows()}) == 3
