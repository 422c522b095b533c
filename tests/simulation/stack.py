"""The whole of prober on a virtual clock: the real service, rules, store and delivery in the same world.

Only what lies outside is made up. A kill freezes the files as they are at that moment, and the next process begins with
these, whatever the dying one still writes. A store that cannot be written is a folder that is gone for a while.
"""

from __future__ import annotations

import shutil
import signal
from contextlib import closing
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
import trio.testing

import prober.app.journal
from prober.adapters.store import outbox, results
from prober.adapters.store.db import open_store
from prober.adapters.systemd import Systemd
from prober.app import people
from prober.app.announce import Announcer
from prober.app.books import Books, open_books
from prober.app.people import Deed
from prober.app.service import Service
from prober.app.surroundings import Surroundings
from prober.core.alerts import AlertKind
from prober.core.model import Closed, ClosedAs, Kind, Opened, probe_of
from prober.errors import StoreError, UsageError
from tests.app.world import HERE, config
from tests.fakes import header
from tests.simulation import faults
from tests.simulation.books import ACKNOWLEDGED, CHANNELS, MARKED, kind_of
from tests.simulation.case import Case
from tests.simulation.faults import make_faults
from tests.simulation.journal import Acted, Changed, Happened, Journal, Look, Mail
from tests.simulation.outbox import Item
from tests.simulation.outside import LoopMachine, MailServer, Targets
from tests.simulation.prober import PEOPLE
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND, Spell, look, make_world

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from sqlite3 import Row

    from prober.adapters.store.db import Store
    from prober.app.announce import Told
    from prober.core.model import Event, Result
    from prober.core.settings import Config
    from tests.simulation.faults import Faults
    from tests.simulation.run import Task
    from tests.simulation.world import Sight, World


class Namer(Announcer):
    """Know by which id events are kept, and nothing else."""

    def __init__(self, location: str) -> None:
        self._location = location


