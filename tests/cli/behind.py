"""prober as a user runs it behind UptimeRobot: commands in a folder, an account on loopback, time that can pass."""

from __future__ import annotations

import email
import json
import re
from dataclasses import dataclass, field
from email import policy
from typing import TYPE_CHECKING, Any

from prober.adapters.clock import SystemClock
from tests.servers.uptimerobot import Account, Monitor, uptimerobot_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Configure, Ran, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

NOWHERE = "http://127.0.0.1:1/"
BLOG = "https://blog.example/"
QUICK = 'interval = "1m"\ntimeout = "10s"\nfailures = 1\nrecoveries = 1'
ALONE = f'[probe.alone]\nurl = "{NOWHERE}"\n{QUICK}'


@dataclass(slots=True)
class Later:
    """Time that passes at once, for the commands that run in this process."""

    passed_ms: int = 0

    def __call__(self, seconds: float) -> None:
        self.passed_ms += round(seconds * 1000)


def time_that_passes(monkeypatch: pytest.MonkeyPatch) -> Later:
    later, told = Later(), SystemClock.now_ms
    monkeypatch.setattr(SystemClock, "now_ms", lambda clock: told(clock) + later.passed_ms)
    return later


@dataclass(slots=True, kw_only=True)
class Behind:
    """One probe ``api`` that UptimeRobot watches too; it is alone there with a blog that is up."""

    configure: Configure
    prober: RunProber
    web: Web
    smtp: SmtpServer
    account: Account
    url: str
    later: Later = field(default_factory=Later)

    @property
    def folder(self) -> Path:
        return self.configure.folder

    @property
    def standby(self) -> str:
        return (
            f'[standby]\nbehind = "uptimerobot"\nurl = "{self.url}"\napi_key = "${{UPTIMEROBOT_API_KEY}}"\n'
            'every = "1s"\n'
        )

    def use(self, *extra: str, probe: str = QUICK, to: str = "ops@acme.example", standby: str | None = None) -> Path:
        """Write probes.toml."""
        behind = self.standby if standby is None else standby
        return self.configure.with_mail(self.smtp, *extra, behind, probe=probe, to=to)

    def run(self, *arguments: str, after_s: float = 60) -> Ran:
        """Run once, when some time has passed."""
        self.later(after_s)
        return self.prober("run", *arguments)

    def told(self, *arguments: str, after_s: float = 60) -> list[str]:
        """Run once, and return the subjects of the mails that came meanwhile."""
        before = len(self.smtp.mails)
        ran = self.run(*arguments, after_s=after_s)
        assert ran.code in {0, 6}, ran.err
        return self.subjects()[before:]

    def subjects(self) -> list[str]:
        """Return the subjects of all mails, without how long they have been silent."""
        mails = [email.message_from_bytes(mail.content, policy=policy.default) for mail in self.smtp.mails]
        return [re.sub(r"silent for \S+:", "silent:", str(mail["Subject"])) for mail in mails]

    def incidents(self) -> list[dict[str, Any]]:
        """Return all incidents, oldest first."""
        shown: list[dict[str, Any]] = json.loads(self.prober("incidents", "list", "--json").out)["incidents"]
        return shown[::-1]

    def looks(self) -> int:
        """Return how often UptimeRobot was asked."""
        return len(self.account.requests)

    def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.prober("status", "--json").out)
        return shown


def stand_behind(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Behind]:
    later = time_that_passes(monkeypatch)
    account = Account(now_ms=SystemClock().now_ms)
    account.monitors = [Monitor(id=1, name="API", url=web.url), Monitor(id=2, name="Blog", url=BLOG)]
    monkeypatch.setenv("UPTIMEROBOT_API_KEY", account.key)
    with uptimerobot_in_thread(account) as api:
        yield Behind(configure=configure, prober=prober, web=web, smtp=smtp, account=account, url=api.v2, later=later)
