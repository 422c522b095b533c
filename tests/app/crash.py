"""Kill a run at every step it takes, and see that people are told neither too little, nor too much, nor anything else.

A reference of some thirty rounds runs undisturbed. A step is a SQL statement, a word of the dialogue with the mail
server or a grip on the lock. For each step of each round a process begins from the store as it was before that round
and is killed there; the one that recovers is killed at another step; a third recovers in peace, and the outbox is
drained. What the mail server then holds is compared with what the reference says is true. To recover is what
``prober run --due`` does: a committed round is not checked again, so every world comes to the same history.

``python -m tests.app.crash --all`` takes every step, otherwise some are left out. A control then goes through some of
the same with a delivery that marks before it sends, which must be found out. What came of it all is printed as JSON.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from aiosmtplib.protocol import SMTPProtocol

import prober.app.run
from prober.adapters.lock import Lock, acquire
from prober.adapters.mail import Accepted, SmtpMailer
from prober.adapters.store import outbox
from prober.adapters.store.states import all_states
from prober.app.asked import Options
from prober.app.books import open_books
from prober.app.compose import compose
from prober.app.deliver import LEASE_MS, Delivery
from prober.app.run import Run
from prober.core.expect import Expect
from prober.core.facts import Certificate, Facts
from prober.core.model import Policy, Probe
from prober.core.schedule import is_due
from prober.errors import StoreError
from tests.app.crash_findings import Findings, Told, all_broken, all_true, history, is_merged
from tests.app.world import CHIEF, HERE, OPS, channel, config, probe
from tests.fakes import ANSWERS, MIN_MS, T0
from tests.servers.sink import CUTTING, FINE, GREYLISTING, REFUSING, Sink, Taken, run_sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from prober.adapters.store.db import Store
    from prober.app.ports import Session
    from prober.core.settings import Config, EmailChannel

API: Final = "..xx..ssxx..xx.xx.x?xx...ss..xx."
WEB: Final = "...xx......ssxx.xx.xx...xx...xx"
MOODS: Final = (
    dict.fromkeys((8, 9), REFUSING)
    | dict.fromkeys((10, 11, 12, 13, 20), GREYLISTING)
    | dict.fromkeys((3, 16, 25), CUTTING)
)
RENEWED_IN: Final = 11
ROUNDS: Final = len(WEB)
LATER_MS: Final = 7_200_000
DAY_MS: Final = 86_400_000
HANG_S: Final = 30
MEMORY: Final = Path("/dev/shm")  # a kill spares what the system holds, so no disk needs to take part
CONTROL_STRIDE: Final = 147


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a process lives: what it sees, what time it is, and what mood the mail server is in."""

    number: int
    at_ms: int
    mood: str

    @classmethod
    def of_round(cls, number: int) -> Moment:
        return cls(number=number, at_ms=T0 + number * 5 * MIN_MS, mood=MOODS.get(number, FINE))

    def now_ms(self) -> int:
        return self.at_ms

    async def check(self, probe: Probe) -> Facts:
        sign = {"api": API, "web": WEB}[probe.id][self.number]
        days = 9 + (self.number >= RENEWED_IN)
        certificate = Certificate(fingerprint=f"{days} days", not_after_ms=T0 + days * DAY_MS)
        return replace(ANSWERS[sign], started_at_ms=self.at_ms, certificate=certificate)


class MarksFirst(Delivery):
    """The mistake that all of this is about."""

    async def _hand_over(self, store: Store, row_id: int, channel: EmailChannel, session: Session) -> None:
        row, now_ms = outbox.one_row(store, row_id), self._clock.now_ms()
        message = compose(store, row, channel, location=self._location, now_ms=now_ms)
        with store.transaction():
            is_ours = outbox.claim(store, row_id, self._owner, now_ms, LEASE_MS, message)
            if is_ours:
                outbox.mark_sent(store, row_id, now_ms)
        if is_ours and not isinstance(await session.send(recipient=row.recipient, message=message), Accepted):
            with suppress(StoreError):  # the store may have been exchanged meanwhile
                store.write("UPDATE outbox SET state = 'sending', sent_at_ms = NULL WHERE id = :id", {"id": row_id})
                outbox.mark_refused(store, row_id, now_ms + MIN_MS, "refused")


def live(path: Path, moment: Moment, known: Config) -> None:
    """Be one `prober run --due`."""
    lock = acquire(path, command="run", now_ms=moment.at_ms)
    assert isinstance(lock, Lock)
    books = open_books(path, config=known, place=HERE, clock=moment, is_alerting=True, adopt=True, environ={})
    with lock, closing(books):
        last = {each: state.last_at_ms for each, state in all_states(books.store, known.location).items()}
        run = Run(
            config=known,
            books=books,
            clock=moment,
            checker=moment,
            open_session=partial(SmtpMailer, local_hostname=moment.mood),
            options=Options(deadline_ms=0, place=HERE, covers_all=bool(known.probes)),
        )
        anyio.run(run.run, [each for each in known.probes if is_due(each, last.get(each.id), moment.at_ms)])


class Steps:
    """Count the steps that a process takes, and send it a signal at one of them, by default one that ends it."""

    number = signal.SIGKILL

    def __init__(self, kill_at: int | None) -> None:
        self._kill_at = kill_at
        self.taken = 0

    def step(self, *_: object) -> None:
        self.taken += 1
        if self.taken == self._kill_at:
            os.kill(os.getpid(), self.number)

    def install(self) -> None:
        """Watch everything in this process that others could see, for good."""
        for place, name in ((fcntl, "flock"), (os, "pwrite"), (os, "ftruncate"), (SMTPProtocol, "write")):
            setattr(place, name, self._stepping(getattr(place, name)))
        connect = sqlite3.connect

        def watched(*args: Any, **named: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **named)
            connection.set_trace_callback(self.step)
            return connection

        setattr(sqlite3, "connect", watched)  # noqa: B010  mypy refuses the plain assignment

    def _stepping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any, **named: Any) -> Any:
            self.step()
            return function(*args, **named)

        return stepping


