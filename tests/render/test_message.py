"""An alert as a mail: what it says, in which order, and with which headers."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from prober.core.alerts import AlertFacts, AlertKind, Figures, Percentiles
from prober.core.model import Severity
from prober.render.letter import letter
from prober.render.message import Envelope, minimal, render, render_safely
from tests.render import alerts as a
from tests.render.mails import Mail, fields_of, parsed

LIMIT = 20_000


def mail(facts: AlertFacts, **envelope: Any) -> Mail:
    return parsed(render(facts, replace(a.ENVELOPE, **envelope)))


class Visible(HTMLParser):
    """Collects what a reader of the page sees, and every address it could fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words = ""
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self._is_hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._is_hidden = tag in {"style", "title"}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "background", "action"}]

    def handle_endtag(self, _: str) -> None:
        self._is_hidden = False

    def handle_data(self, data: str) -> None:
        if not self._is_hidden:
            self.words = " ".join(f"{self.words} {data}".split())


def test_the_text_says_everything_in_the_order_of_reading() -> None:
    text = mail(a.DOWN).text
    expected = """\
api is DOWN: status 503, expected 2xx. 3 failures in a row since 20:20:11 UTC.

Severity           P0
Probe              api (Public API)
URL                https://api.acme.example/api/health
Incident           42
First failure      2026-11-20 20:20:11 UTC
Confirmed          2026-11-20 20:22:11 UTC

Last checks (UTC):
20:10:11  ok          61 ms
20:15:11  slow     1,204 ms  1.204 s, limit 1 s
20:20:11  failed             status 503, expected 2xx
20:21:11  failed             status 503, expected 2xx
20:22:11  failed             status 503, expected 2xx

Rule               3 failed checks in a row open an incident (failures = 3)

Response, as the monitored server sent it:
| {"status":"not ready","database":{"connected":false,"error":"connection
| refused"}}

History:
Last good check    2026-11-20 20:15:11 UTC
Uptime 24h         99.999 %, coverage 99.7 %
Uptime 30d         99.928 %, coverage 98.2 %
p50/p95/p99 24h    61 / 73 / 1,071 ms
Response time      1,204 ms just before the failure

Around it:
Other probes down  web, db
Connectivity       our own network is fine
Role               active
Location           web-1
Sent from          web-1.acme.example

What to do next:
Runbook            https://wiki.acme.example/runbook#service-down
Dashboard          https://status.acme.example
The incident       prober incidents show 42
Acknowledge        prober incidents ack 42
False positive     prober incidents false-positive 42
Check it now       prober check api

-- \n"""
    assert text.startswith(expected)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (replace(a.DOWN, checks=1), "api is DOWN: status 503, expected 2xx. 1 failure since 20:20:11 UTC."),
        (
            replace(a.DOWN, started_at_ms=a.FAILED_AT - 86_400_000, detail=None),
            "api is DOWN: status. 3 failures in a row since 2026-11-19 20:20:11 UTC.",
        ),
        (replace(a.DOWN, started_at_ms=None), "api is DOWN: status 503, expected 2xx. 3 failures in a row."),
        (a.SLOW, "api is SLOW: 1,834 ms, limit 1,000 ms. 3 slow responses in a row since 20:20:11 UTC."),
        (
            replace(a.SLOW, latency_now_us=None, checks=1),
            "api is SLOW: 1.834 s, limit 1 s. 1 slow response since 20:20:11 UTC.",
        ),
        (a.RECOVERED, "api is UP again: it was down for 1 h 12 min (status 503, expected 2xx)."),
        (replace(a.RECOVERED, ended_at_ms=None), "api is UP again: it was down (status 503, expected 2xx)."),
        (
            a.MERGED,
            (
                "api is UP again: it was down for 20 min (status 503, expected 2xx). "
                "The alert about the beginning could not be delivered in time; this mail stands for both."
            ),
        ),
        (a.SLOW_OVER, "api is OK again (240 ms): it was slow for 1 h 12 min."),
        (replace(a.SLOW_OVER, latency_now_us=None), "api is OK again: it was slow for 1 h 12 min."),
        (
            a.REMOVED,
            (
                "api was REMOVED from the configuration while it was down (status 503, expected 2xx); "
                "its incident is closed."
            ),
        ),
        (
            replace(a.REMOVED, reason=None, detail=None),
            "api was REMOVED from the configuration while it was slow; its incident is closed.",
        ),
        (
            a.REMINDER,
            (
                "api is STILL DOWN after 1 h 5 min: status 503, expected 2xx. 63 failed checks since 20:20:11 UTC; "
                "nobody has acknowledged it."
            ),
        ),
        (
            replace(a.REMINDER, started_at_ms=None, failed_checks=1),
            "api is STILL DOWN after 0 s: status 503, expected 2xx. 1 failed check; nobody has acknowledged it.",
        ),
        (a.STILL_SLOW, "api is STILL SLOW after 1 h 5 min, since 20:20:11 UTC. Nobody has acknowledged it."),
        (
            replace(a.RESOLVED, checks_before=a.DOWN.checks_before[:1]),
            ("api: the incident was RESOLVED by ann after it had been down for 1 h 12 min (status 503, expected 2xx)."),
        ),
        (
            replace(a.RESOLVED, reason=None, resolved_by=None, checks_before=()),
            "api: the incident was RESOLVED after it had been slow for 1 h 12 min.",
        ),
        (
            a.RESOLVED,
            (
                "api: the incident was RESOLVED by ann after it had been down for 1 h 12 min"
                " (status 503, expected 2xx). The last check still failed."
            ),
        ),
        (
            replace(a.RESOLVED, checks_before=(replace(a.DOWN.checks_before[-1], detail="certificate expired."),)),
            (
                "api: the incident was RESOLVED by ann after it had been down for 1 h 12 min"
                " (status 503, expected 2xx). The last check failed: certificate expired."
            ),
        ),
        (
            replace(a.RESOLVED, checks_before=a.DOWN.checks_before[:2]),
            (
                "api: the incident was RESOLVED by ann after it had been down for 1 h 12 min"
                " (status 503, expected 2xx). The last check was slow."
            ),
        ),
        (a.CERTIFICATE, "api: the certificate ends on 2026-12-03, 13 days from now."),
        (
            a.BLIND,
            "prober is blind since 20:10:12 UTC: no connectivity url answers, so nothing can be judged from here.",
        ),
        (
            a.STORE,
            (
                "The store could not be read and was set aside as prober.db.corrupt-20261120T202000Z; "
                "history starts anew."
            ),
        ),
        (replace(a.STORE, detail=None), "The store could not be read and was set aside; history starts anew."),
        (a.TEST, "This is a test: prober's alert path works."),
        (
            a.SAMPLE,
            ("This is a test: test-sample is DOWN: status 503, expected 2xx. 3 failures in a row since 20:20:11 UTC."),
        ),
        (
            replace(a.RECOVERED, incident=0),
            "This is a test: api is UP again: it was down for 1 h 12 min (status 503, expected 2xx).",
        ),
        (
            replace(a.SLOW, incident=0),
            "This is a test: api is SLOW: 1,834 ms, limit 1,000 ms. 3 slow responses in a row since 20:20:11 UTC.",
        ),
        (a.STANDING_IN, "UptimeRobot has no fresh sample since 20:01:12 UTC. From now on we tell."),
        (
            a.STANDING_IN_FOR_ONE,
            "UptimeRobot is not watching api: paused, gone or without a fresh sample. We tell about it instead.",
        ),
        (a.STANDING_BY, "UptimeRobot is watching again. From now on it tells, not we."),
        (
            replace(a.STANDING_BY, probes=("api", "web")),
            "UptimeRobot is watching api, web again. From now on it tells, not we.",
        ),
        (
            a.KEY,
            (
                "UptimeRobot does not accept our key, so nobody can say whether it is watching. "
                "Until it does, we tell. Make a read-only key there, and set api_key in [standby]."
            ),
        ),
        (
            replace(a.KEY, watcher="the other prober"),
            (
                "the other prober does not let us see its status, so nobody can say whether it is watching. "
                "Until it does, we tell. Look at the url in [standby]: it has to answer without a login."
            ),
        ),
        (
            a.DISAGREEMENT,
            (
                "UptimeRobot has said for 11 min that api is up; our checks find it down since 20:08:12 UTC. "
                "It may be down for some only, turn our requests away (an allow-list), or the way from here is broken."
            ),
        ),
        (a.SEVERAL, "14 alerts in one mail, DOWN 14: api, web, db and 11 more."),
        (a.batch(1), "1 alert in one mail, DOWN 1: api."),
        (replace(a.SEVERAL, members=(a.BLIND, a.STORE)), "2 alerts in one mail, PROBER 2."),
    ],
)
def test_the_first_line_tells_it_all(facts: AlertFacts, sentence: str) -> None:
    found = mail(facts)
    assert found.text.splitlines()[0] == sentence
    assert sentence in Visible(found.html).words


