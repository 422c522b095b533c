"""The service as a whole on a virtual clock: real store, scripted targets and mail, signals as a list of times."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from signal import SIGHUP, SIGINT, SIGTERM
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.log import Log
from prober.adapters.store import notices, outbox, results, rounds
from prober.adapters.systemd import Systemd
from prober.app.books import open_books
from prober.app.journal import Journal
from prober.app.service import Service
from prober.app.surroundings import Surroundings
from prober.errors import ConfigError
from tests.app.world import HERE, QUICK, World, channel, probe
from tests.fakes import T0, FakeChecker, FakeClock, FakeMail, jumping_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

    from prober.core.facts import Facts
    from prober.core.model import Outcome, Probe
    from prober.core.settings import Config

pytestmark = pytest.mark.anyio
MIN_S = 60
DAY_MS = 86_400_000


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


class HangingChecker(FakeChecker):
    """Never come back, as no check of ours does."""

    async def check(self, probe: Probe) -> Facts:
        await anyio.sleep_forever()
        return await super().check(probe)


class TimedChecker(FakeChecker):
    """Note when checks begin, by the clock that nobody sets."""

    begun_s: list[float]

    async def check(self, probe: Probe) -> Facts:
        self.begun_s = [*getattr(self, "begun_s", ()), anyio.current_time()]
        return await super().check(probe)


class Told(Systemd):
    """A service manager that only listens; ``said`` is (seconds, word)."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__({}, monotonic_ns=lambda: 0)
        self._clock = clock
        self.said: list[tuple[float, str]] = []

    def _send(self, *assignments: str) -> None:
        self.said.append((round((self._clock.now_ms() - T0) / 1000, 1), " ".join(assignments)))

    def words(self) -> list[str]:
        return [word.split("=")[0] for _, word in self.said]