class Stack(prober.app.journal.Journal):
    """One prober at one location, and everything that happens to it; it tells us itself what it does.

    ``missing`` are checks (probe, stored time) that were recorded, and are not in the store in the end.
    """

    def __init__(
        self,
        world: World,
        location: str,
        sight: Sight,
        plan: Faults,
        folder: Path,
        *,
        connectivity_urls: tuple[str, ...] = ("https://connectivity.example/",),
    ) -> None:
        super().__init__()
        self._connectivity_urls = connectivity_urls
        self.journal = Journal.begin(location, len(world.probes))
        self.missing: set[tuple[str, int]] = set()
        self._until = world.until
        self._probes = list(world.probes)
        self._numbers = {probe.id: number for number, probe in enumerate(world.probes)}
        self._machine = LoopMachine(sight, plan)
        self._targets = Targets(machine=self._machine, numbers=self._numbers)
        self._server = MailServer(machine=self._machine, post=self._post)
        self._now, self._later = folder / "now", folder / "later"
        self._path, self._gone = self._now / "store" / "prober.db", self._now / "gone"
        self._random = Random(f"{world.seed} people at {location}")
        self._asked: set[str | None] = {None}
        self._recorded: set[tuple[str, int]] = set()
        self._books: Books | None = None
        self._give, self._given = anyio.create_memory_object_stream[signal.Signals](99)

    async def run(self) -> Journal:
        """Live through it all, and return what happened."""
        self._path.parent.mkdir(parents=True)
        self._now.chmod(0o700)
        with closing(open_store(self._path, now_ms=self._machine.now_ms())) as store:
            store.write("UPDATE meta SET value = 'simulated' WHERE name = 'installation'")
        self._note_faults()
        async with anyio.create_task_group() as world:
            world.start_soon(self._machine.live)
            while self._machine.now < self._until:
                await self._live()
            world.cancel_scope.cancel()
        self._give.close()
        self._given.close()
        with closing(open_store(self._path, now_ms=self._machine.now_ms())) as store:
            self._note_merged(store)
            self.journal.waiting = len(outbox.all_waiting(store))
            self.missing = self._recorded - {
                (probe_id, result.at_ms)
                for probe_id in self._numbers
                for result in results.last_results(store, probe_id, self.journal.location, 1_000_000)
            }
        return self.journal

    def round_recorded(self, results: Sequence[Result], told: Iterable[Told], queued: int) -> None:
        """Write down what was recorded: what was checked, and what that caused."""
        super().round_recorded(results, told, queued)
        for result in results:
            at, seen = self._targets.seen[result.probe_id, result.at_ms]
            number = self._numbers[result.probe_id]
            sign = seen.sign if result.outcome is seen.outcome else "?"
            self.journal.starts[number].append(at)
            self.journal.looks[number].append(Look(at=at, sign=sign))
            self._recorded.add((result.probe_id, result.at_ms))
        for each in told:
            self._note_event(self._store, each.event)

    @property
    def _store(self) -> Store:
        assert self._books is not None
        return self._books.store

    async def _live(self) -> None:
        """Be one process until it is killed, and then dead for as long as fate has it."""
        machine = self._machine
        machine.killed, machine.killed_by, machine.lag = anyio.Event(), None, machine.now % 997
        async with anyio.create_task_group() as process:
            process.start_soon(self._serve)
            with anyio.move_on_after((self._until - machine.now) / SECOND):
                await machine.killed.wait()
            shutil.copytree(self._now, self._later, ignore=shutil.ignore_patterns("*-shm"))
            process.cancel_scope.cancel()
        shutil.rmtree(self._now)
        self._later.rename(self._now)
        if machine.killed_by is not None:
            length = machine.killed_by.end - machine.killed_by.start
            self.journal.stops.append(Spell(start=machine.now, end=machine.now + length, what=machine.killed_by.what))
            await anyio.sleep(length / SECOND)

    async def _serve(self) -> None:
        known, machine = self._config(), self._machine
        environ = {"XDG_RUNTIME_DIR": str(self._now)}
        self._books = open_books(
            self._path, config=known, place=HERE, clock=machine, is_alerting=True, journal=self, environ=environ
        )
        around = Surroundings(
            load=self._config,
            mailer=lambda _: self._server.open,
            clock=machine,
            look=lambda _: None,
            checker=self._targets,
            place=HERE,
            systemd=Systemd({}, monotonic_ns=lambda: 0),
            journal=self,
        )
        with closing(self._books):
            await Service(known, self._books, around).run(self._given)

    def _config(self) -> Config:
        return config(
            *self._probes,
            location=self.journal.location,
            channels=CHANNELS,
            connectivity_urls=self._connectivity_urls,
            keep_ms=100 * 365 * DAY,  # also what was seen in 1970
        )

    def _note_faults(self) -> None:
        plan, note = self._machine.faults, self._machine.note
        for stop in plan.stops:
            note(stop.start, partial(self._stop, stop))
        for jump in plan.jumps:
            note(jump.start, partial(self._set_clock, faults.shift_of(jump)))
            note(jump.end, partial(self._set_clock, 0))
        for spell in plan.stores:
            note(spell.start, partial(self._move, self._path.parent, self._gone))
            note(spell.end, partial(self._move, self._gone, self._path.parent))
        for change in plan.changes:
            note(change.start, partial(self._change, change.what))

    def _stop(self, spell: Spell[str]) -> None:
        machine = self._machine
        if machine.killed.is_set():
            return
        if spell.what == faults.KILLED:
            machine.kill(spell)
        elif spell.what in faults.KILLS:
            machine.armed = spell
        else:
            length = spell.end - machine.now
            self.journal.stops.append(Spell(start=machine.now, end=spell.end, what=spell.what))
            if spell.what == faults.SUSPENDED:
                machine.slept += length
            else:
                jump(length / SECOND)

    def _move(self, place: Path, other: Path) -> None:
        place.rename(other)

    def _set_clock(self, shift: int) -> None:
        self._machine.wall_ahead = faults.T0 + shift

    def _change(self, what: str) -> None:
        """Configure some probe anew."""
        number = self._random.randrange(len(self._probes))
        self._probes[number] = faults.change(self._probes[number], what, self._machine.now, self._random)
        self.journal.changes.append(Changed(at=self._machine.now, number=number, probe=self._probes[number]))
        self._give.send_nowait(signal.SIGHUP)

    def _post(self, message: bytes) -> None:
        """Be the mail server that takes a mail, and the people who read it."""
        rows = self._store.rows(
            """SELECT o.channel, o.recipient, r.kind, e.uid, i.uid AS incident FROM outbox o
            JOIN outbox r ON r.id = o.id OR r.carrier = o.id JOIN events e ON e.id = r.event
            LEFT JOIN incidents i ON i.number = r.incident WHERE o.message_id = :id ORDER BY r.id""",
            {"id": (message_id := header(message, "Message-ID"))},
        )
        items = tuple(Item(event=row["uid"], kind=AlertKind(row["kind"]), incident=row["incident"]) for row in rows)
        recipient = (rows[0]["channel"], rows[0]["recipient"])
        self.journal.mails.append(Mail(at=self._machine.now, recipient=recipient, message_id=message_id, items=items))
        for item in items:
            if item.incident not in self._asked and item.kind in {AlertKind.DOWN, AlertKind.SLOW}:
                self._asked.add(item.incident)
                self._ask(item.incident or "")

    def _ask(self, incident: str) -> None:
        dice, delay = self._random.random(), self._random.randint(MINUTE, 3 * HOUR)
        what = next((what for share, what in PEOPLE if dice < share), None)
        if what is not None:
            self._machine.note(self._machine.now + delay, partial(self._act, incident, what))

    def _act(self, incident: str, what: str) -> None:
        """Do what a person does who types a command, later when the store cannot be written."""
        machine = self._machine
        try:
            with closing(open_store(self._path, now_ms=machine.now_ms())) as store:
                self._do(store, incident, what)
        except UsageError:
            return
        except StoreError:
            machine.note(machine.now + HOUR, partial(self._act, incident, what))

    def _do(self, store: Store, incident: str, what: str) -> None:
        row = store.find("SELECT number FROM incidents WHERE uid = :uid AND ended_at_ms IS NULL", {"uid": incident})
        if row is None:
            return
        deed = Deed(number=row["number"], who="somebody", at_ms=self._machine.now_ms())
        self.journal.acts.append(Acted(at=self._machine.now, incident=incident, what=what))
        if what == ACKNOWLEDGED:
            people.acknowledge(store, deed)
        elif what == MARKED:
            people.mark_false_positive(store, deed)
        else:
            people.resolve(store, deed, config=self._config(), place=HERE)
            self._note_resolved(store, incident)

    def _note_resolved(self, store: Store, uid: str) -> None:
        (row,) = store.rows("SELECT * FROM incidents WHERE uid = :uid", {"uid": uid})
        self._note_event(store, _closed(row))

    def _note_merged(self, store: Store) -> None:
        """Write down the incidents that one from before the store was gone took over, when that came back."""
        ends = {each.item.incident for each in self.journal.events if isinstance(each.event, Closed)}
        taken = {row["uid"]: row for row in store.rows("SELECT * FROM incidents WHERE closed_as = 'superseded'")}
        for each in [each for each in self.journal.events if each.item.incident in taken.keys() - ends]:
            if isinstance(each.event, Opened):
                closed = _closed(taken[each.item.incident])
                self.journal.events.append(replace(each, event=closed, recipients=()))

    def _note_event(self, store: Store, event: Event) -> None:
        """Write an event down, and who is to hear of it."""
        probe_id = probe_of(event)
        (row,) = store.rows(
            """SELECT e.id, e.uid, i.uid AS incident FROM events e LEFT JOIN incidents i ON i.number = e.incident
            WHERE e.uid = :uid""",
            {"uid": Namer(self.journal.location)._uid(event)},
        )
        rows = store.rows("SELECT channel, recipient FROM outbox WHERE event = :id ORDER BY id", {"id": row["id"]})
        self.journal.events.append(
            Happened(
                at=self._machine.now,
                item=Item(event=row["uid"], kind=kind_of(event), incident=row["incident"]),
                number=None if probe_id is None else self._numbers[probe_id],
                event=event,
                recipients=tuple((each["channel"], each["recipient"]) for each in rows),
            )
        )