@pytest.mark.parametrize("facts", a.ALL, ids=lambda facts: str(facts.kind))
def test_both_parts_say_the_same_and_html_is_small_and_fetches_nothing(facts: AlertFacts) -> None:
    found = mail(facts)
    page = Visible(found.html)
    said = letter(facts, recipient=a.ENVELOPE.recipient, late_ms=0)
    rows = [row for section in said.sections for row in section.rows]
    words = [text for row in rows for text in (row.label, row.value)]
    words += [member.sentence for section in said.sections for member in section.members] + [
        *said.footer,
        said.sentence,
    ]
    for text in words:
        assert text in found.text
        assert text in page.words
    assert page.words.startswith(f"{said.word} ")
    assert len(found.html.encode()) < LIMIT
    assert page.tags.isdisjoint({"img", "link", "script", "iframe", "form", "video", "object", "base"})
    assert set(page.addresses) <= {a.DOWN.runbook, a.DOWN.dashboard, a.CERTIFICATE.runbook}
    assert re.search(r"url\(|@import|@font-face", found.html) is None
    assert "prefers-color-scheme: dark" in found.html


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        (
            a.RECOVERED,
            [
                "Started            2026-11-20 20:20:11 UTC",
                "Ended              2026-11-20 21:32:11 UTC",
                "Duration           1 h 12 min",
                "Failed checks      71",
                "Budget             166.7 % of the 30-day budget used (target 99.9 %)",
                "Other probes down  none",
            ],
        ),
        (
            replace(a.RECOVERED, acknowledged_by="ann", acknowledged_at_ms=a.FAILED_AT + a.MIN),
            ["Acknowledged       by ann at 2026-11-20 20:21:11 UTC"],
        ),
        (
            replace(a.RECOVERED, acknowledged_at_ms=a.FAILED_AT),
            ["Acknowledged       by somebody at 2026-11-20 20:20:11 UTC"],
        ),
        (
            a.REMINDER,
            [
                "Started            2026-11-20 20:20:11 UTC",
                "Lasting            1 h 5 min",
                "Failed checks      63",
                "Acknowledged       by nobody yet",
                "Acknowledge        prober incidents ack 42",
                "False positive     prober incidents false-positive 42",
                "Check it now       prober check api",
            ],
        ),
        (a.STILL_SLOW, ["Last response           1,834 ms", "Acknowledged            by nobody yet"]),
        (replace(a.REMINDER, started_at_ms=None), ["Confirmed          2026-11-20 20:22:11 UTC"]),
        (
            a.RESOLVED,
            [
                "Acknowledged       by bob at 2026-11-20 20:30:11 UTC",
                "Resolved by        ann",
                "Note               the check was wrong",
            ],
        ),
        (a.SLOW, ["Acknowledge             prober incidents ack 43"]),
        (a.SEVERAL, ["Acknowledge       prober incidents ack N, each by its number (inc N)"]),
        (
            replace(a.SEVERAL, members=(a.DOWN, a.RECOVERED, a.REMINDER)),
            [
                "UP             api is UP again: it was down for 1 h 12 min (status 503, expected 2xx). (inc 42)",
            ],
        ),
        (
            replace(a.RECOVERED, budget_used_percent=0.0, target_percent=None),
            ["Budget             0.0 % of the 30-day budget used"],
        ),
        (
            a.SLOW,
            [
                "Limit                   1,000 ms",
                "Last response           1,834 ms",
                "20:22:11  slow     1,834 ms  1.834 s, limit 1 s",
                "p50/p95/p99 today       64 / 1,900 / 2,100 ms",
                "p50/p95/p99 7 days ago  58 / 70 / 91 ms",
                "Response time           240 ms just before it got slow",
            ],
        ),
        (
            a.TEST,
            [
                "Relay       smtp.acme.example:587 (starttls)",
                "Sender      prober@acme.example",
                "Recipients  ops@acme.example, oncall@acme.example",
            ],
        ),
        (replace(a.DOWN, verify=False), ["Certificate        not verified (verify = false)"]),
        (replace(a.DOWN, probe_name="api"), ["Probe              api"]),
        (replace(a.DOWN, figures=(Figures(window="30d"),)), ["Uptime 30d         no data"]),
        (
            replace(a.DOWN, figures=(Figures(window="30d", uptime_percent=100.0),)),
            ["Uptime 30d         100 %"],
        ),
        (replace(a.DOWN, percentiles=(Percentiles(window="24h"),)), ["p50/p95/p99 24h    no data"]),
    ],
)
def test_a_kind_adds_what_matters_to_it(facts: AlertFacts, lines: list[str]) -> None:
    text = mail(facts).text.splitlines()
    assert [line for line in lines if line not in text] == []


