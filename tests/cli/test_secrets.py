"""Secrets go out in requests, and servers give everything back. Nothing that we print, send or keep may hold one.

The same story is played twice: as it is, where nothing may be found, and with masking switched off, where the search
must find something in every place: else it would prove nothing.
"""

from __future__ import annotations

import email
import json
import sqlite3
from base64 import b64encode
from contextlib import closing
from email import policy
from itertools import chain, product
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

import pytest

from prober.core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

SECRETS: Final = {
    "IN_HEADER": 'header"s3cr3t\\+/=&',
    "IN_PATH": "path-s3cr3t+x/y",
    "IN_QUERY": "query-s3cr3t+&x/",
    "IN_AUTH": "aüth:s3cr3t/ 100%",
    "IN_BODY": 'bödy\t"s3cr3t"/',
    "IN_MAIL": "sm+p/s3cr3t==",
}
PROBE: Final = """\
[probe.api]
url = "{url}/${{IN_PATH}}?q=${{IN_QUERY}}"
method = "POST"
headers = {{ X-Api-Key = "${{IN_HEADER}}" }}
auth = {{ username = "probe", password = "${{IN_AUTH}}" }}
body = '{{"token": "${{IN_BODY}}"}}'
failures = 1
recoveries = 1
{expect}
[alert.email]
to = ["ops@acme.example"]
from = "prober@acme.example"
server = "127.0.0.1"
port = {port}
security = "none"
username = "me"
password = "${{IN_MAIL}}"
"""
EXPECTATIONS: Final = (
    "",
    'expect.json.token = "right"',
    'expect.json."$..token" = ["==", "right"]',
    'expect.body.contains = "right"',
    'expect.header.x-echo = "right"',
)
INVALID: Final = (
    'interval = "${IN_HEADER}"',
    'severity = "${IN_AUTH}"',
    'timeot = "${IN_BODY}"',
    'method = "${IN_BODY}',
)


def forms(secret: str) -> Iterator[str]:
    """Yield what a server, a library or a person may make of a secret."""
    yield secret
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for before in ("", "x", "me", "probe:", "\0me\0"):
        yield b64encode((before + secret).encode()).decode()


def traces(secret: str) -> Iterator[str]:
    """Yield what would give a secret away: its forms, of base64 that part which is the secret's alone."""
    yield from list(forms(secret))[:6]
    for before, lost in enumerate((0, 2, 3)):
        yield b64encode(bytes(before) + secret.encode()).decode().rstrip("=")[lost:-1]


NEEDLES: Final = {trace.encode() for trace in chain.from_iterable(map(traces, SECRETS.values()))}
EVERYTHING: Final = " | ".join(chain.from_iterable(map(forms, SECRETS.values())))


class Story:
    """Every command, against servers that reflect everything; what was seen, by place."""

    def __init__(self, configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer) -> None:
        self._configure, self._prober, self._web, self._smtp = configure, prober, web, smtp
        self.printed: list[str] = []
        smtp.login = ("me", SECRETS["IN_MAIL"])
        web.is_mirror = True

    def play(self, expectations: Sequence[str] = EXPECTATIONS) -> dict[str, bytes]:
        folder = self._configure.folder
        self._use("")
        self._run("run")
        with closing(sqlite3.connect(folder / "prober.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM results").fetchone()  # now the -wal stays
            for expectation in expectations:
                self._use(expectation)
                self._fail_and_heal()
            self._redirect()
            self._refuse_mail()
            self._look()
            kept = {path.name: path.read_bytes() for path in folder.glob("prober.db*")}
        assert {"prober.db", "prober.db-wal", "prober.db-shm"} <= kept.keys()
        self._misconfigure()
        mails = b"".join(chain.from_iterable(map(parts, (mail.content for mail in self._smtp.mails))))
        assert len(self._smtp.mails) > 5
        return {"output": "".join(self.printed).encode(), "mail": mails, "store": b"".join(kept.values())}

    def _use(self, expectation: str) -> None:
        text = PROBE.format(url=self._web.url, port=self._smtp.port, expect=expectation)
        (self._configure.folder / "probes.toml").write_text(text)

    def _run(self, *arguments: str) -> None:
        ran = self._prober(*arguments)
        self.printed += [ran.out, ran.err]

    def _fail_and_heal(self) -> None:
        secret = SECRETS["IN_BODY"]
        for body in (
            json.dumps({"token": secret + EVERYTHING}),
            EVERYTHING,
            "x" * 490 + SECRETS["IN_AUTH"],
            "\u200b".join(SECRETS["IN_HEADER"]),
        ):
            self._web.status, self._web.body = 500, body.encode()
            self._web.is_mirror = not self._web.is_mirror
            self._web.headers["X-Echo"] = EVERYTHING.encode("ascii", "replace").decode().replace("\t", "")
            self._run("check")
            self._run("run", "-v")
            self._web.status = 200
            self._run("run", "--json")

    def _redirect(self) -> None:
        self._web.status = 302
        for start, secret in product(("file:///", "http://xn--", "/?again="), ("IN_PATH", "IN_HEADER")):
            self._web.headers["Location"] = start + quote(SECRETS[secret])
            self._run("run")
        del self._web.headers["Location"]
        self._web.status = 200

    def _refuse_mail(self) -> None:
        said = " ".join((*forms(SECRETS["IN_MAIL"]), *forms(SECRETS["IN_AUTH"])))
        for step in ("CONNECT", "AUTH", "MAIL", "RCPT", "CONTENT"):
            self._smtp.script(step, *[f"550 5.7.1 no: {said}"] * 2)
            self._web.status = 500
            self._run("run")
            self._web.status = 200
            self._run("run")
            self._run("test-alert")
            self._smtp.scripted.clear()

    def _look(self) -> None:
        for line in (
            "status -v",
            "status --json",
            "incidents list",
            "incidents list --json",
            "incidents show 1",
            "alerts list",
            "alerts list --json",
            "config show",
            "config show api",
            "config path -v",
            "test-alert --kind all --dry-run",
            "check --offline",
            "check --json",
        ):
            self._run(*line.split())

    def _misconfigure(self) -> None:
        for line in INVALID:
            self._use(line)
            for command in ("check --offline", "run", "status", "config show"):
                self._run(*command.split())


def parts(content: bytes) -> Iterator[bytes]:
    """Yield a mail as it came, and what its parts and headers say once decoded."""
    yield content
    message = email.message_from_bytes(content, policy=policy.default)
    for part in message.walk():
        yield " ".join(str(value) for value in part.values()).encode("utf-8", "replace")
        if not part.is_multipart():
            yield part.get_payload(decode=True)  # type: ignore[misc]


def found(seen: bytes) -> set[bytes]:
    return {needle for needle in NEEDLES if needle in seen}


@pytest.fixture
def story(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Story:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    return Story(configure, prober, web, smtp)


def test_no_secret_appears_in_any_output_mail_or_byte_of_the_store(story: Story, web: Web) -> None:
    seen = story.play()
    assert {place: found(text) for place, text in seen.items()} == {"output": set(), "mail": set(), "store": set()}
    assert b"***" in seen["output"]
    assert found(b"".join(web.requests))


def test_the_same_search_finds_them_where_nothing_is_masked(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Masker, "mask", lambda _, text: text)
    assert all(found(text) for text in story.play(EXPECTATIONS[:1]).values())


def test_the_folder_holds_nothing_else(story: Story, folder: Path) -> None:
    story._use("")
    story._run("run")
    assert {path.name for path in folder.iterdir()} == {".git", "probes.toml", "prober.db", "prober.db.lock"}
