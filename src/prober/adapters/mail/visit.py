"""A visit to a mail server that goes as far as the login, and sends nothing."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from prober.adapters.mail.connection import greet, open_socket
from prober.adapters.mail.fate import told
from prober.adapters.mail.session import default_ssl_context
from prober.core.diagnosis.mail import Step, Visit
from prober.core.masking import Masker
from prober.core.text import cut, scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiosmtplib import SMTP

    from prober.core.settings import EmailChannel

_QUIT_S: Final = 1.0
_SAID_CHARACTERS: Final = 200


async def visit(
    channel: EmailChannel,
    *,
    secrets: Iterable[str] = (),
    within_s: float = 10.0,
    ssl_context_factory: Callable[[], ssl.SSLContext] | None = None,
) -> Visit:
    """Connect as an alert would, log in, say goodbye, and return what came of it; never raise for trouble with mail."""
    mask = Masker((*secrets, channel.password or "")).mask
    step: Step = "connect"
    try:
        with anyio.fail_after(within_s):
            context = await anyio.to_thread.run_sync(ssl_context_factory or default_ssl_context)
            sock = await open_socket(channel.server, channel.port)
            step = "greeting"
            client, _ = await greet(channel, sock, ssl_context=context, local_hostname=None)
    except Exception as error:  # noqa: BLE001 - whatever a server does is what we came to see
        failure = cut(scrub(told(error, timeout_s=within_s), mask), _SAID_CHARACTERS)
        return Visit(failure=failure, step=_step(error, step))
    seen = _seen(client, channel)
    await _leave(client)
    return seen


def _step(error: BaseException, step: Step) -> Step:
    """Return how far we came, by what stopped us."""
    from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPResponseException  # noqa: PLC0415

    match error:
        case ssl.SSLCertVerificationError():
            return "certificate"
        case ssl.SSLError():
            return "tls"
        case SMTPAuthenticationError():
            return "login"
        case OSError() if error.__cause__ is not None:
            return _step(error.__cause__, step)
        case SMTPException() if not isinstance(error, SMTPResponseException | OSError):
            return "starttls" if "STARTTLS" in str(error) else "login"
    return step


def _seen(client: SMTP, channel: EmailChannel) -> Visit:
    encryption = client.get_transport_info("ssl_object")
    certificate = {} if encryption is None else encryption.getpeercert()
    return Visit(
        tls_version=None if encryption is None else encryption.version(),
        certificate_ends_ms=ssl.cert_time_to_seconds(certificate["notAfter"]) * 1000 if certificate else None,
        is_logged_in=channel.username is not None,
    )


async def _leave(client: SMTP) -> None:
    with suppress(Exception), anyio.move_on_after(_QUIT_S):
        await client.quit()
    client.close()
