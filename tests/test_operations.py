"""docs/operations.md names only commands, links, mails and log lines that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from prober.adapters.log import LEVELS, Log
from prober.app.journal import Journal
from prober.cli.main import app, hoisted
from prober.core.alerts import AlertFacts, AlertKind
from prober.render.message import Envelope, render
from tests.app.world import config, probe
from tests.fakes import MIN_MS, T0, header

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "operations.md").read_text()
FENCED = "".join(re.findall(r"```\n(.*?)```", TEXT, re.DOTALL))
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))
LINES = [part.strip() for text in (*FENCED.splitlines(), *SPANS) for part in re.split(r"#|&&|2>", text)]
CALLS = sorted({line.removeprefix("sudo ") for line in LINES if re.match(r"(sudo )?prober ", line)})


def slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_every_link_leads_somewhere(target: str) -> None:
    name, _, anchor = target.partition("#")
    text = (DOCS / name).read_text() if name else TEXT
    assert not anchor or anchor in map(slug, re.findall(r"^#+ (.*)", text, re.MULTILINE))


@pytest.mark.parametrize("call", CALLS)
def test_every_command_can_be_called_so(call: str) -> None:
    command: Any = get_command(app)
    arguments = hoisted(["1" if each == "N" else each for each in shlex.split(call)[1:]])
    context = command.make_context("prober", arguments)
    while hasattr(command, "commands"):
        name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, list(arguments), parent=context)
    assert len(CALLS) > 10


def test_every_level_of_the_log_has_a_row() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(LEVELS)


def mail(**facts: Any) -> str:
    usual: dict[str, Any] = {"kind": AlertKind.STORE, "queued_at_ms": T0, "location": "here", "origin": "here"}
    sent = Envelope(
        sender="prober@acme.example",
        recipient="ops@acme.example",
        message_id="<1@acme.example>",
        in_reply_to=None,
        date_ms=T0,
        list_id="<here.prober.acme.example>",
        first_tried_at_ms=T0 + 12 * MIN_MS,
    )
    message = render(AlertFacts(**usual | facts), sent)
    return f"{header(message, 'Subject')}\n{message.decode()}"


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("[PROBER] blind for 12m", {"kind": AlertKind.BLIND, "started_at_ms": T0 - 12 * MIN_MS}),
        ("[PROBER] store set aside: history starts anew", {}),
        ("queued 12 min", {}),
        (
            "This mail may repeat: the store cannot be written",
            {"store_fault": "the store cannot be written since then"},
        ),
    ],
)
def test_every_mail_that_it_explains_says_so(said: str, facts: dict[str, Any]) -> None:
    assert said in TEXT
    assert said in mail(**facts)


@pytest.mark.parametrize(
    ("said", "tell"),
    [
        ("the wall clock jumped", lambda journal: journal.clock_jumped(-3_600_000)),
        (
            "reloaded: added web; changed api",
            lambda journal: journal.reloaded(config(), config(probe(interval_ms=1), probe("web"))),
        ),
    ],
)
def test_every_log_line_that_it_explains_is_written_so(said: str, tell: Callable[[Journal], None]) -> None:
    lines: list[bytes] = []

    def write(line: bytes) -> bool:
        lines.append(line)
        return True

    tell(Journal(Log(write, now_ms=lambda: T0)))
    assert said in TEXT
    assert said in lines[0].decode()