@dataclass
class Scene:
    """One service in a world. ``signals`` are (seconds, signal); ``lines`` are the log's messages."""

    world: World
    histories: Mapping[str, str] = field(default_factory=dict)
    signals: list[tuple[float, signal.Signals]] = field(default_factory=list)
    reloads: list[Config | ConfigError] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock.now_ms()
        self.checker = FakeChecker(self.clock, self.histories)
        self.heard: AsyncIterable[signal.Signals] | None = None
        self.systemd = Told(self.clock)
        self.mail: FakeMail = self.world.mail
        self.ended_s = 0.0

    def note(self, line: bytes) -> bool:
        self.lines.append(line.decode())
        return True

    async def serve(self) -> None:
        """Serve until the last signal has ended it."""
        journal = Journal(Log(self.note, now_ms=self.clock.now_ms, form="text", least="debug"))
        books = self.books = open_books(
            self.world.path,
            config=self.world.config,
            place=HERE,
            clock=self.clock,
            is_alerting=True,
            journal=journal,
        )
        around = Surroundings(
            load=self.load,
            mailer=lambda _: self.mail.open,
            clock=self.clock,
            look=lambda known: self.world.look if known.standby else None,
            checker=self.checker,
            place=HERE,
            systemd=self.systemd,
            journal=journal,
        )
        with closing(books):
            await Service(self.world.config, books, around).run(self.heard or self.given())
        self.ended_s = anyio.current_time()

    async def serve_without_its_store(self, *, from_s: float) -> None:
        """Serve while another process keeps the store locked, from a time on."""
        with closing(self.world.open()) as other:

            async def lock() -> None:
                await anyio.sleep_until(from_s)
                other.connection.execute("BEGIN IMMEDIATE")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lock)
                await self.serve()

    async def given(self) -> AsyncIterator[signal.Signals]:
        for at_s, number in self.signals:
            await anyio.sleep_until(at_s)
            yield number

    def load(self) -> Config:
        loaded = self.reloads.pop(0)
        if isinstance(loaded, ConfigError):
            raise loaded
        return loaded

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve beside the block, and end with it."""
        send, receive = anyio.create_memory_object_stream[signal.Signals](9)
        self.heard = receive
        with send, receive:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.serve)
                await anyio.sleep(0.001)
                yield
                await send.send(SIGTERM)


@pytest.fixture
async def scene(world: World) -> Scene:
    return Scene(world, signals=[(30 * MIN_S, SIGTERM)])


def rows(world: World) -> list[tuple[str, int, Outcome]]:
    with closing(world.open()) as store:
        found = [each for probe_id in ("api", "web") for each in results.last_results(store, probe_id, "here", 10_000)]
    return [(each.probe_id, each.at_ms, each.outcome) for each in found]


async def test_an_outage_is_recorded_and_mailed_and_so_is_its_end(world: World) -> None:
    scene = Scene(world, {"api": "..xxxx.."}, signals=[(60 * MIN_S, SIGTERM)])
    await scene.serve()
    assert world.mail.subjects() == ["[DOWN P1] api: status 503 (inc 1)", "[UP after 20m] api: status 503 (inc 1)"]
    (incident,) = world.incidents()
    starts = [at_ms for _, at_ms in scene.checker.started]
    assert (incident.started_at_ms, incident.confirmed_at_ms, incident.ended_at_ms) == (starts[2], starts[4], starts[6])
    assert len(rows(world)) == len(starts) == 12
    assert [line for line in scene.lines if "down opened: api: status 503" in line]


async def test_a_service_that_is_started_anew_goes_on_where_it_stopped(world: World) -> None:
    world.configure(probe(recheck_ms=30_000))
    for sign in "xxx..":
        scene = Scene(world, {"api": sign}, clock=FakeClock())
        async with scene.serving():
            while not scene.checker.started:  # noqa: ASYNC110 - sleeping takes no time here
                await anyio.sleep(1)
            await anyio.sleep(1)
    assert [subject.split()[0] for subject in world.mail.subjects()] == ["[DOWN", "[UP"]


async def test_the_manager_hears_ready_progress_and_the_end(scene: Scene) -> None:
    await scene.serve()
    words = scene.systemd.words()
    assert words[0] == "READY"
    assert set(words[-3:]) <= {"STOPPING", "WATCHDOG", "STATUS"}
    assert words.count("STOPPING") == 1
    fed = [at_s for at_s, word in scene.systemd.said if word.startswith("WATCHDOG")]
    assert max(later - earlier for earlier, later in pairwise(fed)) <= 21
    assert [word for _, word in scene.systemd.said if word.startswith("STATUS=last round 14:") and ": 1 probe" in word]


async def test_the_watchdog_starves_when_checks_hang_beyond_their_deadline(world: World) -> None:
    scene = Scene(world, {"api": "h"}, signals=[(20 * MIN_S, SIGTERM)])
    scene.checker = HangingChecker(scene.clock, {})
    await scene.serve()
    fed = [at_s for at_s, word in scene.systemd.said if word.startswith("WATCHDOG")]
    assert max(fed) < 5 * MIN_S + 10 + 60 + 21
    assert len([line for line in scene.lines if "watchdog is not fed" in line]) == 1


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
async def test_a_signal_ends_it_within_ten_seconds_with_everything_kept(world: World, number: signal.Signals) -> None:
    world.configure(probe(policy=QUICK, interval_ms=1_000, timeout_ms=900))
    world.mail.takes_s = 3
    scene = Scene(world, {"api": "x" * 999}, signals=[(100.55, number)])
    await scene.serve()
    assert scene.ended_s - 100.55 < 10
    assert len(rows(world)) == scene.checker.count("api")
    assert world.mail.subjects() == ["[DOWN P1] api: status 503 (inc 1)"]


async def test_a_mail_server_that_hangs_does_not_keep_it_from_ending(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.takes_s = 3_600
    scene = Scene(world, {"api": "x"}, signals=[(6 * MIN_S, SIGTERM)])
    await scene.serve()
    assert scene.ended_s - 6 * MIN_S < 10
    (row,) = world.waiting()
    assert (row.state, row.fate) in {("sending", "untried"), ("queued", "unknown")}


async def test_a_second_signal_ends_it_at_once(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.takes_s = 3_600
    scene = Scene(world, {"api": "x"}, signals=[(6 * MIN_S, SIGTERM), (6 * MIN_S + 0.5, SIGTERM)])
    await scene.serve()
    assert scene.ended_s - 6 * MIN_S < 1
    assert len(world.incidents()) == 1


async def test_mail_that_hangs_delays_no_check(world: World) -> None:
    world.configure(probe(), probe("web", policy=QUICK))
    world.mail.takes_s = 1_500
    scene = Scene(world, {"web": "x" * 99}, signals=[(30 * MIN_S, SIGTERM)])
    await scene.serve()
    starts = [at_ms for each, at_ms in scene.checker.started if each == "api"]
    assert {round((later - earlier) / 1000) for earlier, later in pairwise(starts)} == {300}


async def test_a_store_that_keeps_being_locked_does_not_keep_it_from_ending(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.takes_s, world.mail.content_left = 3_600, False
    scene = Scene(world, {"api": "x"}, signals=[(6 * MIN_S, SIGTERM)])
    await scene.serve_without_its_store(from_s=6 * MIN_S - 1)
    assert scene.ended_s - 6 * MIN_S < 10


async def test_a_reload_that_waits_for_a_locked_store_does_not_keep_it_from_ending(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.takes_s, world.mail.content_left = 3_600, False
    signals = [(6 * MIN_S, SIGHUP), (6 * MIN_S + 0.1, SIGTERM)]
    scene = Scene(world, {"api": "x"}, signals=signals, reloads=[world.config])
    await scene.serve_without_its_store(from_s=6 * MIN_S - 1)
    assert scene.reloads == []
    assert scene.ended_s - 6 * MIN_S < 10


async def test_a_reload_while_it_ends_changes_nothing(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.takes_s = 3_600
    scene = Scene(world, {"api": "x"}, signals=[(6 * MIN_S, SIGTERM), (6 * MIN_S + 1, SIGHUP)], reloads=[world.config])
    await scene.serve()
    words = scene.systemd.words()
    assert "RELOADING" not in words
    assert words.count("READY") == 1


async def test_a_reload_leaves_the_mail_that_is_being_sent_alone(world: World) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.takes_s, world.mail.script = 60, "p"
    slot_s = 125.2
    scene = Scene(world, {"api": "x" * 99}, signals=[(slot_s + 30, SIGHUP), (20 * MIN_S, SIGTERM)])
    scene.reloads = [world.config]
    await scene.serve()
    assert len(world.mail.tried_at_s) == 1
    (row,) = world.waiting()
    assert (row.fate, row.is_permanent) == ("refused", True)


async def test_another_location_takes_a_restart(world: World) -> None:
    world.configure(probe(policy=QUICK))
    moved = replace(world.config, location="there")
    scene = Scene(world, {"api": "xx."}, signals=[(7 * MIN_S, SIGHUP), (30 * MIN_S, SIGTERM)], reloads=[moved])
    await scene.serve()
    assert [incident.closed_as for incident in world.incidents()] == ["recovered"]
    assert [line for line in scene.lines if "takes a restart" in line]


async def test_a_new_configuration_is_taken_without_losing_anything(world: World) -> None:
    world.configure(probe("api", policy=QUICK), probe("web"))
    after = replace(world.config, probes=(probe("web"), probe("db")), channels=(channel("new@acme.example"),))
    scene = Scene(world, {"api": "x"}, signals=[(12 * MIN_S, SIGHUP), (30 * MIN_S, SIGTERM)], reloads=[after])
    await scene.serve()
    assert {each for each, at_ms in scene.checker.started if at_ms > T0 + 12 * MIN_S * 1000} == {"web", "db"}
    assert [incident.closed_as for incident in world.incidents()] == ["recovered"]
    assert "RELOADING" in scene.systemd.words()
    assert any("reloaded: added db; removed api; channels changed" in line for line in scene.lines)


async def test_the_incident_of_a_probe_that_a_reload_removes_is_closed_and_told(world: World) -> None:
    world.configure(probe("api", policy=QUICK), probe("web"))
    after = replace(world.config, probes=(probe("web"),))
    scene = Scene(world, {"api": "x" * 99}, signals=[(12 * MIN_S, SIGHUP), (14 * MIN_S, SIGTERM)], reloads=[after])
    await scene.serve()
    assert [incident.closed_as for incident in world.incidents()] == ["removed"]
    assert [subject.split()[0] for subject in world.mail.subjects()] == ["[DOWN", "[REMOVED]"]


async def test_an_invalid_configuration_changes_nothing_and_is_told_until_it_is_mended(world: World) -> None:
    invalid = ConfigError("probes.toml:3:1: error: something\nand more")
    scene = Scene(
        world,
        signals=[(7 * MIN_S, SIGHUP), (20 * MIN_S, SIGHUP), (30 * MIN_S, SIGTERM)],
        reloads=[invalid, world.config],
    )
    seen: list[str] = []

    async def look() -> None:
        for at_s in (10, 25):
            await anyio.sleep_until(at_s * MIN_S)
            with closing(world.open()) as store:
                seen.extend(each.text for each in notices.all_notices(store))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await scene.serve()
    assert len(seen) == 1
    assert "the old configuration is in force" in seen[0]
    assert scene.checker.count("api") == 6
    assert any("something" in line for line in scene.lines)
    shown = [(at_ms, word) for at_ms, word in scene.systemd.said if word.startswith("STATUS=") and "not valid" in word]
    assert shown
    assert all("the old configuration is in force" in word for _, word in shown)
    assert "not valid" not in [word for _, word in scene.systemd.said if word.startswith("STATUS=")][-1]


@pytest.mark.parametrize("changed", [{"location": "elsewhere"}, {"store_path": "other.db"}], ids=str)
async def test_what_takes_a_restart_is_refused_at_a_reload(world: World, changed: dict[str, str]) -> None:
    after = replace(world.config, title="Another", **changed)  # type: ignore[arg-type]
    scene = Scene(world, signals=[(7 * MIN_S, SIGHUP), (20 * MIN_S, SIGTERM)], reloads=[after])
    await scene.serve()
    assert [line for line in scene.lines if "that takes a restart of the service" in line]
    with closing(world.open()) as store:
        assert "the old configuration is in force" in notices.all_notices(store)[0].text


async def test_an_old_configuration_is_in_force_no_longer_than_its_service(world: World) -> None:
    scene = Scene(world, signals=[(7 * MIN_S, SIGHUP), (9 * MIN_S, SIGTERM)], reloads=[ConfigError("probes.toml: no")])
    await scene.serve()
    with closing(world.open()) as store:
        assert [each.name for each in notices.all_notices(store)] == ["configuration"]
    await world.run()
    with closing(world.open()) as store:
        assert notices.all_notices(store) == ()


async def test_a_configuration_of_other_probes_only_is_refused(world: World) -> None:
    other = replace(world.config, probes=(probe("other"),))
    scene = Scene(world, signals=[(7 * MIN_S, SIGHUP), (20 * MIN_S, SIGTERM)], reloads=[other])
    await scene.serve()
    assert scene.checker.count("other") == 0
    assert scene.checker.count("api") == 4


@pytest.mark.parametrize(("history", "alerts"), [("...xx..xx..", []), ("...xxxx..", ["[DOWN", "[UP"])])
@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000, DAY_MS, -DAY_MS, -T0 + 1_000], ids=str)
async def test_a_wall_clock_that_jumps_moves_no_check_makes_no_alert_and_loses_none(
    world: World, by_ms: int, history: str, alerts: list[str]
) -> None:
    world.configure(keep_ms=100 * 365 * DAY_MS)
    scene = Scene(world, {"api": history}, signals=[(60 * MIN_S, SIGTERM)])
    scene.checker = checker = TimedChecker(scene.clock, scene.histories)

    async def set_clock() -> None:
        await anyio.sleep_until(17 * MIN_S)
        scene.clock.set_by_ms = by_ms
        await anyio.sleep_until(40 * MIN_S)
        scene.clock.set_by_ms = 0

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(set_clock)
        await scene.serve()
    assert {round(later - earlier) for earlier, later in pairwise(checker.begun_s)} == {300}
    kept = rows(world)
    assert len(kept) == len(set(kept)) == 12
    assert [subject.split()[0] for subject in world.mail.subjects()] == alerts
    assert [line for line in scene.lines if "the wall clock jumped" in line]


@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000, DAY_MS, -DAY_MS, -T0 + 1_000], ids=str)
async def test_an_alert_is_delivered_although_the_wall_clock_jumps_while_it_waits(world: World, by_ms: int) -> None:
    world.configure(probe(policy=QUICK))
    world.mail.script = "ggggg"
    scene = Scene(world, {"api": "x" * 99}, signals=[(60 * MIN_S, SIGTERM)])

    async def set_clock() -> None:
        await anyio.sleep_until(6 * MIN_S)
        scene.clock.set_by_ms = by_ms

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(set_clock)
        await scene.serve()
    assert len(world.mail.accepted) == 1


@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000, -T0 + 1_000], ids=str)
async def test_a_blackout_lasts_as_long_as_it_does_whatever_the_wall_clock_says(world: World, by_ms: int) -> None:
    world.configure(probe(interval_ms=60_000, timeout_ms=1_000), connectivity_urls=("https://one.example/",))
    silent = {"api": "." * 10 + "!" * 14 + "." * 99, "connectivity-0": "!" * 14}
    scene = Scene(world, silent, signals=[(60 * MIN_S, SIGTERM)])

    async def set_clock() -> None:
        await anyio.sleep_until(12 * MIN_S)
        scene.clock.set_by_ms = by_ms

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(set_clock)
        await scene.serve()
    assert world.mail.subjects() == ["[PROBER] blind for 10m"]


async def test_the_heartbeat_follows_committed_rounds_and_stays_away_while_alerts_are_stuck(world: World) -> None:
    world.configure(probe(policy=QUICK), heartbeat_url="https://beat.example/1")
    world.mail.script = "p" * 99
    scene = Scene(world, {"api": "...x" + "x" * 99}, signals=[(60 * MIN_S, SIGTERM)])
    await scene.serve()
    beats = [(at_ms - T0) / 1000 for each, at_ms in scene.checker.started if each == "heartbeat"]
    checks = [(at_ms - T0) / 1000 for each, at_ms in scene.checker.started if each == "api"]
    assert 5 <= len(beats) <= 6
    assert max(beats) < checks[3] + 11 * MIN_S
    assert all(min(abs(beat - check) for check in checks) < 6 for beat in beats)


async def test_its_commits_make_few_rounds(scene: Scene) -> None:
    await scene.serve()
    with closing(scene.world.open()) as store:
        last = rounds.last_round(store)
        count = store.rows("SELECT count(*), sum(checks) FROM rounds")[0]
    assert last is not None
    assert (count[0] <= 7, count[1]) == (True, 6)


async def test_what_another_process_queues_is_delivered_within_seconds(scene: Scene) -> None:
    async with scene.serving():
        await anyio.sleep(20 * MIN_S)
        with closing(scene.world.open()) as store:
            outbox.queue(store, [a_row()])
        await anyio.sleep(15)
        assert len(scene.mail.accepted) == 1


def a_row() -> outbox.Queued:
    from prober.core.alerts import AlertFacts, AlertKind  # noqa: PLC0415

    facts = AlertFacts(kind=AlertKind.TEST, queued_at_ms=T0, location="here", origin="x")
    return outbox.Queued(
        event=None,
        incident=None,
        kind=AlertKind.TEST,
        channel="ops",
        recipient="ops@acme.example",
        facts=facts.to_json(),
        queued_at_ms=T0,
        message_id="<1@acme.example>",
    )


async def test_a_store_that_fails_for_a_while_stops_neither_checks_nor_alerts_and_comes_home(world: World) -> None:
    scene = Scene(world, {"api": "..xxx.."}, signals=[(60 * MIN_S, SIGTERM)])

    async def spoil() -> None:
        await anyio.sleep_until(8 * MIN_S)
        aside = world.path.with_name("elsewhere")
        world.path.rename(aside)
        world.path.mkdir()
        await anyio.sleep_until(40 * MIN_S)
        world.path.rmdir()
        aside.rename(world.path)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(spoil)
        await scene.serve()
    assert [subject.split()[0] for subject in world.mail.subjects()] == ["[DOWN", "[UP"]
    assert len(rows(world)) == 12
    assert [incident.closed_as for incident in world.incidents()] == ["recovered"]