def _closed(row: Row) -> Closed:
    return Closed(
        probe_id=row["probe"],
        kind=Kind(row["kind"]),
        at_ms=row["ended_at_ms"],
        started_at_ms=row["started_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        closed_as=ClosedAs(row["closed_as"]),
    )


def jump(seconds: float) -> None:
    """Let time pass in which nothing runs."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, trio.testing.MockClock)
    clock.jump(seconds)


def simulate_stack(task: Task, folder: Path, **mistakes: Any) -> tuple[Case, set[tuple[str, int]]]:
    """Live through a world once, rightly or with a mistake; return it, and which recorded checks are missing then."""
    world = make_world(task.seed, until=task.days * DAY, probes=task.probes, fury=task.fury)
    sight, plan = look(world, task.location), make_faults(world, task.location)

    async def run() -> Stack:
        stack = Stack(world, task.location, sight, plan, folder, **mistakes)
        await stack.run()
        return stack

    # Tasks take their turns as the seed has it, or nothing could be seen twice.
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio._core._run._r.seed(task.seed)
    clock = trio.testing.MockClock(autojump_threshold=0)
    stack = anyio.run(run, backend="trio", backend_options={"clock": clock})
    return Case(world=world, sight=sight, faults=plan, journal=stack.journal), stack.missing
