"""What `prober demo` shows in a terminal; that it tells the truth is proven in tests/app/test_demo.py."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from prober.app import demo
from prober.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import RunProber

MAIL = """\
  | Subject: [DOWN P1] shop: status 503 (inc 1)
  |
  | shop is DOWN: status 503, expected 2xx. 3 failures in a row since 14:12:03 UTC, they say.
  | Connectivity       not configured: an outage of our own network would look the same
  | 14:12:03  failed          status 503, expected 2xx, and what more a server may have said
  |
  | You get this because you@demo.example is a recipient of alerts in this prober's configuration."""


@pytest.fixture
def columns_of_status(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Let the demo say a line that is too wide, and a mail; return how wide what it starts believes to be."""
    seen: list[str | None] = []

    async def perform(say: Callable[[str], None], **_: Any) -> None:
        seen.append(os.environ.get("COLUMNS"))
        say("A web service answers at http://127.0.0.1:37493, a mail server listens on port 42013.")
        say(f"\n{MAIL}")

    monkeypatch.setattr(demo, "perform", perform)
    return seen


def test_it_fits_into_the_terminal(
    prober: RunProber, monkeypatch: pytest.MonkeyPatch, columns_of_status: list[str | None]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(output, "is_terminal", lambda stream: stream is sys.stdout)
    assert prober("demo", "--color", "never").out.splitlines() == [
        "A web service answers at http://127.0.0.1:37493, a mail server listens on port",
        "42013.",
        "",
        "  | Subject: [DOWN P1] shop: status 503 (inc 1)",
        "  |",
        "  | shop is DOWN: status 503, expected 2xx. 3 failures in a row since 14:12:03",
        "  | UTC, they say.",
        "  | Connectivity       not configured: an outage of our own network would look",
        "  |                    the same",
        "  | 14:12:03  failed          status 503, expected 2xx, and what more a server",
        "  |                           may have said",
        "  |",
        "  | You get this because you@demo.example is a recipient of alerts in this",
        "  | prober's configuration.",
    ]
    assert columns_of_status == ["80"]


def test_elsewhere_it_is_as_wide_as_it_is(prober: RunProber, columns_of_status: list[str | None]) -> None:
    assert prober("demo").out.partition("\n\n")[2] == f"{MAIL}\n"
    assert columns_of_status == [None]