def in_child(work: Callable[[], None], *, kill_at: int | None = None, steps_of: type[Steps] = Steps) -> int | None:
    """Do work in a process of its own; return how many steps it took, or None when it was killed."""
    reading, writing = os.pipe()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        signal.alarm(HANG_S)
        steps = steps_of(kill_at)
        steps.install()
        try:
            work()
        except BaseException:  # noqa: BLE001 - a fork must not return
            traceback.print_exc()
            os._exit(1)
        os.write(writing, str(steps.taken).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        taken = answer.read()
    _, status = os.waitpid(pid, 0)
    if kill_at is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if status:
        raise RuntimeError(f"a process ended with {os.waitstatus_to_exitcode(status)}")
    return int(taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The reference as it was before a round: its history, what was to be told of it, and what the mail server had."""

    history: list[Any] = field(default_factory=list)
    true: set[Told] = field(default_factory=set)
    given: list[Taken] = field(default_factory=list)


class Harness:
    """The reference, and the worlds that branch off it."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        self._sink = sink
        self._folder = folder
        self._path = folder / "prober.db"
        self._config = config(
            *(
                probe(each, policy=Policy(failures=2, recoveries=1, slow_checks=2), expect=Expect(certificate_ms=warn))
                for each, warn in (("api", 14 * DAY_MS), ("web", None))
            ),
            channels=(channel(OPS, CHIEF, port=sink.port, server="127.0.0.1", security="none"),),
        )
        self._steps: list[int] = []
        self._before: list[Before] = []

    def refer(self) -> dict[str, int]:
        """Run undisturbed, and return how many steps that took and what was told, by word."""
        self._warm_up()
        for number in range(ROUNDS):
            self._keep(number)
            self._steps.append(in_child(partial(live, self._path, Moment.of_round(number), self._config)) or 0)
        self._keep(ROUNDS)
        words = Counter(word for _, word, _ in self._before[-1].true)
        mails = self._before[-1].given
        several = sum(b"X-Prober-Event: several" in mail.content for mail in mails)
        merged = sum(is_merged(mail) for mail in mails)
        cut = sum(mail.is_cut for mail in mails)
        return {"steps": sum(self._steps), **words, "several": several, "merged": merged, "cut": cut}

    def _warm_up(self) -> None:
        """Load here what each process would have to load, up to the templates of mails."""
        for number in range(4):
            live(self._folder / "warm", Moment.of_round(number), self._config)
        self._sink.forget()

    def branch_off(self, stride: int) -> Findings:
        """Live through one world for every so many steps."""
        findings = Findings()
        every = [(number, step) for number, steps in enumerate(self._steps) for step in range(1, steps + 1)]
        for number, step in every[::stride]:
            self._branch(number, step, findings)
        return findings

    def _keep(self, number: int) -> None:
        if not self._path.exists():
            self._before.append(Before())
            return
        shutil.copy(self._path, self._snapshot(number))
        given = self._sink.all_taken()
        self._before.append(Before(history=history(self._path), true=all_true(self._path), given=given))

    def _branch(self, number: int, step: int, findings: Findings) -> None:
        for each in self._folder.glob("prober.db*"):
            each.unlink()
        if number:
            shutil.copy(self._snapshot(number), self._path)
        self._sink.forget()
        work = partial(live, self._path, Moment.of_round(number), self._config)
        second = random.Random(f"{number} {step}").randint(1, self._steps[number])
        kills = [in_child(work, kill_at=each) for each in (step, second)].count(None)
        in_child(partial(self._recover, number))
        where, after = f"round {number}, step {step}, then {second}", self._before[number + 1]
        taken = self._before[number].given + self._sink.all_taken()
        findings.judge(where, after.true, taken, kills=kills)
        findings.broken += [f"{where}: {each}" for each in all_broken(self._path)]
        if history(self._path) != after.history:
            findings.broken.append(f"{where}: another history")

    def _recover(self, number: int) -> None:
        """Recover, and come back hours later, when the mail server is well."""
        moment = Moment.of_round(number)
        live(self._path, moment, self._config)
        later = replace(moment, mood=FINE, at_ms=moment.at_ms + LATER_MS)
        live(self._path, later, replace(self._config, probes=()))

    def _snapshot(self, number: int) -> Path:
        return self._folder / f"before-{number}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a run at every step it takes.")
    parser.add_argument("--stride", type=int, default=40, help="take only one of so many steps")
    parser.add_argument("--all", dest="stride", action="store_const", const=1, help="take every step")
    stride = parser.parse_args().stride
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name, run_sink(Path(name)) as sink:
        harness = Harness(Path(name), sink)
        reference = harness.refer()
        findings = harness.branch_off(stride)
        prober.app.run.Delivery = MarksFirst  # type: ignore[attr-defined]
        control = harness.branch_off(CONTROL_STRIDE)
    print(json.dumps({"reference": reference, "findings": asdict(findings), "control": asdict(control)}, indent=2))  # noqa: T201
    sys.exit(not findings.is_clean or not control.lost)


if __name__ == "__main__":
    main()
