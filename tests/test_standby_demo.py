"""The demo of standing in as a whole, and that it believes nothing it has not seen."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from prober.adapters.demo_servers import MailServer, WebService
from prober.app.demo import DemoError
from tests import standby_demo
from tests.servers.uptimerobot import Account
from tests.standby_demo import Step, Story, main, play

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
OK = {"id": "shop", "at": "2026-11-20T14:12:41Z", "outcome": "ok", "detail": None, "status": 200, "latency_ms": 1.25}
RAN = {"results": [OK], "events": [], "alerts": {"queued": 0, "accepted": 0, "failed": 0}}
LOOKED = "looked at the other side: {}; our role is {}"


def actor(says: object, *logs: str, exit_code: int = 0) -> list[str]:
    """Return a program that always says and logs the same."""
    log = "".join(f"{json.dumps({'timestamp': '2026-11-20T14:12:42Z', 'message': each})}\n" for each in logs)
    script = f"import sys; print({json.dumps(says)!r}); sys.stderr.write({log!r}); sys.exit({exit_code})"
    return [sys.executable, "-S", "-c", script]


def story(program: list[str], mail: MailServer | None = None) -> Story:
    account = Account(now_ms=lambda: 0)
    return Story(print, program, account=account, shop=WebService(), mail=mail or MailServer(), pause_s=0)


def sent(*subjects: str) -> MailServer:
    server = MailServer()
    for subject in subjects:
        message = EmailMessage()
        message["Subject"] = subject
        message.set_content("Something happened.\n\nAnd more.\n")
        server.messages.append(message)
    return server


async def test_the_demo_shows_quiet_speech_and_quiet_again_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []
    await play(told.append, pause_s=0)
    shown = "\n".join(told)
    steps = ["our role: standby", "shop breaks", "open, held", "stale     our role: standby", "role: standing-in"]
    steps += ["Subject: [PROBER] UptimeRobot silent for 15m", "Subject: [DOWN", "UptimeRobot is back:"]
    steps += ["watching  our role: standing-in", "watching  our role: standby"]
    steps += ["Subject: [PROBER] UptimeRobot is back", "is repaired", "Subject: [UP", "prober standby:", "standing by"]
    place = 0
    for step in steps:
        place = shown.index(step, place)
    assert (shown.count("  failed  "), shown.count("Subject: "), list(tmp_path.iterdir())) == (5, 4, [])


@pytest.mark.parametrize(
    ("step", "looks"),
    [
        (Step(outcome="ok"), []),
        (Step(outcome="ok"), [("watching", "standby")]),
        (Step(outcome="ok", looks=[("stale", "standby")]), [("stale", "standby")]),
    ],
)
async def test_what_is_as_it_must_be_is_shown(step: Step, looks: list[tuple[str, str]]) -> None:
    await story(actor(RAN, "store: demo.db", *(LOOKED.format(*each) for each in looks)))._watch(step)


@pytest.mark.parametrize(
    ("step", "looks"),
    [
        (Step(outcome="failed"), []),
        (Step(outcome="ok", events=["standing_in"]), []),
        (Step(outcome="ok", mails=1), []),
        (Step(outcome="ok"), [("stale", "standby")]),
        (Step(outcome="ok"), [("watching", "standing-in")]),
        (Step(outcome="ok", looks=[("watching", "standby")]), []),
        (Step(outcome="ok", looks=[("stale", "standby")]), [("stale", "standing-in")]),
    ],
)
async def test_what_is_not_as_it_must_be_ends_the_demo(step: Step, looks: list[tuple[str, str]]) -> None:
    with pytest.raises(DemoError, match="expected Step"):
        await story(actor(RAN, *(LOOKED.format(*each) for each in looks)))._watch(step)


async def test_a_prober_that_cannot_run_ends_the_demo_with_what_it_said() -> None:
    with pytest.raises(DemoError, match=r"(?s)ended with 5 and said:.*no such store"):
        await story(actor(RAN, "no such store", exit_code=5)).stand_by()


@pytest.mark.parametrize(
    ("says", "exit_code", "mails"),
    [("x open", 0, []), ("x open, held", 5, []), ("x open, held", 0, ["[DOWN P1] shop"])],
)
async def test_an_outage_that_is_not_held_ends_the_demo(says: str, exit_code: int, mails: list[str]) -> None:
    with pytest.raises(DemoError, match='expected "held" and no other mail'):
        await story(actor(says, exit_code=exit_code), sent(*mails))._show("incidents", "list", wanted="held")


@pytest.mark.parametrize("subjects", [[], ["[UP] shop"], ["[DOWN P1] shop", "[DOWN P1] shop"]])
async def test_a_missing_wrong_or_doubled_mail_ends_the_demo(subjects: list[str]) -> None:
    with pytest.raises(DemoError, match=r"mails should begin with \('\[DOWN',\)"):
        story([], sent(*subjects))._show_mails("[DOWN")


async def test_a_mail_is_shown_once_and_by_how_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    mail = sent("[DOWN P1] shop")
    told = story([], mail)
    told._show_mails("[DOWN")
    mail.messages += sent("[UP] shop").messages
    told._show_mails("[UP")
    shown = capsys.readouterr().out.splitlines()
    assert shown == [
        "  | Subject: [DOWN P1] shop",
        "  | Something happened.",
        "  | Subject: [UP] shop",
        "  | Something happened.",
    ]


@pytest.mark.parametrize(("ends", "code"), [(DemoError("not seen"), 1), (None, 0)])
def test_it_exits_with_zero_only_if_every_step_was_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ends: Exception | None, code: int
) -> None:
    async def told(*_: object, **__: object) -> None:
        if ends is not None:
            raise ends

    monkeypatch.setattr(standby_demo, "play", told)
    assert (main(), capsys.readouterr().err) == (code, f"error: {ends}\n" if ends else "")


def test_it_needs_nothing_but_what_prober_runs_with() -> None:
    script = (
        "import sys, tests.standby_demo; sys.exit(bool({'pytest', 'hypothesis', 'trustme', 'trio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
