"""Half a minute behind UptimeRobot: quiet while it watches, loud when it does not, and quiet again.

``python -m tests.standby_demo``. All of it is real and on loopback: the program, started as cron would start it, a web
service, a mail server. UptimeRobot's API is a stand-in. Every step is held against what must happen; the first that
differs ends the demo.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.demo_servers import MailServer, WebService
from prober.app.demo import DemoError, differs, gist_of, run_program, until_stopped
from prober.app.failure import first_of_ours
from prober.cli.context import Globals
from prober.cli.demo import PROGRAM, voice
from prober.errors import ProberError
from prober.render.columns import plain
from tests.servers.uptimerobot import Account, Monitor, run_uptimerobot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from email.message import EmailMessage

    from prober.render.columns import Paint

EVERY_S: Final = 1.0
FRESH_S: Final = 900
NEARLY_S: Final = 894
"""How old UptimeRobot's newest samples always are: so old that they are stale a few seconds after it stops."""

DOWN: Final = 9
CONFIG: Final = """\
title = "Demo"
location = "demo"

[probe.shop]
url = "{url}"
interval = "1m"
slow = false
allow_private = true
expect.json.status = "ok"

[standby]
behind = "uptimerobot"
url = "{api}"
api_key = "{key}"
every = "1s"

[alert.email]
to = ["you@demo.example"]
from = "prober@demo.example"
server = "127.0.0.1"
port = {port}
security = "none"
"""
LOOKED: Final = re.compile(r"looked at the other side: (\w+).*; our role is ([\w-]+)")
GOOD: Final = {"ok", "watching"}
BEHIND: Final = ("watching", "standby")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one run must come to: its check, its events, how many mails it sent, and its looks in their order.

    A look is what it saw and our role after it. Without any given, all there are must find us quiet behind them.
    """

    outcome: str
    events: Sequence[str] = ()
    mails: int = 0
    looks: Sequence[tuple[str, str]] | None = None


async def play(
    say: Callable[[str], None], *, program: Sequence[str] = PROGRAM, paint: Paint = plain, pause_s: float = 0.3
) -> None:
    """Tell the whole story through ``say``; ``program`` starts prober, ``pause_s`` is between two runs.

    Raises DemoError, in a group, at the first step that was not observed.
    """
    account = Account(now_ms=SystemClock().now_ms)
    with TemporaryDirectory(prefix="prober-demo-") as directory:
        async with WebService() as shop, MailServer() as mail, run_uptimerobot(account) as api:
            account.monitors = [
                Monitor(id=1, name="Shop", url=shop.url, sample_age_s=NEARLY_S),
                Monitor(id=2, name="Blog", url="https://blog.demo.example/", sample_age_s=NEARLY_S),
            ]
            config = anyio.Path(directory, "probes.toml")
            await config.write_text(CONFIG.format(url=shop.url, api=api.v2, key=account.key, port=mail.port))
            say(
                f"A shop answers at {shop.url}, a mail server listens on port {mail.port}, "
                f"a stand-in of UptimeRobot's API is at {api.v2}."
            )
            started = [*program, "--config", str(config), "--db", str(config.with_name("demo.db"))]
            story = Story(say, started, account=account, shop=shop, mail=mail, paint=paint, pause_s=pause_s)
            await story.stand_by()
            await story.stand_in()
            await story.hand_back()
    say("\nOf all this only UptimeRobot was not real. Nothing is left behind.")


class Story:
    """Three acts: UptimeRobot tells of an outage, it stops looking, it is back."""

    def __init__(
        self,
        say: Callable[[str], None],
        program: Sequence[str],
        *,
        account: Account,
        shop: WebService,
        mail: MailServer,
        paint: Paint = plain,
        pause_s: float = 0.3,
    ) -> None:
        self._say, self._program, self._paint, self._pause_s = say, program, paint, pause_s
        self._account, self._shop, self._mail = account, shop, mail
        self._shown = 0

    async def stand_by(self) -> None:
        """See an outage that UptimeRobot sees as well, and keep quiet about it."""
        self._say("\nprober stands behind UptimeRobot, started anew for each check:")
        await self._watch(Step(outcome="ok", looks=[BEHIND]), Step(outcome="ok"))
        self._say("\nThe shop breaks, and UptimeRobot sees it too:")
        self._shop.is_broken = True
        self._account.monitor("Shop").status = DOWN
        failed = Step(outcome="failed")
        await self._watch(failed, failed, Step(outcome="failed", events=["down_opened"]))
        self._say("\nThe third failure opens an incident. UptimeRobot tells of it, so we do not:")
        await self._show("incidents", "list", wanted="held")

    async def stand_in(self) -> None:
        """Find that nobody looks any more, and speak."""
        self._say("\nUptimeRobot stops looking. It answers, but its newest sample turns 15 min old:")
        self._account.stop_looking()
        await anyio.sleep(FRESH_S - NEARLY_S + 0.1)
        looks = [("stale", "standby"), ("stale", "standing-in")]
        await self._watch(Step(outcome="failed", events=["standing_in"], mails=2, looks=looks))
        self._say("\nTwo looks agree: we stand in, and what was held is told. These mails arrived:")
        self._show_mails("[PROBER] UptimeRobot silent for 15m", "[DOWN")

    async def hand_back(self) -> None:
        """Find that somebody looks again, keep quiet again, and finish what was begun."""
        self._say("\nUptimeRobot is back:")
        self._account.go_stale(0)
        await anyio.sleep(EVERY_S)
        looks = [("watching", "standing-in"), ("watching", "standing-in"), BEHIND]
        await self._watch(Step(outcome="failed", events=["standing_by"], mails=1, looks=looks))
        self._say("\nThree looks agree: we hand back. This mail arrived:")
        self._show_mails("[PROBER] UptimeRobot is back")
        self._say("\nThe shop is repaired:")
        self._shop.is_broken = False
        await self._watch(Step(outcome="ok"), Step(outcome="ok", events=["down_recovered"], mails=1))
        self._say("\nWhoever was told of the outage is told of its end. This mail arrived:")
        self._show_mails("[UP")
        self._say("\nprober standby:")
        await self._show("standby", wanted="standing by behind UptimeRobot")

    async def _watch(self, *steps: Step) -> None:
        """Run the program once for each step."""
        for step in steps:
            await anyio.sleep(self._pause_s)
            ran = await run_program([*self._program, "-v", "--log-format", "json"], "run", "--json")
            looks = list(_looks(ran.stderr))
            seen = [(what, role) for _, what, role in looks]
            is_quiet = step.looks is None and set(seen) <= {BEHIND}
            wanted = ([step.outcome], list(step.events), step.mails)
            if ran.returncode or gist_of(ran.stdout) != wanted or not (is_quiet or seen == step.looks):
                raise differs(str(step), ran)
            result = json.loads(ran.stdout)["results"][0]
            about = f"{result['latency_ms']:.1f} ms" if result["detail"] is None else result["detail"]
            lines = {result["at"]: self._line("shop", result["outcome"], about)}
            lines |= {at: self._line("UptimeRobot", what, f"our role: {role}") for at, what, role in looks}
            self._say("\n".join(f"  {at[11:19]} UTC  {lines[at]}" for at in sorted(lines)))

    def _line(self, who: str, what: str, about: str) -> str:
        return f"{who:11}  {self._paint(f'{what:8}', 'green' if what in GOOD else 'red')}  {about}"

    async def _show(self, *arguments: str, wanted: str) -> None:
        """Show what the program says, which is to hold something; until now nobody was mailed anything else."""
        colour = "never" if self._paint is plain else "always"
        ran = await run_program(self._program, *arguments, "--color", colour)
        shown = ran.stdout.decode().rstrip()
        if ran.returncode or wanted not in shown or len(self._mail.messages) != self._shown:
            raise differs(f'"{wanted}" and no other mail', ran)
        self._say(shown)

    def _show_mails(self, *begin: str) -> None:
        """Show the mails that came since the last ones, which are to be those with subjects that begin so."""
        mails = self._mail.messages[self._shown :]
        subjects = [str(mail["Subject"]) for mail in mails]
        if len(mails) != len(begin) or not all(map(str.startswith, subjects, begin)):
            raise DemoError(f"the demo failed: mails should begin with {begin}, but there are {subjects}.")
        self._shown += len(mails)
        self._say("\n  |\n".join(map(_shown, mails)))


def _looks(log: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield when there was a look, what it saw, and our role after it."""
    for line in log.decode().splitlines():
        entry: dict[str, Any] = json.loads(line)
        if (found := LOOKED.fullmatch(entry["message"])) is not None:
            yield entry["timestamp"], found[1], found[2]


def _shown(mail: EmailMessage) -> str:
    """Return a mail's subject and its first sentences, as they arrived."""
    body = mail.get_body(("plain",))
    says, *_ = (body.get_content() if body else "").split("\n")
    return f"  | Subject: {mail['Subject']}\n  | {says}"


def main() -> int:
    """Play in this terminal, and return the exit code."""
    settings = Globals()
    story = partial(play, voice(settings), paint=settings.paint())
    try:
        stopped_by = anyio.run(until_stopped, story)
    except BaseExceptionGroup as group:
        if not isinstance(error := first_of_ours(group), ProberError):
            raise
        settings.fail(error)
        return 1
    return 128 + stopped_by if stopped_by else 0


if __name__ == "__main__":
    sys.exit(main())
