"""The rehearsal of an alert: the same rendering and the same way out as a real one, marked as a test."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.mail import Accepted, Refused, SmtpMailer, Unknown
from prober.app.compose import list_id
from prober.core.alerts import AlertFacts, AlertKind, CheckLine
from prober.core.model import Outcome, Reason, Severity
from prober.render.headline import SAMPLE
from prober.render.message import Envelope, render_safely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.core.settings import Config, EmailChannel

MINUTE_MS = 60_000
SAMPLES = (AlertKind.DOWN, AlertKind.RECOVERED, AlertKind.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What the mail servers said, for a person; ``is_accepted`` when they took every message."""

    text: str
    is_accepted: bool


def kinds_of(word: str) -> tuple[AlertKind, ...]:
    """Return the kinds that a word of the command line names; ``all`` is the test mail and every sample."""
    return (AlertKind.TEST, *SAMPLES) if word == "all" else (AlertKind(word),)


def print_rehearsal(config: Config, channels: Sequence[EmailChannel], kinds: Sequence[AlertKind], origin: str) -> str:
    """Return the messages that would be sent, headers and text part."""
    return "\n".join(
        _readable(message)
        for channel in channels
        for recipient in channel.to
        for message in _messages(config, channel, recipient, kinds, origin)
    )


async def rehearse(
    config: Config, channels: Sequence[EmailChannel], kinds: Sequence[AlertKind], origin: str
) -> Rehearsal:
    """Send the messages, and return what each server answered."""
    lines: list[str] = []
    is_accepted = True
    for channel in channels:
        async with SmtpMailer(channel, secrets=config.secrets) as mailer:
            for recipient in channel.to:
                for message in _messages(config, channel, recipient, kinds, origin):
                    outcome = await mailer.send(recipient=recipient, message=message)
                    is_accepted &= isinstance(outcome, Accepted)
                    lines.append(f"{channel.id}: {recipient}: {_said(outcome)}")
            encryption = mailer.tls_version or "no TLS"
            lines.append(
                f"{channel.id}: {channel.server}:{channel.port}, {encryption}: {mailer.greeting or 'no greeting'}"
            )
    return Rehearsal(text="".join(f"{line}\n" for line in lines), is_accepted=is_accepted)


def send_rehearsal(
    config: Config, channels: Sequence[EmailChannel], kinds: Sequence[AlertKind], origin: str
) -> Rehearsal:
    """Send the messages from outside an event loop."""
    return anyio.run(rehearse, config, channels, kinds, origin)


def _said(outcome: Accepted | Refused | Unknown) -> str:
    match outcome:
        case Accepted(reply=reply):
            return f"accepted: {reply}"
        case Refused(reply=reply):
            return f"refused: {reply}"
        case Unknown(detail=detail):
            return f"perhaps accepted: {detail}"


def _messages(
    config: Config, channel: EmailChannel, recipient: str, kinds: Sequence[AlertKind], origin: str
) -> list[bytes]:
    now_ms = SystemClock().now_ms()
    return [
        render_safely(
            _sample(kind, config, channel, origin, now_ms),
            Envelope(
                sender=channel.sender,
                recipient=recipient,
                message_id=f"<test-{secrets.token_hex(12)}@{channel.domain}>",
                in_reply_to=None,
                date_ms=now_ms,
                list_id=list_id(config.location, channel),
                first_tried_at_ms=now_ms,
            ),
        )
        for kind in kinds
    ]


def _sample(kind: AlertKind, config: Config, channel: EmailChannel, origin: str, now_ms: int) -> AlertFacts:
    test = AlertFacts(
        kind=kind,
        queued_at_ms=now_ms,
        location=config.location,
        origin=origin,
        relay=f"{channel.server}:{channel.port} ({channel.security})",
        sender=channel.sender,
        recipients=channel.to,
    )
    return test if kind is AlertKind.TEST else _with_trouble(test, now_ms - 12 * MINUTE_MS)


def _with_trouble(test: AlertFacts, began_ms: int) -> AlertFacts:
    """Return a test that tells of an incident which never was."""
    is_slow = test.kind is AlertKind.SLOW
    line = CheckLine(at_ms=began_ms, outcome=Outcome.FAILED, reason=Reason.STATUS, detail="status 503, expected 2xx")
    if is_slow:
        line = CheckLine(at_ms=began_ms, outcome=Outcome.SLOW, latency_us=1_800_000)
    sample = replace(
        test,
        probe_id="test-sample",
        probe_name="this is a test, nothing is wrong",
        url="https://sample.example/health",
        severity=Severity.P3,
        incident=SAMPLE,
        started_at_ms=began_ms,
        confirmed_at_ms=began_ms + 10 * MINUTE_MS,
        reason=line.reason,
        detail=line.detail,
        checks=3,
        rule="none: this is a sample made by prober test-alert",
        checks_before=tuple(replace(line, at_ms=began_ms + number * 5 * MINUTE_MS) for number in range(3)),
    )
    if is_slow:
        return replace(sample, slow_ms=1000, latency_now_us=line.latency_us)
    if test.kind is AlertKind.RECOVERED:
        return replace(sample, ended_at_ms=test.queued_at_ms, failed_checks=3)
    return sample


def _readable(message: bytes) -> str:
    mail = message_from_bytes(message, policy=policy.default)
    part = mail.get_body(("plain",))
    headers = "".join(f"{name}: {mail[name]}\n" for name in ("From", "To", "Subject", "Message-ID"))
    return f"{headers}\n{part.get_content() if part else ''}"
