"""The key of the other side: it travels in the body of a request, and is nowhere else.

The API gives the key back when it refuses it, and a probe sends it to a service that does so too. The same search must
find it where masking is switched off, and where it is put into a URL: else it would prove nothing.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from prober.adapters.http import Fetcher
from tests.app.actions.world import git, make_remote
from tests.cli.behind import QUICK
from tests.cli.process import PLAIN, run_process, started
from tests.cli.test_secrets import parts
from tests.cli.test_serve import ended, wait_for

if TYPE_CHECKING:
    from tests.cli.behind import Behind

KEY: Final = "ur42-r/ad+only s3cr3t"
NEEDLES: Final = {each.encode() for each in (KEY, quote(KEY), quote(KEY, safe=""), "s3cr3t")}
GIVES_BACK: Final = f'[probe.mirror]\nurl = "{{}}"\nheaders = {{{{ X-Key = "${{{{UPTIMEROBOT_API_KEY}}}}" }}}}\n{QUICK}'
LOOKS_AT: Final = (
    "status -v",
    "status --json",
    "standby",
    "standby --json",
    "incidents list",
    "incidents show 1",
    "incidents show 2",
    "alerts list --json",
    "config show",
    "config show --json",
    "check --offline",
    "check -v",
    "compare --days 1",
    "import uptimerobot --dry-run -o -",
    "doctor",
)


UNMASKED: Final = """
from prober.core.masking import Masker
Masker.mask = lambda _, text: text
from prober.__main__ import main
main()
"""


class Story:
    """Every command behind UptimeRobot, in many a mood of its."""

    def __init__(self, behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
        self.behind, self.program = behind, PLAIN
        self._printed: list[str] = []
        self._kept = self._branch = b""
        behind.account.key = KEY
        behind.web.is_mirror = True
        monkeypatch.setenv("UPTIMEROBOT_API_KEY", KEY)
        monkeypatch.setenv("PROBER_STATE_KEY", "a secret of this repository")
        behind.use(GIVES_BACK.format(f"{behind.web.url}/mirror"))

    def play(self) -> None:
        self._run("run", "-v")
        with closing(sqlite3.connect(self.behind.folder / "prober.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM results").fetchone()  # now the -wal stays
            self._fall_and_recover()
            self._be_refused()
            self._serve()
            for line in LOOKS_AT:
                self._run(*line.split())
            assert (self.behind.folder / "prober.db-wal").stat().st_size
            self._kept = self._store()
        self._branch = self._push()

    def seen(self) -> dict[str, bytes]:
        """Return all that was seen, by place."""
        asked = self.behind.account.requests
        return {
            "output": "".join(self._printed).encode(),
            "mail": b"".join(chain.from_iterable(parts(mail.content) for mail in self.behind.smtp.mails)),
            "store": self._kept + self._store(),
            "branch": self._branch,
            "urls": "\n".join(each.target for each in asked).encode(),
            "headers": "\n".join(str(each.headers) for each in asked if each.path.startswith("/v2/")).encode(),
        }

    def _store(self) -> bytes:
        return b"".join(file.read_bytes() for file in self.behind.folder.glob("prober.db*"))

    def _run(self, *arguments: str) -> None:
        ran = self.behind.prober(*arguments)
        self._printed += [ran.out, ran.err]

    def _log(self, form: str, *arguments: str) -> None:
        """Run as a process of its own, which has a log; a look is due by then."""
        time.sleep(1)
        ran = run_process(
            self.behind.folder, "-v", "--log-format", form, *arguments, program=self.program, **os.environ
        )
        self._printed += [ran.stdout, ran.stderr]

    def _fall_and_recover(self) -> None:
        self.behind.web.break_down()
        self._log("json", "run", "--json")
        self.behind.account.go_stale()
        self._log("text", "run")
        self.behind.account.go_stale(60)
        self._log("json", "run")
        self.behind.web.status = 200
        self._run("run", "-v")
        self.behind.web.break_down()

    def _be_refused(self) -> None:
        for mood in ("bad key", "429", "garbage"):
            self.behind.account.mood = mood
            self._log("json", "run", "--deadline", "2s")
        self.behind.account.mood = "well"

    def _serve(self) -> None:
        with started(self.behind.folder, "-v", "--log-format", "json", "--db", "prober.db.serve", "serve") as process:
            seen = self.behind.looks()
            wait_for(lambda: self.behind.looks() > seen)
            self._printed.append(Path(f"/proc/{process.pid}/cmdline").read_bytes().decode())
            process.terminate()
            self._printed.append(ended(process)[1])

    def _push(self) -> bytes:
        remote = make_remote(self.behind.folder)
        for _ in range(2):
            self._log("json", "actions", "run", "--remote", str(remote), "--deadline", "3s")
        return git(remote, "cat-file", "--batch-all-objects", "--batch")


def found(seen: bytes) -> bool:
    return any(needle in seen for needle in NEEDLES)


@pytest.fixture
def story(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(behind, monkeypatch)


def test_the_key_is_in_no_url_argv_output_log_mail_store_or_branch(story: Story) -> None:
    story.play()
    seen = story.seen()
    assert {place for place, text in seen.items() if found(text)} == set()
    assert all(seen.values())
    assert all(b"mirror" in seen[place] for place in ("output", "mail", "store", "branch"))
    assert b"standing in: all probes" in seen["output"]
    assert {each.form["api_key"] for each in story.behind.account.requests if each.path.startswith("/v2/")} == {KEY}
    assert found(b"".join(story.behind.web.requests))


def test_the_same_search_finds_it_where_nothing_is_masked(story: Story) -> None:
    story.program = (sys.executable, "-c", UNMASKED)
    story._fall_and_recover()
    story._log("json", "config", "show")
    seen = story.seen()
    assert {place for place, text in seen.items() if found(text)} == {"output", "mail", "store"}


def test_the_same_search_finds_it_in_a_url(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Fetcher.__call__

    async def ask_openly(self: Fetcher, method: str, url: str, *, headers: dict[str, str], body: bytes = b"") -> object:
        return await ask(self, method, f"{url}?{body.decode()}", headers=headers)

    story = Story(behind, monkeypatch)
    monkeypatch.setattr(Fetcher, "__call__", ask_openly)
    story._run("run")
    assert found(b"\n".join(each.target.encode() for each in behind.account.requests))