def test_a_certificate_that_ends_is_no_failure() -> None:
    told = mail(replace(a.CERTIFICATE, last_good_at_ms=a.FAILED_AT, latency_before_us=1, figures=a.DOWN.figures)).text
    assert "Uptime 30d" in told
    assert "Last good check" not in told
    assert "Response time" not in told


def test_a_slow_mail_shows_one_window_once() -> None:
    assert "p50/p95/p99 24h" not in mail(a.SLOW).text
    assert "p50/p95/p99 24h" in mail(replace(a.SLOW, percentiles=a.DOWN.percentiles)).text


def test_the_reason_stands_before_a_detail_that_does_not_begin_with_it() -> None:
    line = replace(a.DOWN.checks_before[-1], detail="expected 2xx")
    assert "20:22:11  failed     status: expected 2xx\n" in mail(replace(a.DOWN, checks_before=(line,))).text


def test_the_footer_says_why_it_came_that_no_reminder_will_and_that_it_was_late() -> None:
    footer = mail(a.DOWN, first_tried_at_ms=a.QUEUED_AT + 12 * a.MIN).text.partition("-- \n")[2].splitlines()
    assert footer == [
        "You get this because ops@acme.example is a recipient of alerts in this prober's configuration.",
        "No reminder will come: the next mail about this incident says that it is over.",
        "queued 12 min before it could first be sent",
    ]
    assert "queued" not in mail(a.DOWN, first_tried_at_ms=a.QUEUED_AT + a.MIN - 1).text


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (a.DOWN, "No reminder will come: the next mail about this incident says that it is over."),
        (replace(a.DOWN, remind_ms=3_600_000), "A reminder comes in 1 h, unless it is over or acknowledged by then."),
        (replace(a.SLOW, remind_ms=5_400_000), "A reminder comes in 1 h 30 min, unless it is over or acknowledged by"),
        (a.REMINDER, "A reminder comes in 1 h, unless it is over or acknowledged by then."),
        (a.RECOVERED, "No reminder will come."),
        (a.BLIND, "No reminder will come."),
        (a.RESOLVED, "No reminder will come."),
        (a.SEVERAL, "No reminder will come."),
        (
            replace(a.SEVERAL, members=(a.RECOVERED, a.REMINDER)),
            "A reminder comes in 1 h, unless everything is over or acknowledged by then.",
        ),
    ],
)
def test_the_footer_says_when_the_next_reminder_comes(facts: AlertFacts, said: str) -> None:
    assert mail(facts).text.partition("-- \n")[2].splitlines()[1].startswith(said)


