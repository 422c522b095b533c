"""The ten-second proof: a real outage on loopback, watched by the real program.

Each check is a process of its own, started as cron would start it, so all that is known from one to the next is in the
store. Every step is held against what must happen; the first that differs ends the demo.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import anyio

from prober.adapters.demo_servers import MailServer, WebService
from prober.errors import ProberError
from prober.render.columns import plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from subprocess import CompletedProcess

    from prober.render.columns import Paint

DEADLINE_S = 30
CONFIG = """\
title = "Demo"
location = "demo"

[probe.shop]
url = "{url}"
interval = "1s"
slow = false
allow_private = true
expect.json.status = "ok"

[alert.email]
to = ["you@demo.example"]
from = "prober@demo.example"
server = "127.0.0.1"
port = {port}
security = "none"
"""


class DemoError(ProberError):
    """A step of the demo was not observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a stretch of checks must look like: each with ``outcome``, the last alone with ``event``."""

    checks: int
    outcome: str
    event: str | None = None


async def perform(say: Callable[[str], None], *, program: Sequence[str], paint: Paint = plain) -> signal.Signals | None:
    """Play, and return the signal that ended it early, if one did; then too nothing is left behind."""
    return await until_stopped(partial(play, say, program=program, paint=paint))


async def until_stopped(story: Callable[[], Awaitable[None]]) -> signal.Signals | None:
    """Let a story be told, and return the signal that ended it early, if one did."""
    stopped_by = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:

            async def stop() -> None:
                nonlocal stopped_by
                async for number in signals:
                    stopped_by = number
                    tasks.cancel_scope.cancel()

            tasks.start_soon(stop)
            await story()
            tasks.cancel_scope.cancel()
    return stopped_by


async def play(
    say: Callable[[str], None], *, program: Sequence[str], paint: Paint = plain, beat_s: float = 1.0
) -> None:
    """Tell the whole story through ``say``, a check every ``beat_s``; ``program`` starts prober.

    Raises DemoError at the first step that was not observed.
    """
    with TemporaryDirectory(prefix="prober-demo-") as directory:
        async with WebService() as service, MailServer() as mail:
            config = anyio.Path(directory, "probes.toml")
            await config.write_text(CONFIG.format(url=service.url, port=mail.port))
            stage = Stage(
                say, [*program, "--config", str(config), "--db", str(config.with_name("demo.db"))], beat_s, paint
            )
            say(f"A web service answers at {service.url}, a mail server listens on port {mail.port}.")
            say("prober watches, started anew for each check:")
            await stage.watch(Act(checks=2, outcome="ok"))
            say("\nThe service breaks:")
            service.is_broken = True
            await stage.watch(Act(checks=3, outcome="failed", event="down_opened"))
            say("\nThe third failure in a row opens an incident. This mail arrived:")
            stage.show_mail(mail, "[DOWN", 1)
            say("\nThe service is repaired:")
            service.is_broken = False
            await stage.watch(Act(checks=2, outcome="ok", event="down_recovered"))
            say("\nThe second good check in a row closes it. This mail arrived:")
            stage.show_mail(mail, "[UP", 2)
            say("\nprober status:")
            await stage.show_status()
    say("\nAll of this was real: requests, store and mail. Nothing is left behind.")


class Stage:
    """Where the story plays: starts the program, compares and shows what it did."""

    def __init__(self, say: Callable[[str], None], program: Sequence[str], beat_s: float, paint: Paint = plain) -> None:
        self._say = say
        self._paint = paint
        self._program = program
        self._beat_s = beat_s
        self._next_beat = anyio.current_time()

    async def watch(self, act: Act) -> None:
        """Run the program once per check of an act."""
        for number in range(1, act.checks + 1):
            await anyio.sleep_until(self._next_beat)
            self._next_beat = anyio.current_time() + self._beat_s
            ran = await run_program(self._program, "run", "--json")
            event = act.event if number == act.checks else None
            if ran.returncode or gist_of(ran.stdout) != ([act.outcome], [event] if event else [], 1 if event else 0):
                raise differs(f'"{act.outcome}" and {event or "no event"}', ran)
            streak = f"{number} of {act.checks}" if act.event else ""
            self._say(_line(json.loads(ran.stdout)["results"][0], streak, self._paint))

    async def show_status(self) -> None:
        """Show what the program itself says at the end."""
        ran = await run_program(self._program, "status", "--color", "never" if self._paint is plain else "always")
        shown = ran.stdout.decode()
        if ran.returncode or "up" not in shown.split():
            raise differs('the state "up"', ran)
        self._say(shown.rstrip())

    def show_mail(self, mail: MailServer, begins: str, count: int) -> None:
        """Show the newest mail, which is to be the ``count``-th, with a subject that begins so."""
        subjects = [str(message["Subject"]) for message in mail.messages]
        if len(subjects) != count or not subjects[-1].startswith(begins):
            raise DemoError(f"the demo failed: mail {count} should begin with {begins}, but there are {subjects}.")
        newest = mail.messages[-1]
        text = newest.get_body(("plain",))
        shown = [f"{name}: {newest[name]}" for name in ("From", "To", "Subject")]
        shown += ["", *(text.get_content() if text else "").strip().splitlines()]
        self._say("\n".join(f"  | {line}".rstrip() for line in shown))


async def run_program(program: Sequence[str], *arguments: str) -> CompletedProcess[bytes]:
    """Run the program once, to its end, with arguments that begin with the command."""
    try:
        with anyio.fail_after(DEADLINE_S):
            return await anyio.run_process([*program, *arguments], check=False)
    except TimeoutError:
        raise DemoError(f'the demo failed: "prober {arguments[0]}" did not end within {DEADLINE_S} s.') from None


def gist_of(output: bytes) -> tuple[list[str], list[str], int] | None:
    """Return the outcomes, the kinds of event and how many mails were accepted; None when it is nothing of the kind."""
    try:
        told = json.loads(output)
        outcomes = [result["outcome"] for result in told["results"]]
        return outcomes, [event["kind"] for event in told["events"]], told["alerts"]["accepted"]
    except (ValueError, LookupError, TypeError):
        return None


def _line(result: dict[str, Any], streak: str, paint: Paint) -> str:
    seen = f"{result['latency_ms']:.1f} ms" if result["detail"] is None else result["detail"]
    outcome = paint(f"{result['outcome']:6}", "green" if result["outcome"] == "ok" else "red")
    line = f"  {result['at'][11:19]} UTC  {result['id']}  {outcome}  {result['status']}  {seen:26}  {streak}"
    return line.rstrip()


def differs(wanted: str, ran: CompletedProcess[bytes]) -> DemoError:
    """Return that a step was not observed, with what the program said instead."""
    said = f"{ran.stdout.decode()}{ran.stderr.decode()}".strip()
    return DemoError(f"the demo failed: expected {wanted}, but prober ended with {ran.returncode} and said:\n{said}")
