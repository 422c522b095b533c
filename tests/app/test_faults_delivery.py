"""Delivery while stores come and go, other processes write, and the wall clock is set."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import outbox
from prober.app.announce import queue_store_alert
from prober.app.deliver import Delivery
from prober.errors import StoreError
from tests.app.test_books import locked, unreadable
from tests.app.world import CHIEF, HERE, OPS, QUICK, World, channel, probe
from tests.fakes import T0, FakeClock, header, jumping_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prober.app.books import Books

pytestmark = pytest.mark.anyio
MIN, H, DAY = 60, 3600, 86_400


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the waiting that is SQLite's and real, and leave nothing in folders that all tests share."""
    monkeypatch.setattr("prober.app.elsewhere._SHARED", ())
    monkeypatch.setattr("prober.app.books.OPEN_WITHIN_S", 0.01)
    monkeypatch.setattr("prober.app.books.WAIT_S", 0.001)
    monkeypatch.setattr("prober.app.standin.WAIT_S", 0.001)


class Settable(FakeClock):
    """A wall clock that somebody sets."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.fixture
def world(world: World) -> World:
    world.clock = Settable()
    world.configure(probe(policy=QUICK))
    return world


@asynccontextmanager
async def delivering(world: World, books: Books, look_every_s: float = 10.0) -> AsyncIterator[Delivery]:
    delivery = Delivery(
        books=books,
        channels=world.config.channels,
        clock=world.clock,
        open_session=world.mail.open,
        owner=HERE.owner,
        location="here",
        look_every_s=look_every_s,
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(delivery.run)
        yield delivery
        tasks.cancel_scope.cancel()


async def queue_an_alert(world: World) -> None:
    """Leave an alert in the outbox that no server took, and that is due."""
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(MIN)


async def test_what_is_accepted_while_the_store_is_lost_is_marked_in_what_stands_in_and_comes_home(
    world: World,
) -> None:
    await queue_an_alert(world)
    world.mail.takes_s = 10
    with closing(world.books()) as books:
        async with delivering(world, books):
            await anyio.sleep(5)
            with locked(world.path):
                await anyio.sleep(20)
                assert books.fault is not None
                assert [row["state"] for row in books.store.rows("SELECT state FROM outbox")] == ["sent"]
            assert await books.heal()
            await anyio.sleep(H)
    assert ([row.state for row in world.rows()], len(world.mail.accepted)) == (["sent"], 1)


async def test_what_is_refused_while_the_store_is_lost_is_tried_again_as_soon_as_ever(world: World) -> None:
    await queue_an_alert(world)
    world.mail.takes_s = 10
    world.mail.script = "g"
    with closing(world.books()) as books:
        async with delivering(world, books) as delivery:
            began = anyio.current_time()
            await anyio.sleep(5)
            with locked(world.path):
                await anyio.sleep(20)
                assert books.fault is not None
            assert await books.heal()
            delivery.wake()
            await anyio.sleep(2 * MIN)
    assert anyio.current_time() - began < 3 * MIN
    assert ([row.state for row in world.rows()], len(world.mail.accepted)) == (["sent"], 1)


async def test_what_another_process_left_half_sent_is_repeated_when_its_lease_ends(world: World) -> None:
    world.configure(channels=(channel(OPS),))
    with closing(world.books()) as books:
        for number in range(5):
            store_alert(world, books, at_ms=T0 + number)
        (first, *_) = outbox.all_waiting(books.store)
        assert outbox.claim(
            books.store, first.id, "web-2:9", world.clock.now_ms(), 5 * MIN * 1000, b"Subject: x\r\n\r\n"
        )
        async with delivering(world, books):
            await anyio.sleep(4 * MIN)
            assert len(world.mail.accepted) == 1
            await anyio.sleep(MIN + 10)
    assert [row.state for row in world.rows()] == ["sent", *["batched"] * 4, "sent"]


async def test_what_is_accepted_while_another_store_comes_into_use_is_marked_there_by_its_message_id(
    world: World,
) -> None:
    world.configure(channels=(channel(CHIEF, id="other"),))
    await queue_an_alert(world)
    world.mail.script = ""
    world.configure(channels=(channel(OPS),))
    with unreadable(world.path):
        books = world.books()
        store_alert(world, books, at_ms=T0)
    with closing(books):
        world.mail.takes_s = 10
        async with delivering(world, books):
            await anyio.sleep(5)
            assert await books.heal()
            await anyio.sleep(30)
        rows = {row["recipient"]: row["state"] for row in books.store.rows("SELECT recipient, state FROM outbox")}
    assert rows == {CHIEF: "queued", OPS: "sent"}
    assert [to for to, _ in world.mail.accepted] == [OPS]


def store_alert(world: World, books: Books, at_ms: int) -> None:
    queue_store_alert(books.store, world.config, HERE, "somewhere", at_ms)


async def test_a_pass_over_many_goes_on_in_the_store_that_is_in_use(world: World) -> None:
    world.configure(*(probe(f"p{n}", policy=QUICK) for n in range(3)), channels=(channel(OPS, CHIEF),))
    world.mail.script = "g" * 6
    await world.run("x")
    await anyio.sleep(MIN)
    world.mail.takes_s = 4
    with closing(world.books()) as books:
        async with delivering(world, books):
            await anyio.sleep(5)
            with locked(world.path):
                await anyio.sleep(9)
            await anyio.sleep(60)
            assert books.fault is not None
            assert await books.heal()
            await anyio.sleep(H)
    ids = [header(mail, "Message-ID") for _, mail in world.mail.accepted]
    assert (len(ids), len(set(ids))) == (6, 6)
    assert {row.state for row in world.rows()} == {"sent"}


async def test_what_can_be_marked_nowhere_is_not_repeated_by_this_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await queue_an_alert(world)
    mark_sent = outbox.mark_sent

    def fail(*_: object) -> None:
        raise StoreError("nothing can be written")

    with closing(world.books()) as books:
        monkeypatch.setattr(outbox, "mark_sent", fail)
        async with delivering(world, books) as delivery:
            await anyio.sleep(1)
            assert (len(world.mail.accepted), delivery.accepted) == (1, 1)
            assert str(books.store.path) == ":memory:"
            monkeypatch.setattr(outbox, "mark_sent", mark_sent)
            assert await books.heal()
            await anyio.sleep(2 * H)
    assert (len(world.mail.accepted), [row.state for row in world.rows()]) == (1, ["sent"])


async def test_a_refusal_that_can_be_noted_nowhere_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await queue_an_alert(world)
    mark_refused = outbox.mark_refused

    def fail(*_: object, **__: object) -> None:
        raise StoreError("nothing can be written")

    world.mail.script = "g"
    with closing(world.books()) as books:
        monkeypatch.setattr(outbox, "mark_refused", fail)
        async with delivering(world, books):
            await anyio.sleep(1)
            monkeypatch.setattr(outbox, "mark_refused", mark_refused)
            await anyio.sleep(H)
    assert len(world.mail.accepted) == 1


@pytest.mark.parametrize("look_every_s", [10.0, 3.0])
async def test_what_another_process_queues_is_found_by_itself(world: World, look_every_s: float) -> None:
    with closing(world.books()) as books:
        async with delivering(world, books, look_every_s=look_every_s):
            await anyio.sleep(1)
            with closing(world.books()) as others:
                store_alert(world, others, at_ms=world.clock.now_ms())
            await anyio.sleep(look_every_s + 0.5)
            assert len(world.mail.accepted) == 1


async def test_looking_costs_no_pass_while_nobody_writes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = 0

    def count(*_: object) -> list[object]:
        nonlocal passes
        passes += 1
        return []

    monkeypatch.setattr(Delivery, "_ready", count)
    with closing(world.books()) as books:
        async with delivering(world, books):
            await anyio.sleep(50 * MIN)
    assert passes == 2


@pytest.mark.parametrize("by_s", [-H, -DAY, -20_000 * DAY, DAY])
async def test_a_clock_that_is_set_keeps_no_refused_alert_waiting_for_longer_than_it_would(
    world: World, by_s: int
) -> None:
    world.mail.script = "gg"
    with closing(world.books()) as books:
        await world.run("x")
        assert isinstance(world.clock, Settable)
        async with delivering(world, books):
            await anyio.sleep(2)
            world.clock.ahead_ms += by_s * 1000
            await anyio.sleep(73 * MIN)
            assert len(world.mail.accepted) == 1


@pytest.mark.parametrize("by_s", [-H, -DAY, -20_000 * DAY])
async def test_an_alert_that_was_never_tried_is_due_whatever_the_clock_says(world: World, by_s: int) -> None:
    with closing(world.books()) as books:
        store_alert(world, books, at_ms=world.clock.now_ms())
        assert isinstance(world.clock, Settable)
        world.clock.ahead_ms += by_s * 1000
        async with delivering(world, books):
            await anyio.sleep(1)
            assert len(world.mail.accepted) == 1


async def test_other_channels_take_effect_at_once(world: World) -> None:
    await queue_an_alert(world)
    world.mail.script = ""
    with closing(world.books()) as books:
        delivery = Delivery(
            books=books, channels=(), clock=world.clock, open_session=world.mail.open, owner="me", location="here"
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(delivery.run)
            await anyio.sleep(5)
            assert world.mail.accepted == []
            delivery.configure(world.config.channels, world.mail.open)
            await anyio.sleep(1)
            assert len(world.mail.accepted) == 1
            tasks.cancel_scope.cancel()


async def test_a_channel_that_goes_while_mails_are_sent_gets_no_further_one(world: World) -> None:
    world.configure(channels=(channel(OPS), channel(CHIEF, id="zz")))
    world.mail.script = "gg"
    await world.run("x")
    await anyio.sleep(MIN)
    world.mail.takes_s = 10
    with closing(world.books()) as books:
        async with delivering(world, books) as delivery:
            await anyio.sleep(5)
            delivery.configure(world.config.channels[:1], world.mail.open)
            await anyio.sleep(MIN)
    assert [to for to, _ in world.mail.accepted] == [OPS]


async def test_an_alert_that_a_person_drops_between_planning_and_joining_ends_only_that_pass(world: World) -> None:
    world.configure(channels=(channel(OPS, CHIEF),))
    world.mail.takes_s = 10
    with closing(world.books()) as books:
        for number in range(5):
            store_alert(world, books, at_ms=T0 + number)
        async with delivering(world, books):
            await anyio.sleep(5)
            with closing(world.open()) as store:
                assert outbox.drop(store, next(row.id for row in world.rows() if row.recipient == OPS))
            await anyio.sleep(MIN)
    states = [row.state for row in world.rows() if row.recipient == OPS]
    assert states == ["dropped", "batched", "batched", "batched", "batched", "sent"]
    assert [to for to, _ in world.mail.accepted] == [CHIEF, OPS]
