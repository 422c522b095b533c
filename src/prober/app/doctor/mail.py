"""The mail server of each channel: greeted, under TLS, logged in to, and sent nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.mail.visit import visit
from prober.core.diagnosis.mail import Visit, judge_mail, no_mail

if TYPE_CHECKING:
    from prober.app.doctor.names import Names
    from prober.core.diagnosis import Finding
    from prober.core.settings import Config, EmailChannel

MAIL_S: Final = 9.0


async def look_at_mail(config: Config, names: Names) -> list[Finding]:
    """Visit the server of every channel."""
    if not config.channels:
        return [no_mail()]
    visits: dict[str, Visit] = {}

    async def go(channel: EmailChannel) -> None:
        # A lookup that hangs in the mail library's own way would hold up the end of the process.
        if (why := await names.why_lost(channel.server)) is not None:
            visits[channel.id] = Visit(failure=why)
        else:
            visits[channel.id] = await visit(channel, secrets=config.secrets, within_s=MAIL_S)

    async with anyio.create_task_group() as tasks:
        for channel in config.channels:
            tasks.start_soon(go, channel)
    now_ms = SystemClock().now_ms()
    return [judge_mail(channel, visits[channel.id], now_ms=now_ms) for channel in config.channels]