def test_a_batch_of_ends_names_no_command_to_acknowledge_them() -> None:
    assert "prober incidents ack" not in mail(a.batch(0, 5)).text


@pytest.mark.parametrize("facts", [a.TEST, a.SAMPLE])
def test_a_test_says_that_it_was_asked_for(facts: AlertFacts) -> None:
    assert mail(facts).text.partition("-- \n")[2].splitlines() == [
        "You get this because ops@acme.example is a recipient of alerts, and a test was asked for.",
        "No reminder will come.",
    ]


def test_the_headers_are_those_that_filter_rules_are_promised() -> None:
    assert list(fields_of(render(a.DOWN, a.ENVELOPE)))[:-2] == [
        ("From", "prober@acme.example"),
        ("To", "ops@acme.example"),
        ("Subject", "[DOWN P0] api: status 503 (inc 42)"),
        ("Date", "Fri, 20 Nov 2026 20:22:12 +0000"),
        ("Message-ID", "<4f1c2a90b7d34e55a1c0ffee12345678@acme.example>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("List-Id", "<prober.acme.example>"),
        ("X-Priority", "1"),
        ("Importance", "high"),
        ("X-Prober-Event", "down"),
        ("X-Prober-Probe", "api"),
        ("X-Prober-Incident", "42"),
        ("X-Prober-Severity", "P0"),
        ("X-Prober-Since", "2026-11-20T20:20:11Z"),
        ("X-Prober-Location", "web-1"),
    ]


def test_a_batch_carries_all_its_probes_and_the_most_urgent_of_the_rest() -> None:
    members = (replace(a.DOWN, severity=Severity.P2), replace(a.RECOVERED, probe_id="web", incident=41), a.BLIND)
    found = mail(replace(a.SEVERAL, members=members))
    assert found["X-Prober-Probe"] == "api, web"
    assert found["X-Prober-Incident"] == "42, 41"
    assert found["X-Prober-Severity"] == "P0"
    assert found["X-Prober-Since"] == "2026-11-20T20:10:12Z"
    assert found["Importance"] == "normal"


@pytest.mark.parametrize(
    ("facts", "importance"),
    [
        (a.DOWN, "high"),
        (replace(a.DOWN, severity=Severity.P1), "high"),
        (replace(a.DOWN, severity=Severity.P2), "normal"),
        (a.RECOVERED, "normal"),
        (replace(a.SLOW, severity=Severity.P0), "normal"),
        (replace(a.REMINDER, severity=Severity.P3), "high"),
        (a.STILL_SLOW, "normal"),
        (a.RESOLVED, "normal"),
        (a.SEVERAL, "high"),
        (a.batch(0, 5), "normal"),
    ],
)
def test_only_an_urgent_outage_is_important(facts: AlertFacts, importance: str) -> None:
    found = mail(facts)
    assert (found["Importance"], found["X-Priority"]) == (importance, "1" if importance == "high" else "3")


def test_a_later_mail_answers_the_first_however_long_its_id() -> None:
    first = f"<{'a' * 200}@acme.example>"
    raw = render(a.RECOVERED, replace(a.ENVELOPE, in_reply_to=first))
    assert {("In-Reply-To", first), ("References", first)} <= set(fields_of(raw))


def test_the_same_input_gives_the_same_bytes_and_another_id_another_boundary() -> None:
    once = render(a.DOWN, a.ENVELOPE)
    assert render(AlertFacts.from_json(a.DOWN.to_json()), a.ENVELOPE) == once
    other = mail(a.DOWN, message_id="<other@acme.example>").message.get_boundary()
    assert other != parsed(once).message.get_boundary()


def test_a_large_batch_is_told_in_full_as_text_and_to_thirty_as_html() -> None:
    found = mail(a.batch(50))
    page = Visible(found.html)
    numbers = [f"(inc {number})" for number in range(100, 150)]
    assert [number for number in numbers if number not in found.text] == []
    assert [number for number in numbers if number in page.words] == numbers[:30]
    assert "and 20 more" in page.words
    assert "and 100 more" in mail(a.batch(600)).text


@pytest.mark.parametrize("facts", [replace(a.DOWN, checks_before=a.DOWN.checks_before * 4), a.batch(60)])
@pytest.mark.parametrize("filler", ["<", "\N{FIRE}", '"'])
def test_html_stays_small_whatever_the_texts_are(facts: AlertFacts, filler: str) -> None:
    long = filler * 3000
    huge = replace(
        facts,
        probe_id=long,
        detail=long,
        excerpt=long,
        url=long,
        rule=long,
        connectivity=long,
        origin=long,
        location=long,
        others_down=(long,) * 50,
        runbook="https://wiki.acme.example/" + long,
        dashboard="https://wiki.acme.example/" + long,
        checks_before=tuple(replace(line, detail=long) for line in facts.checks_before),
        members=tuple(replace(member, probe_id=long, detail=long) for member in facts.members),
    )
    raw = render(huge, a.ENVELOPE)
    assert len(parsed(raw).html.encode()) < LIMIT
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_an_excerpt_is_held_to_500_bytes() -> None:
    text = mail(replace(a.DOWN, excerpt="\N{EURO SIGN}" * 300)).text
    assert text.count("\N{EURO SIGN}") == 500 // 3


def test_only_web_addresses_become_links() -> None:
    found = mail(replace(a.DOWN, runbook="javascript:alert(1)"))
    assert Visible(found.html).addresses == [a.DOWN.dashboard]
    assert "Runbook: javascript:alert(1)" in Visible(found.html).words
    assert "Runbook            javascript:alert(1)" in found.text


def test_facts_that_cannot_be_rendered_go_out_as_a_minimal_mail() -> None:
    broken = replace(a.DOWN, started_at_ms=10**18, detail="nö\r\nBcc: evil@evil.example")
    with pytest.raises((ValueError, OverflowError)):
        render(broken, a.ENVELOPE)
    raw = render_safely(broken, a.ENVELOPE)
    found = parsed(raw)
    assert raw == minimal(broken, a.ENVELOPE)
    assert found["Subject"] == "[down] api (inc 42)"
    assert found["Message-ID"] == a.ENVELOPE.message_id
    assert found["Bcc"] == "None"
    assert "detail: no??Bcc: evil@evil.example" in found.text


def test_stored_facts_are_rendered_and_unreadable_ones_sent_as_they_are() -> None:
    assert render_safely(a.DOWN.to_json(), a.ENVELOPE) == render(a.DOWN, a.ENVELOPE)
    found = parsed(render_safely('{"kind":"of a later version","detail":"status 503"}', a.ENVELOPE))
    assert found["Subject"] == "[PROBER] an alert that could not be read"
    assert '"detail":"status 503"' in found.text


def test_an_alert_about_ourselves_needs_no_probe_even_as_a_minimal_mail() -> None:
    assert parsed(minimal(a.BLIND, a.ENVELOPE))["Subject"] == "[prober_blind] prober"


@pytest.mark.parametrize("date_ms", [-1, 10**30])
def test_a_date_beyond_the_calendar_loses_nothing(date_ms: int) -> None:
    envelope: Envelope = replace(a.ENVELOPE, date_ms=date_ms)
    assert parsed(render_safely(a.DOWN, envelope))["Message-ID"] == envelope.message_id


def test_every_kind_has_a_sample() -> None:
    assert {facts.kind for facts in a.ALL} == set(AlertKind)


def test_the_last_good_check_of_a_recovery_is_called_the_one_before() -> None:
    told = mail(a.RECOVERED).text
    assert "Last good before" in told
    assert "Last good check" not in told


def test_a_mail_that_the_store_could_not_remember_says_that_it_may_repeat() -> None:
    text = mail(replace(a.DOWN, store_fault="the store cannot be written since noon")).text
    assert "This mail may repeat: the store cannot be written since noon, so another run may not know" in text


def test_a_beginning_that_was_held_says_so() -> None:
    assert "Held until now" in mail(replace(a.DOWN, was_held=True)).text
    assert "Held until now" not in mail(a.DOWN).text
