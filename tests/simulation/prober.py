"""A prober at one location, from the beginning of the world to its end: one life after the other, as fate has it."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertKind
from tests.simulation import faults
from tests.simulation.books import ACKNOWLEDGED, MARKED, RESOLVED, Books
from tests.simulation.journal import Changed, Journal, Mail
from tests.simulation.life import Life
from tests.simulation.machine import KilledError, Machine
from tests.simulation.world import HOUR, MINUTE, Spell

if TYPE_CHECKING:
    from tests.simulation.faults import Faults
    from tests.simulation.outbox import Row
    from tests.simulation.world import Sight, World

PEOPLE: Final = ((0.25, ACKNOWLEDGED), (0.35, MARKED), (0.45, RESOLVED))


class Prober:
    """A prober, and the people who read its mails."""

    def __init__(
        self,
        world: World,
        location: str,
        sight: Sight,
        plan: Faults,
        *,
        life_of: type[Life] = Life,
        books_of: type[Books] = Books,
    ) -> None:
        self._life_of = life_of
        self.journal = Journal.begin(location, len(world.probes))
        self._until = world.until
        self._machine = Machine(sight, plan)
        self._probes = list(world.probes)
        self._books = books_of(self._probes, self.journal)
        self._random = Random(f"{world.seed} people at {location}")
        self._asked: set[str | None] = {None}
        self._note_faults()
        self._life: Life | None = None
        self._begin()

    def run(self) -> Journal:
        """Live through it all, and return what happened."""
        while self._machine.now < self._until:
            try:
                if self._life is not None:
                    self._life.check_until_interrupted()
                self._machine.do_next()
            except KilledError:
                assert self._machine.armed
                self._die(self._machine.armed)
        self.journal.waiting = len(self._books.store.outbox.waiting)
        return self.journal

    def _begin(self) -> None:
        self._life = self._life_of(
            self._machine, self._books, self._probes, location=self.journal.location, post=self._post
        )
        self._life.begin()

    def _die(self, spell: Spell[str]) -> None:
        """Be killed now, and stay dead as long as a spell lasts."""
        now, length = self._machine.now, spell.end - spell.start
        self.journal.stops.append(Spell(start=now, end=now + length, what=spell.what))
        if self._life is not None:
            self._life.end()
        self._life = self._machine.armed = None
        self._books.fall_back(now)
        self._machine.note(now + length, self._begin)

    def _note_faults(self) -> None:
        plan, note = self._machine.faults, self._machine.note
        for stop in plan.stops:
            note(stop.start, partial(self._stop, stop))
        for jump in plan.jumps:
            note(jump.start, partial(self._set_clock, faults.shift_of(jump)))
            note(jump.end, partial(self._set_clock, 0))
        for spell in plan.stores:
            note(spell.start, lambda: self._books.keep(self._machine.now))
            note(spell.end, self._books.heal)
        for change in plan.changes:
            note(change.start, partial(self._change, change.what))

    def _stop(self, spell: Spell[str]) -> None:
        machine = self._machine
        if self._life is None:
            return
        if spell.what == faults.KILLED:
            self._die(spell)
        elif spell.what in faults.KILLS:
            machine.armed = spell
        else:
            self.journal.stops.append(Spell(start=machine.now, end=spell.end, what=spell.what))
            if spell.what == faults.SUSPENDED:
                machine.steady_ahead -= spell.end - machine.now
            machine.now = spell.end
            self._life.resume()

    def _set_clock(self, shift: int) -> None:
        self._machine.wall_ahead = faults.T0 + shift
        self._wake()

    def _wake(self) -> None:
        if self._life is not None:
            self._life.wake()

    def _change(self, what: str) -> None:
        """Configure some probe anew."""
        number = self._random.randrange(len(self._probes))
        probe = faults.change(self._probes[number], what, self._machine.now, self._random)
        self._probes[number] = probe
        self.journal.changes.append(Changed(at=self._machine.now, number=number, probe=probe))

    def _post(self, row: Row) -> None:
        """Be the mail server that takes a mail, and the people who read it."""
        items = self._books.store.outbox.items(row)
        self.journal.mails.append(
            Mail(at=self._machine.now, recipient=row.recipient, message_id=row.message_id, items=items)
        )
        for item in items:
            if item.incident not in self._asked and item.kind in {AlertKind.DOWN, AlertKind.SLOW}:
                self._asked.add(item.incident)
                self._ask(item.incident or "")

    def _ask(self, incident: str) -> None:
        """Let somebody who heard of an incident do something about it, more often nothing."""
        dice, delay = self._random.random(), self._random.randint(MINUTE, 3 * HOUR)
        what = next((what for share, what in PEOPLE if dice < share), None)
        if what is not None:
            self._machine.note(self._machine.now + delay, partial(self._act, incident, what))

    def _act(self, incident: str, what: str) -> None:
        machine = self._machine
        if not self._books.is_writable:
            machine.note(machine.now + HOUR, partial(self._act, incident, what))
        elif self._books.act(incident, what, machine.now, machine.now + machine.wall_ahead):
            self._wake()
