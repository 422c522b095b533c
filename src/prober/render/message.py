"""An alert as the bytes of a mail.

A pure function of the facts, the envelope and the template: the same input gives the same bytes, so what a crash makes
us repeat is recognised as a repetition. Everything from outside is cleaned before it is rendered, and if rendering
fails even so, a minimal mail that cannot fail goes out instead: an alert is never lost to its own text.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from prober.core.alerts import AlertFacts, AlertKind
from prober.core.model import Severity
from prober.core.text import clean, cut
from prober.render.letter import letter
from prober.render.mail_html import html
from prober.render.mail_text import text
from prober.render.subject import WIDTH, ascii_only, ids, is_about_speed
from prober.render.texts import with_texts
from prober.render.when import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLICY: Final = SMTP.clone(cte_type="7bit")
_TEXT_CHARACTERS: Final = 2000
_EXCERPT_BYTES: Final = 500
_LONGEST_LINE: Final = 900
_STORED_CHARACTERS: Final = 4000
_LINE_CHARACTERS: Final = 76
_LAST_DATE_S: Final = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What belongs to one delivery and not to the alert: who, when, and its place in a thread.

    Addresses and ids are ASCII; ids and ``list_id`` stand in angle brackets. ``date_ms`` is when the alert was queued.
    """

    sender: str
    recipient: str
    message_id: str
    in_reply_to: str | None
    date_ms: int
    list_id: str
    first_tried_at_ms: int


def render_safely(facts: AlertFacts | str, envelope: Envelope) -> bytes:
    """Return an alert as a mail, whatever the facts are; given as stored JSON they may even be unreadable."""
    try:
        return render(AlertFacts.from_json(facts) if isinstance(facts, str) else facts, envelope)
    except Exception:  # noqa: BLE001 - whatever it is, the alert must not be lost to it
        return minimal(facts, envelope)


def render(facts: AlertFacts, envelope: Envelope) -> bytes:
    """Return an alert as a mail of text and HTML: RFC 5322, CRLF, 7-bit."""
    facts = _harmless(facts)
    told = letter(facts, recipient=envelope.recipient, late_ms=envelope.first_tried_at_ms - envelope.date_ms)
    parts = text(told), html(told)
    body = EmailMessage(policy=_POLICY)
    body.set_content(parts[0])
    body.add_alternative(parts[1], subtype="html")
    # Hashed over the content, so that no server we quote can have foreseen it.
    body.set_boundary("=_" + hashlib.sha256("\0".join((envelope.message_id, *parts)).encode()).hexdigest()[:24])
    return _header(*_of_envelope(envelope, told.subject), *_of_alert(facts)) + body.as_bytes()


def minimal(facts: AlertFacts | str, envelope: Envelope) -> bytes:
    """Return an alert as a bare mail of printable ASCII. It cannot fail."""
    title, lines = _unread(facts) if isinstance(facts, str) else _bare(facts)
    content = (("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=us-ascii"))
    said = "\r\n".join(
        ascii_only(line)[:_LONGEST_LINE] for line in ("prober could not lay out this alert. It says:", "", *lines)
    )
    return _header(*_of_envelope(envelope, ascii_only(title)[:WIDTH]), *content) + f"\r\n{said}\r\n".encode()


def _harmless(facts: AlertFacts) -> AlertFacts:
    cleaned = with_texts(facts, lambda value: cut(clean(value), _TEXT_CHARACTERS))
    excerpt = (cleaned.excerpt or "").encode()[:_EXCERPT_BYTES].decode(errors="ignore")
    return replace(cleaned, excerpt=excerpt)


def _header(*fields: tuple[str, str]) -> bytes:
    # Written by hand: the email package would fold long ids by encoding them, and decode what looks encoded.
    return "".join(f"{name}: {cut(ascii_only(value), _LONGEST_LINE)}\r\n" for name, value in fields).encode()


def _of_envelope(envelope: Envelope, title: str) -> Iterator[tuple[str, str]]:
    yield "From", envelope.sender
    yield "To", envelope.recipient
    yield "Subject", title
    queued_at_s = min(max(envelope.date_ms // 1000, 0), _LAST_DATE_S)
    yield "Date", format_datetime(datetime.fromtimestamp(queued_at_s, tz=UTC))
    yield "Message-ID", envelope.message_id
    if envelope.in_reply_to is not None:
        yield "In-Reply-To", envelope.in_reply_to
        yield "References", envelope.in_reply_to
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "All"
    yield "List-Id", envelope.list_id


def _of_alert(facts: AlertFacts) -> Iterator[tuple[str, str]]:
    alerts = facts.members or (facts,)
    is_urgent = any(map(_is_urgent, alerts))
    yield "X-Priority", "1" if is_urgent else "3"
    yield "Importance", "high" if is_urgent else "normal"
    since = [each.started_at_ms for each in alerts if each.started_at_ms is not None]
    fields = {
        "Event": facts.kind.value,
        "Probe": ", ".join(ids(alerts)),
        "Incident": ", ".join(str(each.incident) for each in alerts if each.incident is not None),
        "Severity": min((each.severity for each in alerts if each.severity), default=""),
        "Since": rfc3339(min(since)) if since else "",
        "Location": facts.location,
    }
    yield from ((f"X-Prober-{name}", value) for name, value in fields.items() if value)


def _is_urgent(facts: AlertFacts) -> bool:
    if facts.kind is AlertKind.REMINDER:
        return not is_about_speed(facts)
    return facts.kind is AlertKind.DOWN and facts.severity in {Severity.P0, Severity.P1}


def _unread(stored: str) -> tuple[str, list[str]]:
    told = ascii_only(stored[:_STORED_CHARACTERS])
    lines = [told[start : start + _LINE_CHARACTERS] for start in range(0, len(told), _LINE_CHARACTERS)]
    return "[PROBER] an alert that could not be read", lines


def _bare(facts: AlertFacts) -> tuple[str, list[str]]:
    said = {
        "kind": facts.kind,
        "probe": facts.probe_id,
        "severity": facts.severity,
        "incident": facts.incident,
        "reason": facts.reason,
        "detail": facts.detail,
        "url": facts.url,
        "started at (ms)": facts.started_at_ms,
        "location": facts.location,
    }
    lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
    number = "" if facts.incident is None else f" (inc {facts.incident})"
    return f"[{facts.kind}] {facts.probe_id or 'prober'}{number}", lines
