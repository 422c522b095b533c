"""The demo as a whole, and that it believes nothing it has not seen."""

from __future__ import annotations

import json
import sys
import tempfile
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.demo_servers import MailServer
from prober.app import demo
from prober.app.demo import DemoError, Stage, perform, play

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

OK = {"id": "shop", "at": "2026-11-20T14:12:41Z", "outcome": "ok", "detail": None, "status": 200, "latency_ms": 1.25}
SILENT = {"queued": 0, "accepted": 0, "failed": 0}


def actor(says: object, exit_code: int = 0) -> list[str]:
    """Return a program that always says the same."""
    text = says if isinstance(says, str) else json.dumps(says)
    return [sys.executable, "-S", "-c", f"print({text!r}); raise SystemExit({exit_code})"]


async def test_the_demo_shows_an_outage_caught_mailed_and_resolved_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []
    await play(told.append, program=[sys.executable, "-P", "-m", "prober"], beat_s=0)
    story = "\n".join(told)
    steps = ["ok  ", "service breaks", "3 of 3", "[DOWN", "3 failures in a row", "is repaired", "2 of 2", "[UP", "+ up"]
    place = 0
    for step in steps:
        place = story.index(step, place)
    assert list(tmp_path.iterdir()) == []
    assert (story.count("  failed  503  "), story.count("Subject: ")) == (3, 2)


@pytest.mark.parametrize(
    "seen",
    [
        "",
        {},
        {"results": [], "events": [], "alerts": SILENT},
        {"results": [OK | {"outcome": "failed"}], "events": [], "alerts": SILENT},
        {"results": [OK, OK], "events": [], "alerts": SILENT},
        {"results": [OK], "events": [{"kind": "down_opened"}], "alerts": SILENT},
        {"results": [OK], "events": [], "alerts": SILENT | {"accepted": 1}},
    ],
)
async def test_a_check_that_was_not_as_it_must_be_ends_the_demo(seen: dict[str, Any]) -> None:
    with pytest.raises(DemoError, match='expected "ok" and no event, but prober ended with 0'):
        await play(lambda _: None, program=actor(seen), beat_s=0)


async def test_a_prober_that_cannot_run_ends_the_demo_with_what_it_said() -> None:
    with pytest.raises(DemoError, match=r"(?s)ended with 5 and said:.*no such store"):
        await play(lambda _: None, program=actor("no such store", exit_code=5), beat_s=0)


async def test_a_prober_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DEADLINE_S", 0.2)
    with pytest.raises(DemoError, match='"prober run" did not end within'):
        await play(lambda _: None, program=[sys.executable, "-S", "-c", "import time; time.sleep(60)"])


async def test_a_failure_is_no_termination() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await perform(lambda _: None, program=actor(""))
    assert caught.value.subgroup(DemoError)


@pytest.mark.parametrize(("says", "exit_code"), [("shop  ! down", 0), ("shop  + up", 5), ("support is away", 0)])
async def test_a_status_that_is_not_up_ends_the_demo(says: str, exit_code: int) -> None:
    with pytest.raises(DemoError, match='expected the state "up"'):
        await Stage(lambda _: None, actor(says, exit_code), 0).show_status()


async def test_the_status_is_shown_in_colour_where_there_is_colour() -> None:
    told: list[str] = []
    program = [sys.executable, "-S", "-c", "import sys; print('up', sys.argv[1:])"]
    await Stage(told.append, program, 0, lambda word, _: f"<{word}>").show_status()
    assert told == ["up ['status', '--color', 'always']"]


@pytest.mark.parametrize("subjects", [[], ["[UP after 2s] shop"], ["[DOWN P1] shop", "[DOWN P1] shop"]])
async def test_a_missing_wrong_or_doubled_mail_ends_the_demo(subjects: list[str]) -> None:
    server = MailServer()
    for subject in subjects:
        message = EmailMessage()
        message["Subject"] = subject
        server.messages.append(message)
    with pytest.raises(DemoError, match=r"mail 1 should begin with \[DOWN"):
        Stage(lambda _: None, [], 0).show_mail(server, "[DOWN", 1)


async def test_a_mail_is_shown_as_it_arrived() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "a@demo.example",
        "b@demo.example",
        "[DOWN P1] shop: status 503",
    )
    message.set_content("shop is DOWN.\n\nSeverity: P1\n")
    server, told = MailServer(), list[str]()
    server.messages.append(message)
    Stage(told.append, [], 0).show_mail(server, "[DOWN", 1)
    assert told[0].splitlines() == [
        "  | From: a@demo.example",
        "  | To: b@demo.example",
        "  | Subject: [DOWN P1] shop: status 503",
        "  |",
        "  | shop is DOWN.",
        "  |",
        "  | Severity: P1",
    ]
