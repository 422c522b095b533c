from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from prober.core.facts import Certificate, Phases
from prober.core.model import Outcome, Reason, Result
from prober.core.report import Checked
from prober.core.settings import Maintenance
from prober.render.checks import checks, next_maintenance

AT_MS = 1_795_183_923_000
DAY_MS = 86_400_000
GOOD = Checked(
    label="api.acme.example/ready",
    result=Result(
        probe_id="ready",
        location="web-1",
        at_ms=AT_MS,
        outcome=Outcome.OK,
        status=200,
        latency_us=61_300,
        phases=Phases(dns_us=4_100, connect_us=11_000, tls_us=19_200, wait_us=26_000, body_us=1_000),
        certificate=Certificate(fingerprint="ab", not_after_ms=AT_MS + 61 * DAY_MS + 5),
    ),
    body_bytes=86,
    content_type="application/json; charset=utf-8",
)
PLAIN = replace(GOOD, result=replace(GOOD.result, certificate=None))
FAILED = replace(
    GOOD,
    label="db",
    result=Result(
        probe_id="db",
        location="web-1",
        at_ms=AT_MS,
        outcome=Outcome.FAILED,
        reason=Reason.REFUSED,
        detail="connection refused\x1b[2J",
    ),
)


def test_a_check_has_its_documented_layout() -> None:
    assert checks([GOOD]).splitlines() == [
        "  api.acme.example/ready                       UP   200   61 ms",
        "    dns+connect 15   tls 19   wait 26   read 1 ms",
        "    certificate 61 days left   body 86 B json",
        "  nothing stored, nobody told",
    ]


@pytest.mark.parametrize(
    ("fields", "begins_in_ms", "said"),
    [
        ({}, 60_000, "all probes: from 2026-11-20 14:13:03 UTC until 2026-11-20 14:43:03 UTC"),
        ({"probe_ids": ("api", "web")}, 0, "api, web: now until 2026-11-20 14:42:03 UTC"),
        ({"tags": ("prod",), "probe_ids": ("db",)}, -60_000, "db, tag prod: now until 2026-11-20 14:41:03 UTC"),
        (
            {"timezone": "Asia/Tokyo", "reason": "Move"},
            60_000,
            (
                "all probes: from 2026-11-20 14:13:03 UTC until 2026-11-20 14:43:03 UTC "
                "(2026-11-20 23:13:03 until 2026-11-20 23:43:03 in Asia/Tokyo), Move"
            ),
        ),
        ({"timezone": "Asia/Tokyo"}, None, "all probes: none is to come"),
        ({"reason": "Weekly\u202e deploy"}, None, "all probes: none is to come, Weekly deploy"),
    ],
)
def test_a_window_says_whom_it_is_for_and_when_it_comes_next(
    fields: dict[str, Any], begins_in_ms: int | None, said: str
) -> None:
    window = Maintenance(cron="0 4 * * 2", duration_ms=1_800_000, **fields)
    span = None if begins_in_ms is None else (AT_MS + begins_in_ms, AT_MS + begins_in_ms + 1_800_000)
    assert next_maintenance(window, span, AT_MS) == f"maintenance of {said}"


def test_several_checks_line_up_and_a_failed_one_says_why() -> None:
    assert checks([GOOD, FAILED]).splitlines()[::3][:2] == [
        "  api.acme.example/ready                       UP       200   61 ms",
        "  db                                           FAILED",
    ]
    assert checks([FAILED]).splitlines()[1:] == ["    connection refused", "  nothing stored, nobody told"]


def test_a_configured_probe_is_called_by_its_id_and_then_its_url() -> None:
    other = replace(FAILED, id="db-replica", label="db.acme.example/")
    assert [line[2:46] for line in checks([replace(GOOD, id="api"), other]).splitlines()[::3][:2]] == [
        "api          api.acme.example/ready         ",
        "db-replica   db.acme.example/               ",
    ]
    assert checks([replace(GOOD, id="\x1b[2Jx")]).startswith("  x   api")


def test_nothing_checked_leaves_the_notes() -> None:
    assert checks([], notes=["a note"]) == "  a note\n  nothing stored, nobody told\n"


@pytest.mark.parametrize(
    ("outcome", "word"),
    [(Outcome.OK, "UP"), (Outcome.SLOW, "SLOW"), (Outcome.FAILED, "FAILED"), (Outcome.UNKNOWN, "UNKNOWN")],
)
def test_an_outcome_is_a_word_with_or_without_colour(outcome: Outcome, word: str) -> None:
    checked = replace(GOOD, result=replace(GOOD.result, outcome=outcome))
    assert f" {word}   200" in checks([checked])
    assert f"<{word}>" in checks([checked], paint=lambda text, _: f"<{text}>")


def test_without_tls_there_is_no_tls_phase() -> None:
    result = replace(GOOD.result, phases=Phases(dns_us=400, wait_us=20_000), certificate=None)
    assert checks([replace(GOOD, result=result)]).splitlines()[1:3] == [
        "    dns+connect 0.4   wait 20   read 0 ms",
        "    body 86 B json",
    ]


@pytest.mark.parametrize(
    ("left_ms", "words"),
    [
        (2 * DAY_MS, "2 days left"),
        (2 * DAY_MS - 1, "1 d 23 h left"),
        (59_000, "59 s left"),
        (0, "expired"),
        (-DAY_MS, "expired"),
    ],
)
def test_the_certificate_says_how_long_it_lasts(left_ms: int, words: str) -> None:
    certificate = Certificate(fingerprint="ab", not_after_ms=AT_MS + left_ms)
    assert f"certificate {words}   body" in checks(
        [replace(GOOD, result=replace(GOOD.result, certificate=certificate))]
    )


def test_a_certificate_that_is_not_verified_is_said_to_be() -> None:
    assert "certificate not verified (verify = false)   body" in checks([replace(GOOD, verify=False)])


@pytest.mark.parametrize(
    ("content_type", "size", "is_cut", "words"),
    [
        (None, 0, False, "body 0 B"),
        ("text/html", 1023, False, "body 1023 B html"),
        ("application/problem+json", 1536, False, "body 1.5 KiB json"),
        ("text/plain", 262_144, True, "body over 256.0 KiB plain"),
        (f"x/{'y' * 50}\x1b[2J", 1, False, f"body 1 B {'y' * 17}..."),
    ],
)
def test_the_body_says_how_long_and_of_what_kind_it_is(
    content_type: str | None, size: int, is_cut: bool, words: str
) -> None:
    checked = replace(PLAIN, content_type=content_type, body_bytes=size, body_is_cut=is_cut)
    assert checks([checked]).splitlines()[2] == f"    {words}"


def test_what_the_server_said_is_quoted_as_the_servers() -> None:
    result = replace(FAILED.result, status=500, excerpt="boom\x1b[2J")
    assert "    the server said: boom\n" in checks([replace(FAILED, result=result)])


def test_the_worst_time_to_an_alert_is_told() -> None:
    assert "after 15m10s at the latest" in checks([replace(GOOD, worst_alert_ms=910_000)])


def test_notes_stand_before_the_end() -> None:
    assert checks([GOOD], notes=["no connectivity urls"]).splitlines()[-2:] == [
        "  no connectivity urls",
        "  nothing stored, nobody told",
    ]
