"""A repository that is set up as docs/github-actions.md says, with its targets and its mail server on loopback."""

from __future__ import annotations

from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.web import Web, web_server
from tests.rehearsal.host import BRANCH, ROOT, Asked, Host, Job
from tests.servers.smtp import SmtpServer, smtp_server_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import EmailMessage
    from pathlib import Path

WORKFLOW: Final = ROOT / ".github" / "workflows" / "ping.yml"
SECRETS: Final = {
    "API_TOKEN": "token-of-the-api",
    "PROBER_STATE_KEY": "key-of-the-state",
    "SMTP_PASSWORD": "correct-horse-battery",
    "SMTP_USERNAME": "mailer-of-acme",
}
OPS: Final = "ops@acme.example"
WATCH: Final = "Watch"
GAP_MS: Final = 20 * 60_000
PROBES: Final = """\
[defaults]
recheck = "100ms"
slow = false
allow_private = {allow_private}

[probe.api]
url = "{url}"
headers = {{ Authorization = "Bearer ${{API_TOKEN}}" }}

[alert.email]
to = ["{to}"]
from = "prober@acme.example"
server = "127.0.0.1"
port = {port}
security = "none"
username = "${{SMTP_USERNAME}}"
password = "${{SMTP_PASSWORD}}"
"""


@dataclass(slots=True, kw_only=True)
class Stage:
    """The whole scene. ``run`` starts the next job, twenty minutes after the last one."""

    host: Host
    web: Web
    smtp: SmtpServer
    jobs: list[Job] = field(default_factory=list)

    def run(self, *, secrets: Mapping[str, str] = SECRETS, **asked: Any) -> Job:
        job = self.host.run(Asked(ahead_ms=len(self.jobs) * GAP_MS, secrets=secrets, **asked))
        self.jobs.append(job)
        return job

    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(mail.content, policy=default) for mail in self.smtp.mails]

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails()]

    def published(self) -> bytes:
        """Return all that lies open on the branch."""
        return b"".join(self.host.show(name) for name in ("prober.db", "status.json", "README.md"))


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        running.heal()
        yield running


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer(login=(SECRETS["SMTP_USERNAME"], SECRETS["SMTP_PASSWORD"]))
    with smtp_server_in_thread(server) as running:
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """Set a repository up, like the others or different in some way."""

    folder: Path
    web: Web
    smtp: SmtpServer

    def __call__(self, *, extra: str = "", allow_private: bool = True) -> Stage:
        values = {"url": self.web.url, "to": OPS, "port": self.smtp.port, "allow_private": str(allow_private).lower()}
        host = Host(self.folder, WORKFLOW, {"probes.toml": PROBES.format(**values) + extra})
        return Stage(host=host, web=self.web, smtp=self.smtp)


@pytest.fixture
def set_up(tmp_path: Path, web: Web, smtp: SmtpServer) -> SetUp:
    return SetUp(folder=tmp_path, web=web, smtp=smtp)


@pytest.fixture
def stage(set_up: SetUp) -> Iterator[Stage]:
    """Set the usual repository up; whatever happens there, no secret may leave it."""
    stage = set_up()
    yield stage
    for job in stage.jobs:
        assert [name for name, secret in SECRETS.items() if secret in job.log + job.summary] == []
        assert "ghs_rehearsal" not in job.log + job.summary
    if BRANCH in stage.host.branches():
        open_to_all = stage.published()
        private = [*SECRETS.values(), OPS, "ghs_rehearsal", "out of order"]
        assert [secret for secret in private if secret.encode() in open_to_all] == []
